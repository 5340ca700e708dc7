"""What would be changed, as values that can be shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

_SIGNS = {"add": "+", "update": "~", "delete": "-"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field; `old` and `new` are as shown, so a secret is never in them."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object to add, update or delete. `request` is what the section needs to carry it out."""

    section: str
    operation: Literal["add", "update", "delete"]
    name: str
    differences: tuple[Difference, ...] = ()
    request: object = None

    def lines(self) -> Iterator[str]:
        """The change in words, one line for the object and one for each field."""
        yield f"{_SIGNS[self.operation]} {self.section} {self.name}"
        for difference in self.differences:
            if self.operation == "add":
                yield f"    {difference.field}: {difference.new}"
            else:
                yield f"    {difference.field}: {difference.old} -> {difference.new}"


def shown(value: object) -> str:
    """A field's value for people."""
    if isinstance(value, bool):
        return "on" if value else "off"
    text = ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
    return text or '""'


def differences(
    old: Mapping[str, object], new: Mapping[str, object], secret: frozenset[str] = frozenset()
) -> tuple[Difference, ...]:
    """The fields in which `new` differs from `old`; fields in `secret` are named, their values not shown."""
    return tuple(
        Difference(name, *(("(secret)",) * 2 if name in secret else (shown(old.get(name, "")), shown(value))))
        for name, value in new.items()
        if old.get(name, "") != value
    )
