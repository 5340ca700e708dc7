"""What is told of a phone's calls, and the states of a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.uacsta.calls import MAX_CALLS, Calls, CallState, Operation, Wish
from offhook.areas.uacsta.csta import CallEvent, EventKind, Local, RunningCall
from offhook.areas.uacsta.session import Happening, Session, State


def run(calls: Calls, *events: tuple[EventKind, Local], callid: str = "1") -> tuple[Calls, list[Operation]]:
    told: list[Operation] = []
    for kind, local in events:
        calls, operation = calls.take(CallEvent(kind=kind, callid=callid, deviceid="1000", local=local))
        if operation:
            told.append(operation)
    return calls, told


RINGS = (EventKind.DELIVERED, Local.ALERTING)
UP = (EventKind.ESTABLISHED, Local.CONNECTED)
OVER = (EventKind.CLEARED, Local.NONE)


def test_answered_and_ended_by_us() -> None:
    calls, told = run(Calls(), RINGS, RINGS)
    assert told == ["callstart"], "once"
    calls, told = run(calls.asked("1", Wish.ANSWER), UP, UP)
    assert told == ["callanswer"], "once"
    calls, told = run(calls.asked("1", Wish.HANGUP), OVER, OVER)
    assert (told, calls.by_id) == (["callover"], {})


def test_refused_by_us() -> None:
    calls, _ = run(Calls(), RINGS)
    _, told = run(calls.asked("1", Wish.REFUSE), (EventKind.CALL_CLEARED, Local.UNSAID))
    assert told == ["callover"]


def test_what_people_do_is_not_told() -> None:
    assert run(Calls(), RINGS, UP, OVER)[1] == ["callstart"]
    calls, _ = run(Calls(), RINGS)
    calls = calls.asked("1", Wish.ANSWER).refused("1", Wish.ANSWER)
    assert run(calls, UP, OVER)[1] == [], "the phone did not want to, then somebody picked up"


@pytest.mark.parametrize("local", [Local.CONNECTED, Local.UNSAID])
def test_a_call_dialled_at_the_phone_does_not_ring(local: Local) -> None:
    calls, told = run(Calls(), (EventKind.ORIGINATED, Local.CONNECTED), (EventKind.DELIVERED, local), UP)
    assert told == []
    assert calls.by_id["1"].deviceid == "1000"
    assert run(calls.asked("1", Wish.HANGUP), OVER)[1] == ["callover"]
    assert run(Calls(), (EventKind.DELIVERED, Local.CONNECTED))[1] == []


def test_a_call_goes_on_when_another_party_leaves() -> None:
    calls, _ = run(Calls(), RINGS, UP, (EventKind.CLEARED, Local.CONNECTED))
    assert calls.by_id["1"].state is CallState.UP
    calls, _ = run(calls, (EventKind.DIVERTED, Local.CONNECTED))
    assert not calls.by_id


def test_calls_of_a_snapshot() -> None:
    calls = Calls().found(RunningCall("1", "1000", Local.ALERTING)).found(RunningCall("2", "", Local.HELD))
    assert [call.state for call in calls.by_id.values()] == [CallState.RINGING, CallState.UP]
    assert run(calls, RINGS)[1] == [], "it was told before"
    assert run(calls.asked("1", Wish.ANSWER), UP)[1] == ["callanswer"]


def test_a_phone_that_ends_no_call_fills_nothing() -> None:
    calls = Calls()
    for number in range(3 * MAX_CALLS):
        calls, _ = run(calls, RINGS, callid=str(number))
    assert list(calls.by_id) == [str(number) for number in range(2 * MAX_CALLS, 3 * MAX_CALLS)]


def test_what_may_be_asked() -> None:
    ringing = run(Calls(), RINGS)[0].by_id["1"]
    up = run(Calls(), RINGS, UP)[0].by_id["1"]
    assert [ringing.fits(wish) for wish in Wish] == [True, True, True]
    assert [up.fits(wish) for wish in Wish] == [False, False, True]


_ANY = st.one_of(
    st.tuples(st.sampled_from(EventKind), st.sampled_from(Local), st.integers(0, 40)),
    st.tuples(st.sampled_from(Wish), st.booleans(), st.integers(0, 40)),
)


@given(st.lists(_ANY, max_size=200))
def test_any_order_of_events(steps: list[tuple[object, object, int]]) -> None:
    """Never more calls than the bound, and each id's story is told in the contract's order."""
    calls, stories = Calls(), dict[str, list[Operation]]()
    for what, how, number in steps:
        callid = str(number)
        if isinstance(what, Wish):
            calls = calls.asked(callid, what) if how else calls.refused(callid, what)
        elif isinstance(what, EventKind) and isinstance(how, Local):
            calls, operation = calls.take(CallEvent(kind=what, callid=callid, local=how))
            if operation:
                stories.setdefault(callid, []).append(operation)
        assert len(calls.by_id) <= MAX_CALLS
    for story in stories.values():
        before: Operation | None = None
        for operation in story:
            if operation == "callanswer":
                assert before == "callstart"
            before = operation


def test_a_session_from_first_to_last() -> None:
    session = Session("1000 at 192.168.5.70:5060")
    path = [Happening.OPEN, Happening.ACCEPTED, Happening.MONITORED, Happening.LOST, Happening.OPEN]
    states = [session.on(happening) for happening in path]
    assert states == [State.OPENING, State.MONITORING, State.UP, State.DOWN, State.OPENING]
    assert session.on(Happening.CLOSE) is State.CLOSED
    assert session.on(Happening.OPEN) is State.CLOSED, "for good"


@given(st.lists(st.sampled_from(Happening), max_size=50))
def test_a_session_is_up_only_when_it_was_opened_and_monitored(happenings: list[Happening]) -> None:
    session, seen = Session("x"), [Happening.LOST]
    for happening in happenings:
        old = session.state
        if session.on(happening) is State.UP and old is not State.UP:
            assert (old, happening) == (State.MONITORING, Happening.MONITORED)
        seen.append(happening)
        assert (session.state is State.CLOSED) is (Happening.CLOSE in seen)


def test_pauses_grow_and_depend_on_why() -> None:
    session = Session("x")
    pauses = []
    for _ in range(9):
        session.on(Happening.OPEN)
        session.on(Happening.LOST)
        pauses.append(session.pause)
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    for happening in (Happening.OPEN, Happening.ACCEPTED, Happening.MONITORED, Happening.LOST):
        session.on(happening)
    assert session.pause == 5, "after a session that was up"
    session.on(Happening.OPEN)
    session.on(Happening.REFUSED)
    assert session.pause == 600
    session.on(Happening.OPEN)
    session.on(Happening.RANG)
    assert session.pause >= 86400
