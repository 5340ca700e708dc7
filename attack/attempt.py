"""What an attack reports: lines of the table, and how many times it got in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Attack = Callable[[bool], Awaitable[Sequence["Attempt"]]]
"""An attack: takes whether it is to be short, runs against a PBX that it starts itself, and reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line: what was tried, how often, how often it succeeded (`got_in`), and what was measured.

    `promise` is what has to hold; `kept` tells whether it did, beside nobody having got in.
    """

    what: str
    tries: int
    got_in: int
    figures: str = ""
    promise: str = ""
    kept: bool = True

    @property
    def held(self) -> bool:
        """Whether the defence held."""
        return self.got_in == 0 and self.kept


def report(attempts: Sequence[Attempt]) -> str:
    """The table as text. Its last line sums up."""
    columns = ("attack", "tries", "in", "figures", "promise", "")
    lines = [columns] + [
        (
            one.what,
            str(one.tries),
            str(one.got_in),
            one.figures,
            one.promise,
            "held" if one.held else "FAILED",
        )
        for one in attempts
    ]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    got_in = sum(one.got_in for one in attempts)
    failed = sum(not one.held for one in attempts)
    return f"{text}\n{len(attempts)} attacks, {got_in} times in, {failed} promises broken\n"
