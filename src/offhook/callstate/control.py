"""What an application does with a running call: holding, consulting a third party, deciding, adding.

Who talks with whom is read off the engine's bridges, never assumed from what was asked for; that a leg is
made to wait is reported by the dialplan (`OffhookHeld`). `set_phase` is the one way to another phase.
"""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate import changes, holding, leaving
from offhook.callstate.call import (
    Call,
    Consultation,
    Leg,
    Role,
    Seat,
    set_role,
    set_status,
    set_waiting,
    talk_status,
)
from offhook.callstate.facts import CallStatus, Deserted, Incoming, Invite, PhaseChanged, Transfer
from offhook.callstate.model import MemberStatus
from offhook.callstate.phase import NEXT, THIRD, Phase
from offhook.callstate.step import Step


def set_phase(step: Step, call: Call, phase: Phase, event: str) -> Call:
    """The only setter of a call's phase; one that may not follow leaves the call as it is."""
    if phase is call.phase or phase not in NEXT[call.phase]:
        return call
    step.tell(PhaseChanged(call.callid, call.phase.value, event, phase.value))
    return step.save(replace(call, phase=phase))


def hold(step: Step, call: Call, leg: Leg, *, consulting: bool) -> Call:
    """A leg waits now because the application wants it; `consulting`: while a third party is called."""
    call = step.save(call.with_leg(replace(leg, held=True, bridge="")))
    seat = call.seat_of(leg.uniqueid)
    if seat is None:
        return call
    if not consulting and call.phase is Phase.IDLE:
        call = set_phase(step, call, Phase.HELD, "hold")
        return holding.review(step, call)
    call = step.save(call.with_changed(seat, set_status(seat, MemberStatus.HOLD)))
    rung = any(
        one.role is Role.CALLEE and one.status is not None and one.legs != seat.legs for one in call.seats
    )
    return tell_waiting(step, call) if rung or call.phase is not Phase.CONSULTING else call


def unhold(step: Step, call: Call, leg: Leg) -> Call:
    """A leg waits in silence now: nobody holds it, and it holds nobody."""
    if not leg.held:
        return call
    return holding.review(step, step.save(call.with_leg(replace(leg, held=False))))


def consult(step: Step, call: Call, leg: Leg, waiting_channel: str, number: str) -> Call:
    """The party of `leg` calls `number` while the party of `waiting_channel` waits."""
    waiting = call.leg_of(waiting_channel)
    seat = call.seat_of(leg.uniqueid)
    if waiting is None or seat is None:
        return call
    call = set_phase(step, call, Phase.CONSULTING, "consult")
    calling = set_role(seat, Role.CALLER)
    calling = set_status(calling, MemberStatus.ALERT)
    call = call.without_seat(seat).with_seat(calling)
    consultation = Consultation(
        transferring=leg.uniqueid, waiting=waiting.uniqueid, role=seat.role, number=number
    )
    return step.save(replace(call, consultation=consultation, attempt=call.attempt + 1))


def tell_waiting(step: Step, call: Call) -> Call:
    """Tell once that the party that waits is held."""
    consultation = call.consultation
    if consultation is None or consultation.told:
        return call
    held = [seat for seat in call.seats if seat.status is MemberStatus.HOLD and _is_held(call, seat)]
    if not held:
        return call
    step.tell(
        CallStatus(call.callid, (held[0].member,), tuple(m for m in call.members if m is not held[0].member))
    )
    return step.save(replace(call, consultation=replace(consultation, told=True)))


def _is_held(call: Call, seat: Seat) -> bool:
    return any(call.legs[key].held for key in seat.legs)


def follow_bridges(step: Step, call: Call, leg: Leg) -> Call:
    """A leg has entered a bridge: who talks with whom now, and so where the consultation stands."""
    consultation = call.consultation
    if call.phase is Phase.HELD and not any(one.held for one in call.legs.values()):
        return set_phase(step, call, Phase.IDLE, "back")
    if consultation is None or call.phase not in THIRD:
        return call
    together = {key for key, one in call.legs.items() if one.bridge and one.bridge == leg.bridge}
    others = together - {consultation.transferring, consultation.waiting}
    third = next((seat for seat in call.seats if set(seat.legs) & others), None)
    transfers, waits = consultation.transferring in together, consultation.waiting in together
    if waits and transfers:
        if third is not None:
            return _finish(step, call, "threeway")
        held = any(one.held and key != consultation.waiting for key, one in call.legs.items())
        return _swap(step, call, Phase.SWAPPED) if held else _finish(step, call, "back")
    if waits and third is not None:
        return _complete(step, call)
    if transfers and third is not None and call.phase is Phase.SWAPPED:
        return _swap(step, call, Phase.CONSULTED)
    return call


