"""One setting of an object: how it is read, what it is when nobody sets it, where it is kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import sqlalchemy as sa

from offhook.contract.errors import Errno
from offhook.contract.rules import Rule

Row: TypeAlias = dict[str, Any]
"""An object as its service gives it: settings by name, lists as tuples, beside them `id` where it has one."""


class Required:
    """Marks a setting without which no object can be made."""


REQUIRED: Final = Required()


class Link(Protocol):
    """A setting that is kept as rows of another table, such as the members of a group."""

    def load(self, connection: sa.Connection, owners: Sequence[Any]) -> Mapping[Any, tuple[str, ...]]:
        """The values of each owner, in order; owners without any may be missing."""

    def store(self, connection: sa.Connection, owner: Any, values: Sequence[str]) -> None:
        """Replace the values of one owner. Raises ContractError when one names what does not exist."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a password is kept that nobody has to read again: `derive` makes what is stored of it, slowly;
    `matches` tells whether a password is the one that something stored was made of."""

    derive: Callable[[str], str]
    matches: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A setting. `default` is a typed value, or REQUIRED; `bad` is the errno for a value that breaks the
    rule; a clearable setting takes the empty text as `cleared`, any other takes it as left out.
    `secret` values are never shown; `sealed` ones are encrypted in the store too, and of those with a
    `derived` it only keeps what a password is checked against.
    """

    name: str
    rule: Rule[Any]
    default: Any = REQUIRED
    bad: Errno = Errno.PARAMETER_EMPTY
    cleared: Any = None
    secret: bool = False
    sealed: bool = False
    derived: Derivation | None = None
    link: Link | None = None
    doc: str = ""

    @property
    def required(self) -> bool:
        """Whether an object cannot be made without it."""
        return self.default is REQUIRED


class Reference(Protocol):
    """A setting that names another object; `target` is the kind named (its `target`)."""

    def named(self, row: Row) -> Iterable[tuple[str, str]]:
        """The kinds and names that this object refers to."""

    def renamed(self, row: Row, target: str, old: str, new: str) -> Row:
        """The settings that change when `old` of kind `target` is called `new` from now on."""


@dataclass(frozen=True, slots=True)
class Named:
    """A setting that holds the name of an object of one kind, `nothing` where it names none."""

    field: str
    target: str
    nothing: tuple[str, ...] = ("",)

    def named(self, row: Row) -> Iterable[tuple[str, str]]:
        """The one object named, if any."""
        value = row.get(self.field)
        return [] if value is None or value in self.nothing else [(self.target, value)]

    def renamed(self, row: Row, target: str, old: str, new: str) -> Row:
        """The field with the new name."""
        return {self.field: new} if target == self.target and row.get(self.field) == old else {}


@dataclass(frozen=True, slots=True)
class NamedMany:
    """A setting that lists names of one kind."""

    field: str
    target: str

    def named(self, row: Row) -> Iterable[tuple[str, str]]:
        """All objects named."""
        return [(self.target, name) for name in row.get(self.field) or ()]

    def renamed(self, row: Row, target: str, old: str, new: str) -> Row:
        """Nothing: lists are kept by id."""
        return {}


@dataclass(frozen=True, slots=True)
class Step:
    """An object on its way from `old` (None: it is made) to `new`; `sent` are the settings named."""

    new: Row
    old: Row | None
    sent: frozenset[str]

    def changes(self, name: str, beside: str) -> bool:
        """Whether the setting `name` gets another value while `beside`, which goes with it, was not sent."""
        return self.old is not None and self.new[name] != self.old[name] and beside not in self.sent


Check: TypeAlias = Callable[[sa.Connection, Step], None]
"""Checks a new state of an object beyond single settings, and may settle some. Raises ContractError."""
