"""What becomes of a wake-up call: each state with each event, repetitions, what holds for any sequence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.wakeup.model import (
    CUSTOM,
    EVERYDAY,
    ONETIME,
    Alarm,
    Event,
    Rules,
    State,
    Wish,
    WrongEvent,
    clock_set,
    resumed,
    schedule,
    step,
)

ZONE = ZoneInfo("Europe/Berlin")
RULES = Rules(ZONE)
DUE = datetime(2024, 1, 15, 5, 30, tzinfo=UTC).timestamp()  # a Monday, 06:30 there
DAY = 86400.0


def alarm(**fields: object) -> Alarm:
    values: dict[str, object] = {
        "id": 7,
        "number": "2003",
        "time": "06:30",
        "type": EVERYDAY,
        "repeats": 2,
        "repeatinterval": 5,
        "state": State.WAITING,
        "zone": ZONE.key,
        "due": DUE,
        "day": "2024-01-15",
        "at": DUE,
    }
    return Alarm(**{**values, **fields})  # type: ignore[arg-type]


def ringing(**fields: object) -> Alarm:
    return step(alarm(**fields), Event.DUE, DUE + 1, RULES, "1.1")


def test_a_due_one_rings() -> None:
    one = ringing()
    assert (one.state, one.begun, one.callid, one.ring) == (State.RINGING, DUE + 1, "1.1", 1)


def test_an_answered_one_is_over_for_its_day() -> None:
    one = step(ringing(), Event.ANSWERED, DUE + 60, RULES)
    assert (one.state, one.at, one.due, one.day) == (State.WAITING, DUE + DAY, DUE + DAY, "2024-01-16")
    assert (one.last_day, one.ring, one.callid, one.begun) == ("2024-01-15", 1, "", 0.0)


def test_an_unanswered_one_rings_again_after_the_interval_and_as_often_as_set() -> None:
    one, begins = ringing(), []
    for _ in range(2):
        one = step(one, Event.UNANSWERED, one.begun + 45, RULES)
        assert (one.state, one.due) == (State.PAUSED, DUE)
        begins.append(one.at)
        one = step(one, Event.DUE, one.at, RULES, "1.2")
    assert begins == [DUE + 1 + 300, DUE + 1 + 600], "minutes after the ring before"
    assert one.ring == 3
    over = step(one, Event.UNANSWERED, one.begun + 45, RULES)
    assert (over.state, over.at, over.ring) == (State.WAITING, DUE + DAY, 1)


def test_all_repetitions_ring_if_the_operator_wants_it() -> None:
    every = Rules(ZONE, every_ring=True)
    one = step(ringing(repeats=1), Event.ANSWERED, DUE + 60, every)
    assert (one.state, one.ring) == (State.PAUSED, 2)
    one = step(step(one, Event.DUE, one.at, every, "1.2"), Event.ANSWERED, DUE + 400, every)
    assert (one.state, one.day) == (State.WAITING, "2024-01-16")


@pytest.mark.parametrize("event", [Event.ANSWERED, Event.UNANSWERED])
def test_a_onetime_one_is_done_after_its_last_ring(event: Event) -> None:
    assert (
        step(ringing(type=ONETIME, repeats=0, repeatinterval=0), event, DUE + 60, RULES).state is State.DONE
    )


def test_a_broken_try_is_made_anew_as_the_same_ring() -> None:
    first = step(ringing(), Event.BROKEN, DUE + 3, RULES)
    assert (first.state, first.ring, first.at, first.callid) == (State.WAITING, 1, DUE, "")
    paused = alarm(state=State.PAUSED, ring=2, at=DUE + 300)
    second = step(step(paused, Event.DUE, DUE + 301, RULES, "1.2"), Event.BROKEN, DUE + 302, RULES)
    assert (second.state, second.ring, second.at) == (State.PAUSED, 2, DUE + 300)


def test_a_late_one_goes_on_with_its_next_ring_and_at_last_with_the_next_day() -> None:
    one = step(alarm(), Event.LATE, DUE + 4000, RULES)
    assert (one.state, one.ring, one.at) == (State.PAUSED, 2, DUE + 300), "which may be late too"
    one = step(step(one, Event.LATE, DUE + 4000, RULES), Event.LATE, DUE + 4000, RULES)
    assert (one.state, one.ring, one.day) == (State.WAITING, 1, "2024-01-16")
    assert step(alarm(type=ONETIME, repeats=0), Event.LATE, DUE + 4000, RULES).state is State.DONE


def test_after_a_week_off_it_goes_on_with_the_next_day_to_come() -> None:
    one = step(alarm(repeats=0), Event.LATE, DUE + 7.5 * DAY, RULES)
    assert one.day == "2024-01-23"


def test_what_a_state_cannot_have_is_refused() -> None:
    waits = {Event.ANSWERED, Event.UNANSWERED, Event.BROKEN}
    states = ((alarm(), waits), (alarm(state=State.PAUSED), waits), (ringing(), {Event.DUE, Event.LATE}))
    for one, wrong in states:
        for event in wrong:
            with pytest.raises(WrongEvent):
                step(one, event, DUE, RULES)
    for event in Event:
        with pytest.raises(WrongEvent):
            step(alarm(state=State.DONE), event, DUE, RULES)


def test_the_first_time_is_the_next_one_of_its_weekdays() -> None:
    wish = Wish(time="06:30", type=CUSTOM, weekdays=(0, 3))
    assert schedule(wish, ZONE, DUE)[1] == "2024-01-17"
    assert schedule(wish, ZONE, DUE + DAY, "2024-01-17")[1] == "2024-01-21"
    assert schedule(wish, ZONE, DUE, "2024-02-17")[1] == "2024-01-17", "of a clock that was a month ahead"
    assert schedule(Wish(time="06:30", type=ONETIME), ZONE, DUE - 1)[0] == DUE
    assert schedule(Wish(time="06:30", type=ONETIME), ZONE, DUE)[0] == DUE + DAY


def test_a_clock_that_is_set_back_rings_no_day_twice_and_leaves_none_out() -> None:
    rung = step(alarm(state=State.RINGING, begun=DUE), Event.ANSWERED, DUE + 60, RULES)
    for back in (600.0, 3600.0, 6 * 3600.0):
        assert clock_set(rung, -back, ZONE, DUE + 60 - back).at == DUE + DAY
    for back in (12 * 3600.0, DAY, 31 * DAY):
        again = clock_set(rung, -back, ZONE, DUE + 60 - back)
        assert again.at == DUE + 60 - back + (-60 + back) % DAY, "that one rang long ago"


def test_a_clock_that_is_set_forward_moves_what_waits_for_a_time_not_at_all() -> None:
    one = alarm(type=EVERYDAY)
    assert clock_set(one, 1800, ZONE, DUE - 60) == one
    assert clock_set(one, 7200, ZONE, DUE + 60) == one, "it is due by now"


@pytest.mark.parametrize("by", [3600.0, -3600.0, 30 * DAY, -31.0 * DAY])
def test_a_pause_between_rings_lasts_as_long_as_it_was_to(by: float) -> None:
    ringing = step(alarm(repeats=1, repeatinterval=5), Event.DUE, DUE, RULES, "1.1")
    set_while_ringing = clock_set(ringing, by, ZONE, DUE + 30 + by)
    paused = step(set_while_ringing, Event.UNANSWERED, DUE + 45 + by, RULES)
    assert (paused.state, paused.at) == (State.PAUSED, DUE + 300 + by)
    paused = step(ringing, Event.UNANSWERED, DUE + 45, RULES)
    assert clock_set(paused, by, ZONE, DUE + 60 + by).at == DUE + 300 + by
    over = clock_set(ringing, -DAY, ZONE, DUE - DAY + 30)
    over = step(over, Event.ANSWERED, DUE - DAY + 60, RULES)
    assert (over.last_day, over.at) == ("2024-01-14", DUE), "it was yesterday's"


def test_after_a_restart_no_pause_is_longer_than_it_was_to_be() -> None:
    paused = alarm(state=State.PAUSED, ring=2, repeats=1, repeatinterval=5, at=DUE + 300)
    assert resumed(paused, ZONE, DUE + 60).at == DUE + 300
    assert resumed(paused, ZONE, DUE - 30 * DAY).at == DUE - 30 * DAY + 300
    ringing = alarm(state=State.RINGING, repeats=1, repeatinterval=5, begun=DUE)
    assert step(ringing, Event.UNANSWERED, DUE - 30 * DAY, RULES).at == DUE - 30 * DAY + 300


_ENDS = st.sampled_from([Event.ANSWERED, Event.UNANSWERED, Event.BROKEN])


@given(
    st.sampled_from([ONETIME, EVERYDAY, CUSTOM]),
    st.integers(0, 3),
    st.integers(1, 30),
    st.booleans(),
    st.lists(st.tuples(_ENDS, st.floats(0, 120), st.booleans()), max_size=60),
)
def test_no_day_has_more_rings_than_set_and_none_comes_back(
    kind: str, repeats: int, interval: int, every: bool, story: list[tuple[Event, float, bool]]
) -> None:
    rules = Rules(ZONE, every_ring=every)
    one = alarm(
        type=kind, weekdays=(1, 3) if kind == CUSTOM else (), repeats=repeats, repeatinterval=interval
    )
    rings: dict[str, list[int]] = {}
    now = one.at
    for end, seconds, late in story:
        now = max(now, one.at)
        day = one.day
        if late:
            one = step(one, Event.LATE, now, rules)
        else:
            ring = one.ring
            one = step(one, Event.DUE, now, rules, "1.1")
            now += seconds
            if end is not Event.BROKEN:
                rings.setdefault(day, []).append(ring)
            one = step(one, end, now, rules)
        if one.state is State.DONE:
            break
        assert one.ring <= repeats + 1
        assert one.day >= day
        assert one.state is not State.WAITING or one.day == day or one.at > now
    for made in rings.values():
        assert made == sorted(set(made)), "each ring of a day once, in order"
        assert len(made) <= repeats + 1
    days = [date.fromisoformat(day) for day in rings]
    assert days == sorted(set(days))
    assert kind != ONETIME or len(rings) <= 1
    assert kind != CUSTOM or all(day.isoweekday() % 7 in {1, 3} for day in days)
