"""When a time of day comes next in a time zone, on the nights of daylight saving too. Pure.

A time that does not exist rings at the moment at which the clock jumps over it: never late, and in the order
of the day. A time that exists twice rings once, the first time. A day that a zone leaves out has no call.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))
"""All weekdays, 0 is Sunday."""

_LOOKED_AT = 16
"""Days; a week, and what can be left out around a change of zone."""


@dataclass(frozen=True, slots=True)
class Due:
    """A moment in seconds since the epoch, and the local day that it belongs to."""

    at: float
    day: date


def clock_time(text: str) -> time:
    """The time of day `hh:mm`. Raises ValueError."""
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def moment(day: date, at: time, zone: ZoneInfo) -> float | None:
    """When it is `at` on `day`, in seconds since the epoch; None when the zone leaves that day out."""
    wall = datetime.combine(day, at)
    first = _instant(wall, zone, fold=0)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first.timestamp()
    jump = _jump(_instant(wall, zone, fold=1), first, zone)
    before = (jump - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) + timedelta(seconds=1)
    after = jump.astimezone(zone).replace(tzinfo=None)
    midnight = datetime.combine(day, time())
    if before <= midnight and after >= midnight + timedelta(days=1):
        return None
    return jump.timestamp()


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first second in which the clock of `zone` is ahead of what it was at `low`; it is so at `high`."""
    old = low.astimezone(zone).utcoffset()
    seconds = range(1, int((high - low).total_seconds()) + 1)

    def is_ahead(second: int) -> bool:
        return (low + timedelta(seconds=second)).astimezone(zone).utcoffset() != old

    return low + timedelta(seconds=seconds[bisect_left(seconds, True, hi=len(seconds) - 1, key=is_ahead)])


def next_due(
    at: time, weekdays: Collection[int], zone: ZoneInfo, after: float, last: date | None = None
) -> Due:
    """The first moment after `after` at which it is `at` on one of `weekdays` (0 is Sunday).

    `last` is the latest local day that has had its call: that day and those before are passed over, so that
    no day gets two, however clock and zone are changed. One after tomorrow is of a clock that was wrong, and
    counts for nothing: else nobody would be woken until then. Raises ValueError without weekdays.
    """
    today = datetime.fromtimestamp(after, zone).date()
    day = today - timedelta(days=1)
    if last is not None and last <= today + timedelta(days=1):
        day = max(day, last + timedelta(days=1))
    for _ in range(_LOOKED_AT):
        if day.isoweekday() % 7 in weekdays:
            found = moment(day, at, zone)
            if found is not None and found > after:
                return Due(found, day)
        day += timedelta(days=1)
    raise ValueError("there is no such day")