def answered(step: Step, call: Call, leg: Leg) -> Call:
    """A leg is up: of a consultation it is the third party, or what answers in its place."""
    consultation = call.consultation
    if call.phase is not Phase.CONSULTING or consultation is None:
        return call
    if leg.uniqueid in (consultation.transferring, consultation.waiting):
        return call
    return set_phase(step, call, Phase.CONSULTED, "answered")


def _swap(step: Step, call: Call, phase: Phase) -> Call:
    """The parties of the bridge talk, the other one is held now."""
    call = set_phase(step, call, phase, "swap")
    for seat in call.seats:
        status = MemberStatus.HOLD if _is_held(call, seat) else talk_status(seat.role)
        if seat.talking and seat.status is not status:
            call = call.with_changed(seat, set_status(seat, status))
    if call.consultation is not None:
        call = replace(call, consultation=replace(call.consultation, told=False))
    call = changes.tell_talking(step, step.save(call))
    return tell_waiting(step, call)


def _complete(step: Step, call: Call) -> Call:
    """The party that waited talks with the third one; who transferred leaves."""
    consultation = call.consultation
    tell_transfer(step, call)
    return _finish(step, call, "complete", without=consultation.transferring if consultation else "")


def _finish(step: Step, call: Call, event: str, without: str = "") -> Call:
    """The consultation is over; `without` is a leg that is leaving."""
    consultation = call.consultation
    call = set_phase(step, replace(call, consultation=None), Phase.IDLE, event)
    mine = call.seat_of(consultation.transferring) if consultation else None
    if consultation is not None and mine is not None and event == "back":
        call = call.without_seat(mine).with_seat(_as_before(mine, consultation.role))
    for seat in call.seats:
        if seat.status in (MemberStatus.HOLD, MemberStatus.ALERT) and without not in seat.legs:
            call = call.with_changed(seat, set_status(seat, talk_status(seat.role)))
    if without in call.legs:
        call = replace(call, leaving=(*call.leaving, without))
    call = step.save(call)
    members = tuple(seat.member for seat in call.seats if seat.talking and without not in seat.legs)
    others = tuple(member for member in call.members if member not in members)
    step.tell(CallStatus(call.callid, members, others))
    return leaving.dismiss(step, call) if without else call


def _as_before(seat: Seat, role: Role) -> Seat:
    answered_again = set_status(seat, talk_status(seat.role))
    return set_role(answered_again, role)


def ask(step: Step, call: Call, phase: Phase) -> Call:
    """A call from outside waits for an application: whether to let it in, or where it goes."""
    if phase is call.phase or phase not in NEXT[call.phase]:
        return call
    invited = phase is Phase.INVITED
    call = set_phase(step, call, phase, "invite" if invited else "incoming")
    step.tell((Invite if invited else Incoming)(call.callid, leaving.caller_shown(call)))
    return call


def decide(step: Step, call: Call, by: str, word: str) -> Call:
    """A call from outside waits no more: an application's `word` has decided, or the time is over."""
    if call.phase is Phase.INVITED:
        call = step.save(replace(call, decided=word or by))
    return set_phase(step, call, Phase.REFUSED if by == "refuse" else Phase.IDLE, by)


def tell_transfer(step: Step, call: Call) -> None:
    """An application transfers a party; told where the operator wants it."""
    members = tuple(replace(member, status=None, callpath="") for member in call.members)
    step.tell(Transfer(call.callid, members, by_application=True))


def moved(step: Step, call: Call, leg: Leg) -> Call:
    """A leg was sent on to another number: it calls now, and what was before does not count."""
    if call.connected:
        tell_transfer(step, call)
    call = call.with_leg(replace(leg, held=False, bridge=""))
    call = replace(changes.next_attempt(call), consultation=None, answered=False, connected=False)
    call = set_phase(step, step.save(call), Phase.IDLE, "moved")
    seat = call.seat_of(leg.uniqueid)
    if seat is None:
        return call
    mine = set_waiting(seat)
    return step.save(replace(call.without_seat(seat).with_seat(mine), caller=mine.member))


def gone(step: Step, call: Call, leg: Leg) -> Call:
    """A leg has ended: a consultation that it took part in may be over."""
    consultation = call.consultation
    if call.legs and not leg.added and all(one.added for one in call.legs.values()):
        step.tell(Deserted(call.callid, tuple(one.channelid for one in call.legs.values())))
    if call.phase is Phase.HELD and not any(one.held for one in call.legs.values()):
        return set_phase(step, call, Phase.IDLE, "hangup")
    if consultation is None:
        return call
    third_waited = call.phase is Phase.SWAPPED and leg.uniqueid != consultation.transferring
    if leg.uniqueid == consultation.waiting or third_waited:
        return set_phase(step, step.save(replace(call, consultation=None)), Phase.IDLE, "hangup")
    return call
