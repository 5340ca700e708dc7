"""Who is in which conference: joins, leaves, snapshots; pages do not count."""

from __future__ import annotations

from collections.abc import Iterable

from offhook.areas.control.live import LiveCalls
from offhook.callstate import Picture, fold, resync
from offhook.callstate.facts import Fact, RoomChanged
from offhook.callstate.rooms import seated
from offhook.events.api import ConferenceStatus

Event = dict[str, str]


def _channel(number: str, at: int, *, local: str = "", linkedid: str = "") -> Event:
    name = f"Local/{local}" if local else f"PJSIP/{number}-{at:08x}"
    uniqueid = f"100.{at}"
    return {"Channel": name, "Uniqueid": uniqueid, "Linkedid": linkedid or uniqueid, "CallerIDNum": number}


def _dials(number: str, at: int, *, waits: str = "no") -> list[Event]:
    """An extension dials 6400 and is answered."""
    channel = _channel(number, at)
    return [
        {"Event": "Newchannel", **channel, "ChannelStateDesc": "Ring", "Exten": "6400"},
        {"Event": "UserEvent", "UserEvent": "OffhookPath", **channel, "Kind": "conference", "Number": "6400"}
        | {"Waits": waits},
        {"Event": "Newstate", **channel, "ChannelStateDesc": "Up"},
    ]


def _joins(number: str, at: int, *, admin: str = "No", context: str = "offhook-conference") -> Event:
    where = {"Conference": "6400", "Context": context, "Admin": admin}
    return {"Event": "ConfbridgeJoin", **_channel(number, at), **where}


def _leaves(number: str, at: int) -> Event:
    return {"Event": "ConfbridgeLeave", **_channel(number, at), "Conference": "6400"}


def _shown(number: str, at: int, answered: int = 5, **more: str) -> tuple[Event, Event]:
    """A channel and a member as the engine's lists have them."""
    up = {**_channel(number, at), "ChannelStateDesc": "Up", "Context": "offhook-conference", **more}
    channel = {"Event": "CoreShowChannel", "Application": "ConfBridge", **up}
    member = {"Event": "ConfbridgeList", "Conference": "6400", "AnsweredTime": str(answered), **up}
    return channel, member


def _play(picture: Picture, events: Iterable[Event]) -> tuple[Picture, list[str]]:
    told: list[Fact] = []
    for event in events:
        picture, facts = fold(picture, event)
        told.extend(facts)
    return picture, _lines(told)


def _lines(facts: Iterable[Fact]) -> list[str]:
    return [
        f"{fact.callid} by {fact.because}: "
        + ", ".join(f"{member.number or member.to_number} {member.status}" for member in fact.members)
        for fact in facts
        if isinstance(fact, RoomChanged)
    ]


def _session(picture: Picture) -> list[str]:
    room = picture.rooms["6400"]
    return [f"{m.number or m.to_number} {m.status}" for _, m in seated(picture.calls, picture.channels, room)]


def test_the_first_who_joined_names_the_room_until_it_is_empty() -> None:
    events = [*_dials("1000", 1), _joins("1000", 1), *_dials("1001", 2), _joins("1001", 2)]
    picture, told = _play(Picture(), [*events, _leaves("1000", 1), _leaves("1001", 2)])
    assert told == [
        "100.1 by 100.1: 1000 ANSWERED",
        "100.1 by 100.2: 1001 ANSWERED, 1000 ANSWERED",
        "100.1 by 100.1: 1001 ANSWERED",
        "100.1 by 100.2: ",
    ]
    assert picture.rooms == {}


def test_doubled_and_lost_events() -> None:
    events = [*_dials("1000", 1), _joins("1000", 1), _joins("1000", 1)]
    picture, told = _play(Picture(), events)
    assert told == ["100.1 by 100.1: 1000 ANSWERED"]
    # the leave was lost: the end of the channel tells it, a late one adds nothing
    _, told = _play(picture, [{"Event": "Hangup", **_channel("1000", 1), "Cause": "16"}, _leaves("1000", 1)])
    assert told == ["100.1 by 100.1: "]


def test_a_page_is_no_conference() -> None:
    events = [*_dials("1000", 1), _joins("1000", 1, context="offhook-paging")]
    picture, told = _play(Picture(), events)
    assert told == []
    assert picture.rooms == {}


