"""Who is in which conference: from the engine's joins and leaves to ConferenceStatus (spec 15-events).

Pages are conferences of the engine too; only channels that the dialplan sent into a room of the PBX count.
ConferenceStatus stands behind the CallStatus by which who joins was answered, before the BYE of who leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from offhook.callstate.call import Call, Role, Seat
from offhook.callstate.facts import RoomChanged
from offhook.callstate.merge import age
from offhook.callstate.model import Member, MemberStatus, PartyKind
from offhook.callstate.room import Room
from offhook.callstate.step import Step

AmiEvent: TypeAlias = Mapping[str, str]

_CONTEXTS = frozenset({"offhook-conference", "offhook-joined", "offhook-conference-invite"})
"""Where channels in rooms are in the dialplan: who dialled, who was invited, who types a number to invite."""


def on_join(step: Step, call: Call, uniqueid: str, event: AmiEvent) -> None:
    """A channel is in a room now."""
    if event.get("Context") not in _CONTEXTS:
        return
    number = event.get("Conference", "")
    room = step.rooms.get(number) or Room(number=number, callid=call.callid)
    if uniqueid in room.inside:
        return
    room = replace(room, inside=(uniqueid, *room.inside))
    if event.get("Admin") == "Yes":
        room = replace(room, moderators=room.moderators | {uniqueid})
    elif call.waits_for_moderator or event.get("WaitMarked") == "Yes":
        room = replace(room, waits=room.waits | {uniqueid})
    step.rooms.put(number, room)
    if call.invited_to == number:
        step.save(replace(call, invited_to=""))
    _tell(step, room, call.callid)


def on_leave(step: Step, uniqueid: str, number: str) -> None:
    """A channel has left a room; the last one leaves it unused."""
    room = step.rooms.get(number)
    if room is None or uniqueid not in room.inside:
        return
    room = replace(
        room,
        inside=tuple(key for key in room.inside if key != uniqueid),
        moderators=room.moderators - {uniqueid},
        waits=room.waits - {uniqueid},
    )
    if room.inside:
        step.rooms.put(number, room)
    else:
        step.rooms.drop(number)
    _tell(step, room, step.channels.get(uniqueid) or room.callid, again=False)


def forget(step: Step, uniqueid: str) -> None:
    """A channel has ended: it is in no room, whatever the engine told of it."""
    for number in [room.number for room in step.rooms.now.values() if uniqueid in room.inside]:
        on_leave(step, uniqueid, number)


def take_in(step: Step, inside: Iterable[AmiEvent]) -> None:
    """Bring the rooms in line with the engine's lists of who is inside (ConfbridgeList).

    The lists do not tell who came first: who has been answered longest did, as far as seconds tell. A room
    that was not known gets the callid of the oldest who is left.
    """
    found = sorted(inside, key=_oldest_first)
    living = {(event.get("Conference", ""), event.get("Uniqueid", "")) for event in found}
    for room in list(step.rooms.now.values()):
        for uniqueid in room.inside:
            if (room.number, uniqueid) not in living:
                on_leave(step, uniqueid, room.number)
    for event in found:
        uniqueid = event.get("Uniqueid", "")
        call = step.calls.get(step.channels.get(uniqueid) or "")
        if call is not None and event.get("Context") in _CONTEXTS:
            on_join(step, _found_inside(step, call, event), uniqueid, event)


def _oldest_first(event: AmiEvent) -> tuple[int, tuple[int, int, str]]:
    answered = event.get("AnsweredTime", "")
    return -int(answered) if answered.isdecimal() else 0, age(event.get("Uniqueid", ""))


def _found_inside(step: Step, call: Call, event: AmiEvent) -> Call:
    """What a call that was found running owes to its room: the path, and how an outside party was called."""
    number = event.get("Conference", "")
    if not call.path_kind:
        call = call.with_path("conference", number)
    seat = call.seat_of(event.get("Uniqueid", ""))
    if seat is not None and seat.member.kind is PartyKind.OUTBOUND and not seat.member.to_number:
        member = replace(seat.member, from_number=number, to_number=event.get("CallerIDNum", ""))
        call = call.with_changed(seat, replace(seat, member=member))
    return step.save(call)


def seated(
    calls: Mapping[str, Call], channels: Mapping[str, str], room: Room
) -> tuple[tuple[str, Member], ...]:
    """The channels in a room with the parties behind them, the newest first.

    One who waits for a moderator is on hold. A channel behind which nobody is yet is left out, and one behind
    which somebody is who is there already: who is passed on comes in beside the channel that stood for him.
    """
    found: list[tuple[str, Member]] = []
    known: set[str] = set()
    for uniqueid in room.inside:
        call = calls.get(channels.get(uniqueid, ""))
        seat = call.seat_behind(uniqueid) if call is not None else None
        if seat is not None and seat.member.channelid not in known:
            known.add(seat.member.channelid)
            waiting = uniqueid in room.waits and not room.moderators
            status = MemberStatus.HOLD if waiting else _status(seat)
            found.append((uniqueid, replace(seat.member, status=status, callpath=room.number)))
    return tuple(found)


def _status(seat: Seat) -> MemberStatus:
    """ANSWER for who was invited, ANSWERED for who dialled the room itself."""
    return MemberStatus.ANSWER if seat.role is Role.CALLEE else MemberStatus.ANSWERED


def _tell(step: Step, room: Room, because: str, *, again: bool = True) -> None:
    """Tell who is inside; unless `again`, not what was told last: a Local channel leaves behind its party."""
    told = tuple(member for _, member in seated(step.calls.now, step.channels.now, room))
    if told == room.told and not again:
        return
    if step.rooms.get(room.number) is not None:
        step.rooms.put(room.number, replace(room, told=told))
    step.tell(RoomChanged(room.callid, room.number, told, because))
