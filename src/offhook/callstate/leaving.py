"""How parties leave a call and how the call ends.

A party leaves with its last channel. Some are known to go before their channel's end is told (they asked
to hang up, or their dial has ended): they say BYE first, so that the one who hung up first is told first.
"""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate import reasons
from offhook.callstate.call import Call, Leg, LegState, Seat, seen_by, set_status
from offhook.callstate.facts import CallFailed, CallStatus
from offhook.callstate.model import Member, MemberStatus, PartyKind
from offhook.callstate.party import PartyType
from offhook.callstate.phase import UNDECIDED
from offhook.callstate.reasons import Reason
from offhook.callstate.step import Step


def dismiss(step: Step, call: Call, until: str = "") -> Call:
    """Say BYE for the parties known to go, in that order, up to the leg `until`."""
    gone = set(call.leaving)
    for uniqueid in call.leaving:
        if uniqueid == until:
            break
        call = _bye_if_last(step, call, uniqueid, gone)
        leg = call.legs[uniqueid]
        call = step.save(call.with_leg(replace(leg, state=LegState.DOWN, holds=frozenset())))
    return call


def move_on(step: Step, call: Call) -> Call:
    """The call goes on to something else: who is known to go has left, and need not wait for its end."""
    before = call.seats
    call = dismiss(step, call)
    step.release(call.callid)
    for seat in before:
        if call.seat_of(seat.legs[0]) is None and seat.party.type is PartyType.EXTENSION:
            step.tell_extension(seat.party.name)
    return call


def leave(step: Step, call: Call, leg: Leg) -> Call:
    """A channel has ended: say BYE for its party if this was its last, those known to go first."""
    call = dismiss(step, call, until=leg.uniqueid)
    call = _bye_if_last(step, call, leg.uniqueid, gone={leg.uniqueid})
    call = step.detach(call, leg)
    seat = next((seat for seat in call.seats if seat.member.channelid == leg.channelid and seat.legs), None)
    if seat is not None:
        call = step.save(call.with_changed(seat, seen_by(seat, _best(call, seat))))
    return call


def fail(step: Step, call: Call, reason: Reason | None) -> Call:
    """Note why an attempt failed: the weightiest reason is told, what the dialplan says before all."""
    if call.refused_by_dialplan:
        return call
    return step.save(replace(call, failure=reasons.heavier(call.failure, reason)))


def is_over(call: Call) -> bool:
    """Whether no channel is left."""
    return not call.legs


def close(step: Step, call: Call, *, tell_failure: bool = True) -> None:
    """The last channel is gone: tell why the call failed, if it did, and that it is over."""
    for seat in call.seats:
        call = bye(step, call, seat)
    step.end(call, _failure(call) if tell_failure else None)


def bye(step: Step, call: Call, seat: Seat) -> Call:
    """A party has left. One that never rang was no member and leaves silently."""
    call = call.without_seat(seat)
    if seat.status is None or call.phase in UNDECIDED:
        return step.save(call)
    gone = set_status(seat, MemberStatus.BYE)
    others = call.members or ((call.last_left,) if call.last_left else ())
    step.tell(CallStatus(call.callid, (gone.member,), others))
    parked = any(leg.parked for leg in call.legs.values())
    if len(call.members) <= 1 and not parked:  # the end of the call is near; else it goes on
        step.owe(seat, call.callid)
    return step.save(replace(call, last_left=gone.member))


def caller_shown(call: Call) -> tuple[Member, ...]:
    """The caller as CallFailed and Forward show it: without state; empty when there never was one.

    Of a call that the PBX makes by itself it is who was called first.
    """
    consulting = call.seat_of(call.key_transfer.leg) if call.key_transfer else None
    shown = consulting.member if consulting is not None else call.caller or call.first
    if shown is not None:
        return (replace(shown, status=None, callpath=""),)
    if call.expected:
        return (Member(kind=PartyKind.EXT, number=call.expected, channelid=""),)
    return ()


def _best(call: Call, seat: Seat) -> Leg:
    """The leg that stands for a seat: a ringing one if there is one."""
    legs = [call.legs[key] for key in seat.legs]
    return next((leg for leg in legs if leg.state is not LegState.DOWN), legs[0])


def _bye_if_last(step: Step, call: Call, uniqueid: str, gone: set[str]) -> Call:
    seat = call.seat_of(uniqueid)
    if seat is None or set(seat.legs) - gone:
        return call
    return bye(step, call, seat)


def _failure(call: Call) -> CallFailed | None:
    """CallFailed of a call that is over; None if it was answered, given up, or went to voicemail."""
    members = caller_shown(call)
    if call.connected or call.voicemail or not members:
        return None
    if call.quiet or call.phase in UNDECIDED or call.invited_to:  # into a room nobody calls
        return None
    if not call.refused_by_dialplan and (call.answered or call.given_up):
        return None
    reason = call.failure or call.told_caller or Reason.UNAVAILABLE
    return CallFailed(call.callid, reason.value, members)
