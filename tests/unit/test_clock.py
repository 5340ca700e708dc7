"""A wall clock that is set: what is believed of it, and who is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.areas.alarms.clock import ClockWatch, settled_last
from offhook.clock import AWAY_SECONDS, SETTLE_SECONDS, STEP_SECONDS, ManualClock, Steps
from offhook.store.migrate import open_store
from tests.support.waiting import eventually

DAY = 86400.0


def test_the_settled_time_goes_with_the_clock() -> None:
    clock = ManualClock()
    for seconds in (0, 1, 40 * DAY):
        clock.advance(seconds)
        assert (clock.settled(), clock.ahead()) == (clock.now(), 0)
    for _ in range(1000):  # as NTP slews it
        clock.advance(60)
        clock.set_by(STEP_SECONDS)
        assert clock.settled() == clock.now()


def test_a_step_forward_is_believed_after_half_a_day() -> None:
    clock = ManualClock()
    clock.settled()
    clock.set_by(30 * DAY)
    assert clock.settled() == clock.now() - 30 * DAY
    clock.advance(SETTLE_SECONDS - 1)
    assert clock.settled() == pytest.approx(clock.now() - 30 * DAY)
    assert clock.ahead() == pytest.approx(30 * DAY)
    clock.advance(1)
    assert (clock.settled(), clock.ahead()) == (clock.now(), 0)


def test_a_second_step_forward_has_to_wait_as_long() -> None:
    clock = ManualClock()
    clock.settled()
    clock.set_by(DAY)
    clock.settled()
    clock.advance(SETTLE_SECONDS - 1)
    clock.set_by(30 * DAY)
    assert clock.ahead() == pytest.approx(31 * DAY)
    clock.advance(SETTLE_SECONDS - 1)
    assert clock.ahead()
    clock.advance(1)
    assert not clock.ahead()


@pytest.mark.parametrize("ahead", [0.0, 3600.0, 30 * DAY])
def test_a_clock_that_is_put_back_is_believed_at_once(ahead: float) -> None:
    clock = ManualClock()
    clock.settled()
    clock.set_by(ahead)
    clock.settled()
    clock.set_by(-ahead - 7200)
    assert (clock.settled(), clock.ahead()) == (clock.now(), 0)


def test_a_start_goes_on_from_what_was_believed_before() -> None:
    for off, ahead in ((0.0, 0.0), (-DAY, 0.0), (AWAY_SECONDS, 0.0), (30 * DAY, 30 * DAY)):
        clock = ManualClock(1_700_000_000.0 + off)
        clock.last_settled(1_700_000_000.0)
        assert clock.ahead() == pytest.approx(ahead)
        clock.advance(SETTLE_SECONDS)
        assert clock.settled() == clock.now()


def test_steps_are_told_once_and_time_that_passes_is_none() -> None:
    clock = ManualClock()
    steps = Steps(clock, 5.0)
    clock.advance(DAY)
    clock.set_by(4)
    assert steps.taken() == 0
    clock.set_by(4)
    assert steps.taken() == 0, "it is slewed"
    for by in (7200.0, -31 * DAY):
        clock.set_by(by)
        assert steps.taken() == pytest.approx(by)
        assert steps.taken() == 0


class Alarms:
    """What was told."""

    def __init__(self) -> None:
        self.now = ""

    def raise_(self, key: str, text: str) -> None:
        assert key == "clock"
        self.now = text

    def clear(self, key: str, _text: str) -> None:
        assert key == "clock"
        self.now = ""


async def test_operators_hear_of_it_and_the_next_start_knows(tmp_path: Path) -> None:
    store, clock, alarms = open_store(tmp_path / "s.db", []), ManualClock(), Alarms()
    assert await store.read(settled_last) is None
    watch = ClockWatch(store, clock, alarms)
    await watch.start()
    watch.look()
    assert alarms.now == ""
    clock.set_by(30 * DAY)
    watch.look()
    assert alarms.now == (
        "the clock was set forward by 30 days: nothing is deleted for its age for 12 hours; "
        "if it is wrong, set it back"
    )
    clock.set_by(-30 * DAY)
    watch.look()
    assert alarms.now == ""
    clock.set_by(36 * 3600)
    watch.look()
    assert alarms.now.startswith("the clock was set forward by 36.0 hours")
    await watch.close()
    believed = await store.read(settled_last)
    assert believed == pytest.approx(clock.now() - 36 * 3600)

    again, quiet = ManualClock(clock.now() + 60), Alarms()
    again.last_settled(believed or 0.0)
    watch = ClockWatch(store, again, quiet)
    await watch.start()
    watch.look()
    assert (quiet.now, again.ahead() > 0) == ("", True), "the PBX may have been off"
    again.advance(SETTLE_SECONDS)
    await eventually(lambda: not again.ahead(), "it is believed")
    await watch.close()
    assert await store.read(settled_last) == again.now()
    store.close()
