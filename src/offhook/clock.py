"""Time as a part that is passed in, so that tests can move it.

The wall clock may be set at any moment: by NTP, by an operator's mistake, by a machine that was put to sleep.
Three times, for three uses: `now` is what people and other machines are told, `monotonic` measures what lasts
while this process does, and `settled` is for whatever is deleted or given up for its age.
"""

from __future__ import annotations

import time

STEP_SECONDS = 300.0
"""By more than this no clock runs ahead of the monotonic one by itself: it was set."""
SETTLE_SECONDS = 12 * 3600.0
"""After so long a clock that was set forward is believed: a night, in which nobody puts it right."""
AWAY_SECONDS = 2 * 3600.0
"""For so long a PBX may have been off, and the clock it finds at its start is believed at once."""


class Clock:
    """The real time."""

    _offset: float | None = None  # of the settled time to the monotonic one
    _set_to = _set_at = 0.0  # the offset that is not believed yet, and since when

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never steps back. For waits and intervals."""
        return time.monotonic()

    def settled(self) -> float:
        """Seconds since the epoch, for what is deleted or given up for its age.

        As `now`, but a clock that is set forward is not followed before `SETTLE_SECONDS`: one that was set
        wrong, and is put right meanwhile, has deleted nothing. Set back it is followed at once.
        """
        monotonic = self.monotonic()
        offset = self.now() - monotonic
        if self._offset is None or offset <= self._offset + STEP_SECONDS:
            self._offset, self._set_at = offset, 0.0
        elif not self._set_at or offset > self._set_to + STEP_SECONDS:
            self._set_to, self._set_at = offset, monotonic
        elif monotonic - self._set_at >= SETTLE_SECONDS:
            self._offset, self._set_at = offset, 0.0
        return monotonic + self._offset if self._set_at else self.now()

    def ahead(self) -> float:
        """By how many seconds the clock is ahead of the settled time; 0 while it is believed."""
        settled = self.settled()
        return self.now() - settled if self._set_at else 0.0

    def last_settled(self, seen: float) -> None:
        """Take the time that was settled last before this process; call it once, at the start."""
        monotonic = self.monotonic()
        if self.now() > seen + AWAY_SECONDS:
            self._offset = seen - monotonic
        self.settled()


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

    def set_by(self, seconds: float) -> None:
        """Set the clock forward, or back by a negative number; no time passes."""
        self._now += seconds


class Steps:
    """Tells when a clock was set. Ask often: what it drifts by between two looks is no step."""

    def __init__(self, clock: Clock, least: float) -> None:
        self._clock = clock
        self._least = least
        self._offset = clock.now() - clock.monotonic()

    def taken(self) -> float:
        """By how many seconds it was set since the last look, negative for back; 0 for less than `least`."""
        before, self._offset = self._offset, self._clock.now() - self._clock.monotonic()
        step = self._offset - before
        return step if abs(step) >= self._least else 0.0
