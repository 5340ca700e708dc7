"""What can happen to a call, in its own words: somebody joins, rings, answers, holds; `leaving` has the rest.

Each function takes the step and the call, puts the changed call into the step and returns it. How
Asterisk's events are read stands in `fold`; nothing here knows an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from offhook.callstate.call import (
    TALKING,
    Call,
    Leg,
    LegState,
    Role,
    Seat,
    seen_by,
    set_role,
    set_status,
    set_talking,
    set_waiting,
    wait_status,
)
from offhook.callstate.facts import CallStatus
from offhook.callstate.leaving import move_on
from offhook.callstate.model import Member, MemberStatus
from offhook.callstate.party import Party, PartyType
from offhook.callstate.step import Step

ANSWERING = frozenset({"queue", "conference", "paging"})
"""What a call runs through that keeps its caller answered while others are rung."""


def join(step: Step, call: Call, leg: Leg, member: Member) -> Call:
    """A new channel of a party: a phone more of a party that is ringing already, or a new member."""
    call = step.attach(call, leg)
    if leg.party is None or call.quiet:
        return call
    role = _role(call, leg)
    ringing = _ringing_seat(call, leg.party, role) if leg.dialled else None
    if ringing is not None:
        return step.save(call.with_changed(ringing, replace(ringing, legs=(*ringing.legs, leg.uniqueid))))
    shown = replace(member, callpath=call.callpath)
    seat = Seat(party=leg.party, role=role, legs=(leg.uniqueid,), member=shown)
    if not leg.dialled:
        seat = set_status(seat, MemberStatus.ALERT)
    call = call.with_seat(seat)
    return step.save(_remember_caller(call, seat))


def ring(step: Step, call: Call, leg: Leg) -> Call:
    """A dialled phone rings: tell it, unless another phone of the same party rings already."""
    call = step.save(call.with_leg(replace(leg, state=LegState.RINGING)))
    _touch(step, leg)
    seat = call.seat_of(leg.uniqueid)
    if seat is None or seat.status is not None:
        return call
    shown = set_status(seen_by(seat, leg), wait_status(seat.role))
    call = _remember_caller(call.with_changed(seat, shown), shown)
    transfer = call.key_transfer
    if transfer is not None and not transfer.waiting & set(seat.legs):
        if call.path_kind not in ANSWERING or transfer.path == (call.path_kind, call.callpath):
            call = consults(call)
    elif seat.role is Role.CALLEE and call.path_kind and call.path_kind not in ANSWERING:
        call = call if _callee_talks(call) else _callers_wait(call)
    return tell_all(step, call)


def answer(step: Step, call: Call, leg: Leg) -> Call:
    """A leg is up: the callee has answered, the caller has picked up, or something answered the caller."""
    call = step.save(call.with_leg(replace(leg, state=LegState.UP)))
    _touch(step, leg)
    seat = call.seat_of(leg.uniqueid)
    if seat is None:
        return call
    if seat.role is Role.CALLEE:
        return _callee_answers(step, call, seat, leg)
    if leg.dialled:
        return _caller_picks_up(step, call, seat, leg)
    return caller_answered(step, call)


def caller_answered(step: Step, call: Call) -> Call:
    """Somebody or something (an IVR, a queue, a voicemail box) has answered the caller."""
    if call.refused_by_dialplan or call.joining:
        return call  # an announcement that the call failed is no answer, and a join tells by itself
    if not any(seat.role is Role.CALLER and seat.status is MemberStatus.ALERT for seat in call.seats):
        return call
    return tell_talking(step, _callers_answered(move_on(step, call)))


def tell_all(step: Step, call: Call) -> Call:
    """Tell every member with its state."""
    step.tell(CallStatus(call.callid, call.listed()))
    return step.save(call)


def tell_talking(step: Step, call: Call, *, everyone: bool = False) -> Call:
    """Tell the members whose call is answered; those that still ring are left out (spec 15 `ring_group`).

    With `everyone` also those who wait for the end of a consultation.
    """
    talking = tuple(member for member in call.listed(everyone=everyone) if member.status in TALKING)
    others = tuple(member for member in call.members if member not in talking)
    if talking:
        step.tell(CallStatus(call.callid, talking, others))
    return step.save(call)


def rename(step: Step, call: Call, leg: Leg, channelid: str) -> Call:
    """A channel goes by another name now (the engine swaps channels at pick-up)."""
    seat = call.seat_of(leg.uniqueid)
    call = step.rename(call, leg, channelid)
    if seat is not None and seat.member.channelid == leg.channelid:
        call = call.with_changed(seat, seen_by(seat, call.legs[leg.uniqueid]))
    return step.save(call)


def absorb(step: Step, kept: Call, gone: Call) -> Call:
    """Take the parties of a call that ends by a join into the one that survives, and tell both.

    A call has one caller: the absorbed call's caller becomes a callee when the survivor has its own.
    """
    joined = replace(
        kept,
        legs=_joined_legs(kept, gone),
        leaving=(*kept.leaving, *gone.leaving),
        caller=kept.caller or gone.caller,
        answered=kept.answered or gone.answered,
        connected=kept.connected or gone.connected,
        voicemail=kept.voicemail or gone.voicemail,
        seats=tuple(_joined(kept, seat) for seat in kept.seats),
        joining=False,
    )
    for seat in (_joined(gone, seat) for seat in gone.seats):
        joined = joined.with_seat(set_role(seat, Role.CALLEE) if kept.caller else seat)
    if kept.callpath:
        joined = joined.with_path(kept.path_kind, kept.callpath)
    for uniqueid in gone.legs:
        step.channels.put(uniqueid, kept.callid)
    step.save(joined)
    step.end(gone, None)
    if not gone.seats:  # a third party that is called into this call is not there yet
        return joined
    if any(seat.role is Role.CALLEE and seat.talking for seat in joined.seats):
        return tell_talking(step, reviewed(_callers_answered(replace(joined, connected=True))))
    return tell_all(step, joined) if joined.members else step.save(joined)


def _joined_legs(kept: Call, gone: Call) -> Mapping[str, Leg]:
    """The channels of both; who comes on purpose takes out of its slot whoever waits there."""
    coming = {key: replace(leg, added=gone.quiet) for key, leg in gone.legs.items()}
    legs = {**kept.legs, **coming}
    if not (kept.joining or gone.joining):
        return legs
    return {key: replace(leg, parked=False) if leg.parked else leg for key, leg in legs.items()}


def _joined(call: Call, seat: Seat) -> Seat:
    """A party as it comes into a joined call: who was about to be joined, and is up, talks."""
    up = any(call.legs[key].state is LegState.UP for key in seat.legs)
    return set_talking(seat) if call.joining and up else seat


def next_attempt(call: Call) -> Call:
    """The call goes on to another destination: what failed before does not count any more."""
    fresh = replace(call, failure=None, refused_by_dialplan=False, given_up=False, voicemail=False)
    return replace(fresh, attempt=call.attempt + 1)


def name_outside(step: Step, call: Call, seat: Seat, calling: str, dialled: str) -> Call:
    """Whom a leg to the outside calls, and for whom."""
    named = replace(seat, member=replace(seat.member, from_number=calling, to_number=dialled))
    return step.save(_remember_caller(call.with_changed(seat, named), named))


def make_caller(call: Call, seat: Seat) -> Call:
    """A party found in a running call is its caller after all."""
    caller = set_role(seat, Role.CALLER)
    return replace(call.without_seat(seat).with_seat(caller), caller=caller.member)


def reviewed(call: Call) -> Call:
    """The call with every talking party held or not, as its legs say; itself if nothing changes."""
    for seat in call.seats:
        if seat.talking:
            held = _is_held(call, seat)
            if held is not (seat.status is MemberStatus.HOLD):
                now = set_status(seat, MemberStatus.HOLD) if held else set_talking(seat)
                call = call.with_changed(seat, now)
    return call


def _is_held(call: Call, seat: Seat) -> bool:
    legs = set(seat.legs)
    if any(call.legs[key].parked or call.legs[key].held for key in legs):
        return True
    transfer = call.key_transfer
    if transfer is not None and transfer.leg not in legs:
        return transfer.away is bool(legs & transfer.waiting)
    return any(legs & leg.holds for key, leg in call.legs.items() if key not in legs)


def consults(call: Call) -> Call:
    """Who transfers by a key, if anybody does, calls somebody or something now: it rings for him."""
    transfer = call.key_transfer
    seat = call.seat_of(transfer.leg) if transfer is not None else None
    if transfer is None or seat is None:
        return call
    call = call.with_changed(seat, set_waiting(seat))
    return replace(call, key_transfer=replace(transfer, called=True))


def _role(call: Call, leg: Leg) -> Role:
    if not leg.dialled or call.calling_back or (leg.uniqueid == call.callid and not call.called):
        return Role.CALLER
    if leg.party is not None and leg.party.name == call.expected:
        return Role.CALLER
    return Role.CALLEE


def _ringing_seat(call: Call, party: Party, role: Role) -> Seat | None:
    if party.type is not PartyType.EXTENSION:
        return None
    same = (seat for seat in call.seats if seat.party == party and seat.role is role)
    return next((seat for seat in same if not seat.talking), None)


def _remember_caller(call: Call, seat: Seat) -> Call:
    if seat.role is Role.CALLER or (call.called and not call.connected):
        return replace(call, caller=seat.member)
    return call


def _callee_talks(call: Call) -> bool:
    return any(seat.role is Role.CALLEE and seat.talking for seat in call.seats)


def _callers_wait(call: Call) -> Call:
    """An IVR or the like has answered the caller and now passes him on: he hears ringing again."""
    for seat in call.seats:
        if seat.role is Role.CALLER and seat.status is MemberStatus.ANSWERED:
            call = call.with_changed(seat, set_status(seat, MemberStatus.ALERT))
    return call


def _callee_answers(step: Step, call: Call, seat: Seat, leg: Leg) -> Call:
    mine = replace(seen_by(seat, leg), legs=(leg.uniqueid,))
    call = _callers_answered(call.with_changed(seat, set_status(mine, MemberStatus.ANSWER)))
    return tell_talking(step, replace(call, connected=True))


def _callers_answered(call: Call) -> Call:
    for seat in call.seats:
        if seat.role is Role.CALLER and seat.status is MemberStatus.ALERT:
            call = call.with_changed(seat, set_status(seat, MemberStatus.ANSWERED))
    return replace(call, answered=True)


def _caller_picks_up(step: Step, call: Call, seat: Seat, leg: Leg) -> Call:
    mine = set_status(replace(seen_by(seat, leg), legs=(leg.uniqueid,)), MemberStatus.ALERT)
    call = _remember_caller(replace(call.with_changed(seat, mine), calling_back=False), mine)
    return tell_all(step, call) if seat.status is None else step.save(call)


def _touch(step: Step, leg: Leg) -> None:
    if leg.party is not None and leg.party.type is PartyType.EXTENSION:
        step.touch(leg.party.name)
