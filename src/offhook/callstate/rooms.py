"""Who is in which conference: from the engine's joins and leaves to ConferenceStatus (spec 15-events).

Pages are conferences of the engine too; only rooms that a call's path names count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from offhook.callstate.call import Call, Role
from offhook.callstate.facts import RoomChanged
from offhook.callstate.model import Member, MemberStatus
from offhook.callstate.room import Room
from offhook.callstate.step import Step

AmiEvent: TypeAlias = Mapping[str, str]


def on_join(step: Step, call: Call, uniqueid: str, event: AmiEvent) -> None:
    """A channel is in a room now."""
    number = event.get("Conference", "")
    if call.path_kind != "conference" or call.callpath != number:
        return
    room = step.rooms.get(number) or Room(number=number, callid=call.callid)
    if uniqueid in room.inside:
        return
    room = replace(room, inside=(uniqueid, *room.inside))
    if event.get("Admin") == "Yes":
        room = replace(room, moderators=room.moderators | {uniqueid})
    elif call.waits_for_moderator:
        room = replace(room, waits=room.waits | {uniqueid})
    step.rooms.put(number, room)
    _tell(step, room)


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
    _tell(step, room)


def forget(step: Step, uniqueid: str) -> None:
    """A channel has ended: it is in no room, whatever the engine told of it."""
    for number in [room.number for room in step.rooms.now.values() if uniqueid in room.inside]:
        on_leave(step, uniqueid, number)


def members(calls: Mapping[str, Call], channels: Mapping[str, str], room: Room) -> tuple[Member, ...]:
    """The parties in a room, the newest first; one who waits for a moderator is on hold."""
    found = []
    for uniqueid in room.inside:
        call = calls.get(channels.get(uniqueid, ""))
        member = _member(call, uniqueid) if call is not None else None
        if member is not None:
            waiting = uniqueid in room.waits and not room.moderators
            status = MemberStatus.HOLD if waiting else _status(call, member)
            found.append(replace(member, status=status, callpath=room.number))
    return tuple(found)


def _member(call: Call, uniqueid: str) -> Member | None:
    """The party whose channel is in the room; behind a Local channel it is the call's only member."""
    seat = call.seat_of(uniqueid)
    if seat is not None:
        return seat.member
    return call.members[0] if len(call.members) == 1 else None


def _status(call: Call | None, member: Member) -> MemberStatus:
    """ANSWER for who was invited, ANSWERED for who dialled the room itself."""
    seats = call.seats if call is not None else ()
    called = any(seat.member is member and seat.role is Role.CALLEE for seat in seats)
    return MemberStatus.ANSWER if called else MemberStatus.ANSWERED


def _tell(step: Step, room: Room) -> None:
    told = members(step.calls.now, step.channels.now, room)
    step.tell(RoomChanged(room.callid, room.number, told))
