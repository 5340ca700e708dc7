"""When a wake-up call is due: daylight saving, changes of zone, and what holds in every zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.wakeup.times import EVERY_DAY, moment, next_due

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Apia",  # has left out a day
    "America/Sao_Paulo",  # jumped at midnight
    "America/Nuuk",  # jumps over midnight
    "Africa/Casablanca",
]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def at(text: str, zone: ZoneInfo = BERLIN) -> str:
    """The UTC moment of a local day and time."""
    wall = datetime.fromisoformat(text)
    found = moment(wall.date(), wall.time(), zone)
    return "" if found is None else f"{datetime.fromtimestamp(found, UTC):%Y-%m-%d %H:%M:%S}"


def test_an_ordinary_time() -> None:
    assert at("2024-01-15 06:30") == "2024-01-15 05:30:00"
    assert at("2024-07-15 06:30") == "2024-07-15 04:30:00"


@pytest.mark.parametrize("missing", ["02:00", "02:01", "02:30", "02:59"])
def test_a_time_that_does_not_exist_rings_when_the_clock_jumps(missing: str) -> None:
    assert at(f"2024-03-31 {missing}") == "2024-03-31 01:00:00" == at("2024-03-31 03:00")


def test_the_minutes_around_the_jump_are_ordinary() -> None:
    assert at("2024-03-31 01:59") == "2024-03-31 00:59:00"
    assert at("2024-03-31 03:01") == "2024-03-31 01:01:00"


def test_a_time_that_exists_twice_rings_once_and_first() -> None:
    assert at("2024-10-27 02:30") == "2024-10-27 00:30:00"
    first = next_due(time(2, 30), EVERY_DAY, BERLIN, utc("2024-10-26 12:00"))
    assert first.at == utc("2024-10-27 00:30")
    assert next_due(time(2, 30), EVERY_DAY, BERLIN, first.at).at == utc("2024-10-28 01:30")
    assert at("2024-11-03 01:30", NEW_YORK) == "2024-11-03 05:30:00"


def test_a_clock_that_jumps_over_midnight() -> None:
    """Nuuk, 30 March 2024: 23:00 became 00:00; Toronto, 30 March 1919: 23:30 became 00:30 of the next day."""
    nuuk, toronto = ZoneInfo("America/Nuuk"), ZoneInfo("America/Toronto")
    assert at("2024-03-30 23:30", nuuk) == at("2024-03-31 00:00", nuuk) == "2024-03-31 01:00:00"
    assert at("1919-03-30 23:45", toronto) == at("1919-03-31 00:30", toronto) == "1919-03-31 04:30:00"


def test_a_day_that_the_zone_leaves_out_has_no_call() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert at("2011-12-30 06:30", apia) == ""
    before = next_due(time(6, 30), EVERY_DAY, apia, utc("2011-12-29 00:00"))
    after = next_due(time(6, 30), EVERY_DAY, apia, before.at)
    assert (before.day, after.day) == (date(2011, 12, 29), date(2011, 12, 31))


def test_weekdays_begin_with_sunday() -> None:
    friday = utc("2024-01-05 12:00")
    days = [next_due(time(6, 30), {day}, BERLIN, friday).day for day in range(7)]
    assert [day.day for day in days] == [7, 8, 9, 10, 11, 12, 6]
    assert next_due(time(13, 30), {5}, BERLIN, friday).day == date(2024, 1, 5), "later on the same day"
    assert next_due(time(13, 0), {5}, BERLIN, friday).day == date(2024, 1, 12), "not at this very moment"


def test_a_day_that_is_over_is_passed_over_whatever_the_zone_becomes() -> None:
    rung = next_due(time(6, 30), EVERY_DAY, BERLIN, utc("2024-01-15 00:00"))
    again = next_due(time(6, 30), EVERY_DAY, NEW_YORK, rung.at, rung.day)
    assert (rung.day, again.day) == (date(2024, 1, 15), date(2024, 1, 16))
    assert next_due(time(6, 30), EVERY_DAY, NEW_YORK, rung.at).day == rung.day, "which it would not be"


def test_without_a_weekday_there_is_no_next_one() -> None:
    with pytest.raises(ValueError, match="no such day"):
        next_due(time(6, 30), (), BERLIN, 0.0)


_WALLS = st.times(timezones=st.none()).map(lambda one: one.replace(second=0, microsecond=0))
_MOMENTS = st.floats(utc("1990-01-01"), utc("2037-01-01"))


@given(_WALLS, st.sets(st.integers(0, 6), min_size=1), st.sampled_from(ZONES), _MOMENTS)
def test_it_goes_forward_day_by_day_and_shows_the_time_that_was_asked_for(
    wall: time, weekdays: set[int], name: str, after: float
) -> None:
    zone, seen = ZoneInfo(name), after
    last: date | None = None
    for _ in range(12):
        due = next_due(wall, weekdays, zone, seen, last)
        assert due.at > seen
        assert last is None or due.day > last, "no day twice"
        assert due.day.isoweekday() % 7 in weekdays
        shows = datetime.fromtimestamp(due.at, zone).replace(tzinfo=None)
        if shows != datetime.combine(due.day, wall):
            before = datetime.fromtimestamp(due.at - 1, zone).replace(tzinfo=None)
            assert before < datetime.combine(due.day, wall) < shows, "the clock has jumped over it just now"
        for days in range(1, (due.day - last).days if last else 0):
            skipped = due.day - timedelta(days=days)
            assert skipped.isoweekday() % 7 not in weekdays or moment(skipped, wall, zone) is None
        seen, last = due.at, due.day


@given(_WALLS, _WALLS, st.sampled_from(ZONES), st.dates(date(1990, 1, 1), date(2037, 1, 1)))
def test_an_earlier_time_of_a_day_is_never_later(one: time, other: time, name: str, day: date) -> None:
    early, late = sorted((one, other))
    first, second = moment(day, early, ZoneInfo(name)), moment(day, late, ZoneInfo(name))
    assert first is None or second is None or first <= second