def test_who_waits_for_a_moderator_is_on_hold() -> None:
    events = [*_dials("1001", 1, waits="yes"), _joins("1001", 1)]
    events += [*_dials("1000", 2, waits="yes"), _joins("1000", 2, admin="Yes"), _leaves("1000", 2)]
    _, told = _play(Picture(), events)
    assert told == [
        "100.1 by 100.1: 1001 HOLD",
        "100.1 by 100.2: 1000 ANSWERED, 1001 ANSWERED",
        "100.1 by 100.2: 1001 HOLD",
    ]


def test_a_room_that_is_found_is_told_to_nobody() -> None:
    out = {"Context": "offhook-joined", "Channel": "PJSIP/trunk-t-endpoint-00000003", "Linkedid": "100.2"}
    found = [
        _shown("1000", 1, answered=90),
        _shown("92100", 3, answered=60, WaitMarked="Yes", **out),
        _shown("1001", 4, answered=60, Admin="Yes"),
    ]
    picture, facts = resync(Picture(), [c for c, _ in found], [], [m for _, m in found[::-1]])
    assert _lines(facts) == []
    assert picture.rooms["6400"].callid == "100.1"  # of who has been there longest
    assert _session(picture) == ["1001 ANSWERED", "92100 ANSWER", "1000 ANSWERED"]
    _, told = _play(picture, [_leaves("1001", 4)])
    assert told == ["100.1 by 100.4: 92100 HOLD, 1000 ANSWERED"]


def test_a_snapshot_mends_what_was_lost() -> None:
    events = [*_dials("1000", 1), _joins("1000", 1), *_dials("1001", 2)]
    picture, _ = _play(Picture(), events)
    stays, comes = _shown("1000", 1), _shown("1001", 2)
    same, facts = resync(picture, [stays[0], comes[0]], None, [stays[1]])
    assert _lines(facts) == []
    grown, facts = resync(same, [stays[0], comes[0]], None, [stays[1], comes[1]])
    assert _lines(facts) == ["100.1 by 100.2: 1001 ANSWERED, 1000 ANSWERED"]
    left, facts = resync(grown, [stays[0], comes[0]], None, [comes[1]])  # it left the room, not its call
    assert _lines(facts) == ["100.1 by 100.1: 1001 ANSWERED"]
    gone, facts = resync(left, (), None)  # the engine has died
    assert _lines(facts) == ["100.1 by 100.2: "]
    assert gone.rooms == {}


def test_behind_a_local_channel_stands_who_is_bridged_with_its_other_end() -> None:
    local = "6400-6200@offhook-invited-00000001;"
    room = _channel("6400", 1, local=f"{local}1")
    end = _channel("6400", 2, local=f"{local}2", linkedid="100.1")
    ringing, answers = _channel("1001", 3, linkedid="100.1"), _channel("1002", 4, linkedid="100.1")
    dialled = [{"Event": "Newchannel", **one, "ChannelStateDesc": "Down"} for one in (ringing, answers)]
    events: list[Event] = [
        {"Event": "Newchannel", **room, "ChannelStateDesc": "Down"},
        {"Event": "Newchannel", **end, "ChannelStateDesc": "Ring"},
        *dialled,
        *({"Event": "Newstate", **one, "ChannelStateDesc": "Ringing"} for one in (ringing, answers)),
        {"Event": "Newstate", **answers, "ChannelStateDesc": "Up"},
        {"Event": "ConfbridgeJoin", **room, "Conference": "6400", "Context": "offhook-joined", "Admin": "No"},
    ]
    picture, told = _play(Picture(), events)
    assert told == ["100.1 by 100.1: 1002 ANSWER"]
    assert picture.calls["100.1"].invited_to == ""
    bridged = [{"Event": "BridgeEnter", **one, "BridgeUniqueid": "b"} for one in (end, answers)]
    picture, _ = _play(picture, bridged)
    assert _session(picture) == ["1002 ANSWER"]


def test_an_event_goes_in_the_order_of_who_joins_and_bears_the_rooms_name() -> None:
    told: list[tuple[ConferenceStatus, str]] = []

    def publish(event: object, lane: str) -> None:
        if isinstance(event, ConferenceStatus):
            told.append((event, lane))

    live = LiveCalls(publish, lambda _callid: None, lambda number: f"Room {number}")
    live.on_events([*_dials("1000", 1), _joins("1000", 1), *_dials("1001", 2), _joins("1001", 2)])
    assert [(event.callid, event.name, lane) for event, lane in told] == [
        ("100.1", "Room 6400", "100.1"),
        ("100.1", "Room 6400", "100.2"),
    ]
