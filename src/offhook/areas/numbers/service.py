"""One dial plan, many kinds of numbers: a number may belong to one thing only.

Every area that has numbers registers how to find them; every area that gives out a number asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import sqlalchemy as sa

Finder: TypeAlias = Callable[[sa.Connection, str], bool]


class Numbers:
    """Knows what each number is; made once in the composition root."""

    def __init__(self) -> None:
        self._finders: dict[str, Finder] = {}
        self._reserved: Callable[[], Iterable[str]] = tuple

    def register(self, kind: str, finder: Finder) -> None:
        """Numbers of `kind` (such as "extension") are those for which `finder` is true.

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
        if number in self._reserved():
            return "feature code"
        for kind, finder in self._finders.items():
            if kind != but and finder(connection, number):
                return kind
        return None
