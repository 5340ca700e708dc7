"""Two calls become one: the older callid survives, the other ends at the join."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.callstate import merge, older, resolve
from offhook.callstate.facts import CallEnded, CallStatus
from tests.unit.callstate_support import Event, at_rest, lines, load, play

CALLIDS = st.builds("{}.{}".format, st.integers(10**9, 10**9 + 3), st.integers(1, 12))


def test_the_older_id_is_found_by_number_not_by_text() -> None:
    assert older("1795516946.9", "1795516946.10") == "1795516946.9"
    assert older("1795516947.1", "1795516946.1000002") == "1795516946.1000002"
    assert older("pbx-1.5", "1795516946.1") == "1795516946.1"


@given(st.lists(st.tuples(CALLIDS, CALLIDS), max_size=8))
def test_joined_calls_agree_on_the_oldest_id(pairs: list[tuple[str, str]]) -> None:
    joined: dict[str, str] = {}
    groups: list[set[str]] = []
    for one, other in pairs:
        joined = merge(joined, one, other)
        together = {one, other}.union(*(group for group in groups if group & {one, other}))
        groups = [group for group in groups if not group & together] + [together]
    for group in groups:
        oldest = min(group, key=lambda callid: [int(part) for part in callid.split(".")])
        assert {resolve(joined, callid) for callid in group} == {oldest}


def test_a_call_picked_up_elsewhere_is_joined_with_the_call_of_who_picks_up() -> None:
    picture, facts = play(at_rest(), load("pickup"))
    assert lines(facts) == [
        "1000 is Busy",
        "1000 ALERT, 1001 RING",
        "1001 is Ringing",
        "1002 is Busy",
        "1002 ANSWERED",
        "1000 ANSWERED, 1002 ANSWER",
        "ended",
        "1001 BYE",
        "1001 is Registered",
        "1000 BYE",
        "1002 BYE",
        "1000 is Registered",
        "1002 is Registered",
        "ended",
    ]
    ended = [fact.callid for fact in facts if isinstance(fact, CallEnded)]
    assert ended == ["1795518271.13", "1795518271.11"]
    assert not picture.calls
    assert not picture.joined


A_TALKS_WITH_B = [
    "1000 is Busy",
    "1000 ALERT, 1001 RING",
    "1001 is Ringing",
    "1000 ANSWERED, 1001 ANSWER",
    "1001 is Busy",
]
C_ENDS = ["1002 BYE", "1000 BYE", "1002 is Registered", "1000 is Registered", "ended"]
JOINS = {
    "pickup_by_code": [
        *A_TALKS_WITH_B[:3],
        "1002 is Busy",
        "1000 ANSWERED, 1002 ANSWER",
        "ended",
        "1001 BYE",
        "1001 is Registered",
        *C_ENDS,
    ],
    "parked_and_taken_out": [
        *A_TALKS_WITH_B,
        "1000 HOLD, 1001 ANSWER",
        "1001 BYE",
        "1001 is Registered",
        "1002 is Busy",
        "1000 ANSWERED, 1002 ANSWER",
        "ended",
        *C_ENDS,
    ],
    "refer_with_replaces": [
        *A_TALKS_WITH_B,
        "1000 HOLD, 1001 ANSWER",
        "1001 ALERT, 1002 RING",
        "1002 is Ringing",
        "1001 ANSWERED, 1002 ANSWER",
        "1002 is Busy",
        "1000 ANSWERED, 1001 ANSWER",
        "1001 BYE",
        "1001 BYE",
        "1001 is Registered",
        "1000 ANSWERED, 1002 ANSWER",
        "ended",
        "1000 BYE",
        "1002 BYE",
        "1000 is Registered",
        "1002 is Registered",
        "ended",
    ],
}


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("name", JOINS)
def test_a_call_that_is_taken_tells_nothing_of_its_own(name: str, doubled: bool) -> None:
    events = load(name)
    if doubled:
        once_only = ("UserEvent",)
        events = [event for event in events for _ in range(1 if event["Event"] in once_only else 2)]
    picture, facts = play(at_rest(), events)
    assert lines(facts) == JOINS[name]
    assert not picture.calls
    assert not picture.channels
    assert not picture.owed
    assert not picture.joined


def test_who_takes_a_call_is_joined_whatever_of_him_is_told_first() -> None:
    events = load("parked_and_taken_out")
    told = next(at for at, event in enumerate(events) if event.get("UserEvent") == "OffhookJoin")
    taken = next(at for at, event in enumerate(events) if event["Event"] == "UnParkedCall")
    later = [*events[:told], events[taken], *events[told:taken], *events[taken + 1 :]]
    _, facts = play(at_rest(), later)
    assert lines(facts) == JOINS["parked_and_taken_out"]
    entered = next(at for at, event in enumerate(events) if _has_joined(event))
    later = [*events[:taken], *events[taken + 1 : entered + 1], events[taken], *events[entered + 1 :]]
    _, facts = play(at_rest(), later)
    assert lines(facts) == JOINS["parked_and_taken_out"]


def _has_joined(event: Event) -> bool:
    return event["Event"] == "BridgeEnter" and "1002" in event["Channel"]


def test_two_calls_bridged_become_one_under_the_older_id() -> None:
    events = load("bridge_of_two_calls")
    join = next(
        index
        for index, event in enumerate(events)
        if event.get("Uniqueid") == "1795518272.16" and event.get("Linkedid") == "1795518272.14"
    )
    picture, _ = play(at_rest(), events[:join])
    assert set(picture.calls) == {"1795518272.14", "1795518272.16"}
    picture, facts = play(picture, events[join : join + 1])
    assert lines(facts) == ["1000 ANSWERED, 1001 ANSWER, 1002 ANSWER, 1003 ANSWER", "ended"]
    assert set(picture.calls) == {"1795518272.14"}
    assert picture.call("1795518272.16") is picture.call("1795518272.14")
    picture, facts = play(picture, events[join + 1 :])
    assert {fact.callid for fact in facts if isinstance(fact, CallStatus)} == {"1795518272.14"}
    assert lines(facts)[-1] == "ended"
    assert not picture.calls
