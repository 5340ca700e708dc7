"""Long lists of values in statements. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_MANY = 500  # values in one IN list; databases bound the parameters of a statement
_T = TypeVar("_T")


def parts(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """`values` in parts that a statement can hold."""
    for at in range(0, len(values), _MANY):
        yield values[at : at + _MANY]
