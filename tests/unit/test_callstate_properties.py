"""Whatever is lost, doubled, swapped or mixed: after a resynchronisation each call has ended exactly once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.callstate import Picture, expect, fold, resync, settle
from offhook.callstate.facts import (
    CallEnded,
    CallFailed,
    CallStatus,
    ExtensionStatus,
    Fact,
    PhaseChanged,
    RoomChanged,
)
from offhook.callstate.model import MemberStatus
from tests.unit.callstate_support import Event, all_calls, at_rest, callid_of, contacts, load, play

_WHO = ("", "Dest", "Transferer", "OrigTransferer", "SecondTransferer", "Parkee", "Retriever", "Target")
ID_KEYS = tuple(who + key for who in _WHO for key in ("Uniqueid", "Linkedid"))
NAME_KEYS = tuple(who + "Channel" for who in _WHO)

NOT_OF_CALLS = (ExtensionStatus, PhaseChanged, RoomChanged)

TRACES = {name: load(name) for name in all_calls()}
JOINED = {name: load(name) for name in ("parked_and_taken_out", "pickup_by_code", "refer_with_replaces")}


def renamed(events: list[Event], run: int) -> list[Event]:
    """The same call once more, with ids and channel names of its own."""

    def change(key: str, value: str) -> str:
        if key in ID_KEYS and value:
            return f"{value}{run:03}"
        if key in NAME_KEYS and "-" in value:
            return f"{value}{run:03x}"
        return value

    return [{key: change(key, value) for key, value in event.items()} for event in events]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], list[Event]]:
    """Some calls mixed, with events lost, doubled and swapped; with the ids of originated ones."""
    traces = TRACES | JOINED
    names = draw(st.lists(st.sampled_from(sorted(traces)), min_size=1, max_size=4))
    queues = [renamed(traces[name], run) for run, name in enumerate(names)]
    originated = [
        callid_of(queue) for name, queue in zip(names, queues, strict=True) if name.startswith("originate")
    ]
    callids = [callid_of(queue) for queue in queues]
    mixed: list[Event] = []
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        event = queue.pop(0)
        if "Linkedid" in event and draw(st.integers(0, 40)) == 0:  # the engine joins two calls
            event = {**event, "Linkedid": draw(st.sampled_from(callids))}
        mixed.extend(draw(st.sampled_from([1] * 12 + [0, 2])) * [event])
        if len(mixed) > 1 and draw(st.integers(0, 15)) == 0:
            mixed[-2:] = mixed[:-3:-1]
    return originated, mixed


def assert_orderly(facts: list[Fact], begun: set[str]) -> None:
    """One end per call, as its last fact; at most one failure; nothing of a member after its BYE."""
    ends = Counter(fact.callid for fact in facts if isinstance(fact, CallEnded))
    assert ends == Counter(begun)
    failures = Counter(fact.callid for fact in facts if isinstance(fact, CallFailed))
    assert all(count == 1 for count in failures.values())
    over: set[str] = set()
    gone: set[str] = set()
    for fact in facts:
        if isinstance(fact, NOT_OF_CALLS):
            continue
        assert fact.callid not in over
        if isinstance(fact, CallEnded):
            over.add(fact.callid)
        if isinstance(fact, CallStatus):
            told = {member.channelid for member in fact.members}
            assert fact.members
            assert not told & gone
            gone |= {m.channelid for m in fact.members if m.status is MemberStatus.BYE}


def assert_consistent(picture: Picture) -> None:
    """The indexes agree with the calls."""
    assert dict(picture.channels) == {
        uniqueid: call.callid for call in picture.calls.values() for uniqueid in call.legs
    }
    for call in picture.calls.values():
        for seat in call.seats:
            assert seat.legs
            assert set(seat.legs) <= set(call.legs)
            assert seat.member.channelid in {call.legs[key].channelid for key in seat.legs}
            found = picture.by_channel(seat.member.channelid)
            assert found is not None
            assert seat.member.channelid in {one.member.channelid for one in found.seats}
    for name, uniqueid in picture.names.items():
        assert picture.calls[picture.channels[uniqueid]].legs[uniqueid].channelid == name
    on_line = {uniqueid for uniqueids in picture.lines.values() for uniqueid in uniqueids}
    assert on_line <= set(picture.channels)


@settings(max_examples=120, deadline=None)
@given(streams())
def test_every_call_that_began_ends_exactly_once(stream: tuple[list[str], list[Event]]) -> None:
    originated, events = stream
    picture, told = at_rest(), list[Fact]()
    begun: set[str] = set()
    for callid in originated:
        picture = expect(picture, callid, "1000", "1001")
    begun |= set(picture.calls)
    for event in events:
        picture, facts = fold(picture, event)
        told.extend(facts)
        begun |= set(picture.calls)
        assert_consistent(picture)
    begun |= {fact.callid for fact in told if not isinstance(fact, NOT_OF_CALLS)}
    picture, facts = resync(picture, [], contacts())
    told.extend(facts)
    assert not picture.calls
    assert not picture.channels
    assert not picture.owed
    assert_orderly(told, begun)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_calls_at_the_same_time_do_not_disturb_each_other(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(TRACES)), min_size=2, max_size=4))
    queues = [renamed(TRACES[name], run) for run, name in enumerate(names)]
    alone = {callid_of(queue): of_calls(play(at_rest(), queue)[1]) for queue in queues}
    mixed: list[Event] = []
    while any(queues):
        mixed.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    together = of_calls(play(at_rest(), mixed)[1])
    for callid, facts in alone.items():
        assert [fact for fact in together if getattr(fact, "callid", "") == callid] == facts


def of_calls(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if not isinstance(fact, NOT_OF_CALLS)]


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(0, 60))
def test_settling_at_any_time_tells_each_state_once(
    stream: tuple[list[str], list[Event]], every: int
) -> None:
    _, events = stream
    picture, last = at_rest(), dict[str, str]()
    for count, event in enumerate(events):
        picture, facts = fold(picture, event)
        if count % (every + 1) == 0:
            picture, more = settle(picture)
            facts = (*facts, *more)
            assert not picture.owed
        for fact in facts:
            if isinstance(fact, ExtensionStatus):
                assert last.get(fact.extension, "Registered") != fact.status
                last[fact.extension] = fact.status


@settings(max_examples=40, deadline=None)
@given(streams(), st.data())
def test_a_second_snapshot_tells_nothing(stream: tuple[list[str], list[Event]], data: st.DataObject) -> None:
    _, events = stream
    picture = at_rest()
    for event in events[: data.draw(st.integers(0, len(events)))]:
        picture, _ = fold(picture, event)
    snapshot = [
        {
            "Uniqueid": leg.uniqueid,
            "Linkedid": call.callid,
            "Channel": leg.channelid,
            "ChannelStateDesc": leg.state.value,
            "Application": "AppDial" if leg.dialled else "Dial",
        }
        for call in picture.calls.values()
        for leg in call.legs.values()
    ]
    picture, _ = settle(picture)
    picture, _ = resync(picture, snapshot, contacts())
    again, facts = resync(picture, snapshot, contacts())
    assert facts == ()
    assert again == picture
