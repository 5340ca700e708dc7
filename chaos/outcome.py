"""What came of a fault, as one line of the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADINGS = (
    "fault",
    "times",
    "calls",
    "went on",
    "changes lost",
    "no end/two",
    "NewCdr missing/doubled",
    "repeated",
    "disorder",
    "recovery p50, max",
)


@dataclass
class Outcome:
    """Counts of one fault. What must be zero is in `wrong`; `recoveries` are in seconds.

    `repeated` are pushes of the same NewCdr, unchanged, after a kill: those are allowed.
    """

    fault: str
    times: int = 0
    calls: int = 0
    up: int = 0  # calls that could go on when the fault came
    went_on: int = 0
    not_connected: int = 0  # calls begun while nothing stood in their way, and which came to nothing
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    endless: list[str] = field(default_factory=list)
    ended_twice: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    repeated: int = 0
    disorder: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # whatever else was not as it has to be
    notes: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All that must not be, in words; empty when the fault did no harm."""
        found = [
            f"{what}: {', '.join(which[:5])}"
            for what, which in (
                ("acknowledged changes lost", self.lost),
                ("calls without end", self.endless),
                ("calls with two ends", self.ended_twice),
                ("NewCdr missing", self.missing),
                ("NewCdr doubled", self.doubled),
                ("out of order", self.disorder),
            )
            if which
        ]
        if self.went_on < self.up:
            found.append(f"{self.up - self.went_on} calls did not go on")
        if self.not_connected:
            found.append(f"{self.not_connected} calls came to nothing")
        return found + self.broken

    def cells(self) -> tuple[str, ...]:
        """This outcome under the headings."""
        return (
            self.fault,
            str(self.times),
            str(self.calls),
            f"{self.went_on} of {self.up}" if self.up else "-",
            f"{len(self.lost)} of {self.acknowledged}",
            f"{len(self.endless)}/{len(self.ended_twice)}",
            f"{len(self.missing)}/{len(self.doubled)}",
            str(self.repeated),
            str(len(self.disorder)),
            self._recovery(),
        )

    def _recovery(self) -> str:
        if not self.recoveries:
            return "-"
        return f"{statistics.median(self.recoveries):.1f} s, {max(self.recoveries):.1f} s"


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print the table, and below it what was noted."""
    lines = [HEADINGS, *(one.cells() for one in outcomes)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADINGS))]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
    for one in outcomes:
        for note in (*one.notes, *(f"WRONG: {wrong}" for wrong in one.wrong)):
            print(f"{one.fault}: {note}")
