"""What a kind of object is: its settings, its table, its errnos. Pure but for the tables it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.areas.objects.field import Check, Field, Reference, Row
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import RuleBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object, such as the queues.

    `key` is its name in `apply` and in the admin API, `word` what people call one of it. `identity` is the
    setting that names it, unique among its kind; where that is a number, `numbered`, it is unique in the
    whole PBX and cannot be changed; `numbers` is where the operators' API looks for one when none is sent.
    `target` is its name in destinations. `parts` says which generated files
    of the engine depend on it. Limits and clashes have the errnos of the contract.
    """

    key: str
    word: str
    table: sa.Table
    fields: tuple[Field, ...]
    identity: str = "number"
    numbered: bool = True
    numbers: range | None = None
    target: str = ""
    parts: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    check: Check | None = None
    limit: int = 1000
    missing: Errno = Errno.PARAMETER_EMPTY
    taken: Errno = Errno.PARAMETER_EMPTY
    dangling: Errno = Errno.PARAMETER_EMPTY
    in_use: Errno = Errno.PARAMETER_EMPTY
    full: Errno = Errno.PARAMETER_EMPTY
    order: Sequence[str] = ()

    @property
    def primary(self) -> str:
        """The column that identifies a row: the number, or the id that the PBX gave."""
        return self.identity if self.numbered else "id"

    @property
    def by_name(self) -> Mapping[str, Field]:
        """The settings by their names."""
        return {field.name: field for field in self.fields}

    @property
    def columns(self) -> tuple[str, ...]:
        """The settings that are columns of the table."""
        return tuple(field.name for field in self.fields if field.link is None)

    def read_new(self, values: Mapping[str, str], *, find_number: bool = False) -> Row:
        """All settings of a new object from what was sent; what was left out is at its default.

        With `find_number` the number may be left out, to be found later. Raises ContractError: first for what
        is missing, then for the first value that breaks its rule.
        """
        free = self.identity if find_number and self.numbers is not None else ""
        for field in self.fields:
            if field.required and field.name != free and field.rule.is_empty(values.get(field.name, "")):
                raise ContractError(Errno.PARAMETER_EMPTY, f"{field.name} is missing or empty")
        defaults = {field.name: field.default for field in self.fields if not field.required}
        return defaults | self.read_changes(values)

    def read_changes(self, values: Mapping[str, str]) -> Row:
        """The settings sent. Raises ContractError for the first value that breaks its rule."""
        return {
            field.name: value
            for field in self.fields
            if field.name in values and (value := _read(field, values[field.name])) is not None
        }

    def shown(self, row: Row) -> dict[str, str]:
        """An object for people and documents, without its secrets."""
        return {
            field.name: text_of(row[field.name])
            for field in self.fields
            if not field.secret and field.name in row
        }


def _read(field: Field, text: str) -> Any:
    if field.rule.is_empty(text):
        return field.cleared
    try:
        return field.rule.take(text)
    except RuleBroken as broken:
        raise ContractError(field.bad, f"{field.name} must be {broken}") from None


def text_of(value: Any) -> str:
    """A setting as it would be sent."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
