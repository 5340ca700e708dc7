"""Figures as lines of a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times in milliseconds."""

    what: str
    figures: str
    aim: str = ""


def spread(seconds: Sequence[float]) -> str:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered) * 1000:.1f} ms, p99 {last * 1000:.1f} ms"


def print_rows(rows: Sequence[Row]) -> None:
    """Print the table."""
    width = max(len(row.what) for row in rows)
    figures = max(len(row.figures) for row in rows)
    print(f"{'measured':{width}}  {'figures':{figures}}  aim")
    for row in rows:
        print(f"{row.what:{width}}  {row.figures:{figures}}  {row.aim}")
