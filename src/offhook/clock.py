"""Time as a part that is passed in, so that tests can move it."""

from __future__ import annotations

import time


class Clock:
    """The real time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never steps back. For waits and intervals."""
        return time.monotonic()


class ManualClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_600_000_000.0) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> float:
        """The time set."""
        return self._now

    def monotonic(self) -> float:
        """Moves with `advance` only."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds
        self._monotonic += seconds
