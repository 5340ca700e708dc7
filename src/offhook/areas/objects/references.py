"""Which object names which: nothing may name what is not there, and what is named cannot be deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import sqlalchemy as sa

from offhook.areas.objects.errors import Conflict
from offhook.areas.objects.field import Reference, Row
from offhook.areas.objects.kind import Kind
from offhook.contract.errors import ContractError, Errno

_SOUNDS = frozenset({"prompt", "musiconhold"})

Exists: TypeAlias = Callable[[sa.Connection, str], bool]

Naming: TypeAlias = Callable[[sa.Connection], Iterable[tuple[str, str, str]]]
"""Tells who (in words) names what: the kind and the name."""


class Objects(Protocol):
    """The objects of one kind, as the references need them."""

    @property
    def kind(self) -> Kind:
        """What they are."""

    def every(self, connection: sa.Connection) -> tuple[Row, ...]:
        """All of them."""

    def exists(self, connection: sa.Connection, name: str) -> bool:
        """Whether one has this number or name."""


class References:
    """Knows every kind; made once in the composition root."""

    def __init__(self) -> None:
        self._objects: list[Objects] = []
        self._targets: dict[str, tuple[str, Exists]] = {}
        self._naming: list[Naming] = []

    def add(self, objects: Objects) -> None:
        """Take a kind in: what it names, and what can be named of it."""
        self._objects.append(objects)
        if objects.kind.target:
            self.add_target(objects.kind.target, objects.kind.word, objects.exists)

    def add_target(self, target: str, word: str, exists: Exists) -> None:
        """Something that can be named and is no object of this kind: extensions, prompts."""
        self._targets[target] = (word, exists)

    def add_naming(self, naming: Naming) -> None:
        """Something that names objects and is no object of a kind: wake-up calls."""
        self._naming.append(naming)

    def require(self, connection: sa.Connection, kind: Kind, row: Row) -> None:
        """Raises ContractError when this object names what does not exist."""
        for target, name in named_in(kind.references, row):
            # an object may name itself: a queue that starts over
            if target == kind.target and name == row.get(kind.identity):
                continue
            self.require_one(connection, target, name, kind.dangling)

    def require_one(self, connection: sa.Connection, target: str, name: str, bad: Errno) -> None:
        """Raises ContractError when there is no `name` of this kind; `bad` unless it is a prompt."""
        missing = self._missing(connection, target, name)
        if missing is not None:
            raise ContractError(Errno.NO_SUCH_AUDIO if target == "prompt" else bad, missing)

    def forbid(self, connection: sa.Connection, kind: Kind, names: Iterable[str]) -> None:
        """Raises ContractError when an object still names one of `names`, which are of `kind`."""
        user = self.user_of(connection, kind.target, names)
        if user is not None:
            raise Conflict(kind.in_use, user)

    def user_of(self, connection: sa.Connection, target: str, names: Iterable[str]) -> str | None:
        """Who names one of `names` of kind `target`, as a sentence; None when nobody does."""
        gone = set(names)
        word = self._targets.get(target, (target, None))[0]
        for who, found, name in self._all_named(connection):
            if found == target and name in gone:
                return f"{word} {name} is in use by {who}"
        return None

    def dangling(self, connection: sa.Connection, coming: frozenset[str]) -> Iterator[str]:
        """Every object that names what does not exist, as a sentence; sounds of the names `coming` do."""
        for who, target, name in self._all_named(connection):
            if target in _SOUNDS and name in coming:
                continue
            missing = self._missing(connection, target, name)
            if missing is not None:
                yield f"{who}: {missing}"

    def _missing(self, connection: sa.Connection, target: str, name: str) -> str | None:
        word, exists = self._targets.get(target, (target, None))
        return None if exists is not None and exists(connection, name) else f"there is no {word} {name}"

    def _all_named(self, connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
        for objects in self._objects:
            kind = objects.kind
            for row in objects.every(connection) if kind.references else ():
                for target, name in named_in(kind.references, row):
                    yield f"{kind.word} {row[kind.identity]}", target, name
        for naming in self._naming:
            yield from naming(connection)

    def rename(self, connection: sa.Connection, target: str, old: str, new: str) -> None:
        """Carry a new name into every object that names it."""
        for objects in self._objects:
            kind = objects.kind
            for row in objects.every(connection) if kind.references else ():
                changes: Row = {}
                for reference in kind.references:
                    changes |= reference.renamed(row, target, old, new)
                if changes:
                    own = kind.table.c[kind.primary] == row[kind.primary]
                    connection.execute(sa.update(kind.table).where(own).values(**changes))


def named_in(references: Iterable[Reference], row: Row) -> Sequence[tuple[str, str]]:
    """The kinds and names that settings refer to."""
    return [pair for reference in references for pair in reference.named(row)]
