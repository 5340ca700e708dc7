"""An immutable mapping whose successors share what did not change, so that a new picture per event is cheap.

    base   all that stood there when it was laid down; shared by many pictures, never written to
    new    what was set since          gone   what was taken away since

A change copies the few changes only. When they have become many (the root of the whole) they are laid into a
new base, so that n keys cost about the root of n per change. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt
from typing import Self, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")

_FEW = 16


class Layers(Mapping[str, V]):
    """Read it as any mapping; the order is that of the base, then of what is new.

    Only a `successor` may be written to, by whoever asked for it and until it is handed out.
    """

    __slots__ = ("_base", "_count", "_gone", "_new")

    def __init__(self, content: Mapping[str, V] | None = None) -> None:
        self._base: dict[str, V] = dict(content) if content else {}
        self._new: dict[str, V] = {}
        self._gone: dict[str, None] = {}
        self._count = len(self._base)

    def successor(self) -> Self:
        """A mapping of the same content that may be changed."""
        copy = type(self)()
        if len(self._new) + len(self._gone) > max(_FEW, isqrt(len(self._base))):
            copy._base = dict(self._base)
            for key in self._gone:
                del copy._base[key]
            copy._base.update(self._new)
        else:
            copy._base, copy._new, copy._gone = self._base, dict(self._new), dict(self._gone)
        copy._count = self._count
        return copy

    def put(self, key: str, value: V) -> None:
        """Set a key."""
        if key not in self:
            self._count += 1
            self._gone.pop(key, None)
        self._new[key] = value

    def drop(self, key: str) -> None:
        """Take a key away; an unknown one is no error."""
        if key not in self:
            return
        self._count -= 1
        self._new.pop(key, None)
        if key in self._base:
            self._gone[key] = None

    def __getitem__(self, key: str) -> V:
        if key in self._new:
            return self._new[key]
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._new or (key in self._base and key not in self._gone)

    @overload
    def get(self, key: str, /) -> V | None: ...
    @overload
    def get(self, key: str, /, default: V | D) -> V | D: ...
    def get(self, key: str, /, default: V | D | None = None) -> V | D | None:
        """The value of a key, else the default."""
        if key in self._new:
            return self._new[key]
        return default if key in self._gone else self._base.get(key, default)

    def __iter__(self) -> Iterator[str]:
        for key in self._base:
            if key not in self._gone:
                yield key
        for key in self._new:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Layers({dict(self)})"
