"""One dial plan, many kinds of numbers: a number may belong to one thing only.

Every area that has numbers registers how to find them; every area that gives out a number asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

import sqlalchemy as sa

from offhook.store.parts import parts

Finder: TypeAlias = Callable[[sa.Connection, Collection[str]], Collection[str]]
"""Which of some numbers are of a kind."""


def standing_in(
    column: sa.ColumnElement[str], connection: sa.Connection, numbers: Collection[str]
) -> set[str]:
    """Which of some numbers stand in a column: with the column bound to it, the finder of most kinds."""
    found: set[str] = set()
    for some in parts(tuple(numbers)):
        found.update(connection.execute(sa.select(column).where(column.in_(some))).scalars())
    return found


class Numbers:
    """Knows what each number is; made once in the composition root."""

    def __init__(self) -> None:
        self._finders: dict[str, Finder] = {}
        self._reserved: Callable[[], Iterable[str]] = tuple

    def register(self, kind: str, finder: Finder) -> None:
        """Numbers of `kind` (such as "extension") are those that `finder` finds.

        Raises ValueError when the kind is registered twice.
        """
        if kind in self._finders:
            raise ValueError(f"numbers of kind {kind} are registered twice")
        self._finders[kind] = finder

    def reserve(self, codes: Callable[[], Iterable[str]]) -> None:
        """`codes` tells the feature codes in force, read at every check since they can be changed."""
        self._reserved = codes

    def taken_by(self, connection: sa.Connection, number: str, *, but: str = "") -> str | None:
        """The kind of thing that has `number`, None when it is free; the kind `but` is not asked."""
        return self.taken(connection, (number,), but=but).get(number)

    def taken(self, connection: sa.Connection, numbers: Collection[str], *, but: str = "") -> dict[str, str]:
        """As `taken_by`, of many at once; those that are free are left out."""
        found = dict.fromkeys(set(numbers).intersection(self._reserved()), "feature code")
        for kind, finder in self._finders.items():
            left = [number for number in numbers if number not in found]
            if not left:
                break
            if kind != but:
                found.update(dict.fromkeys(finder(connection, left), kind))
        return found
