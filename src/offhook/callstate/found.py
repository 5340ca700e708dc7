"""What a snapshot tells of calls that were found running: who is held, parked, consulted, listened to. Pure.

Where a channel is in the dialplan says what it does there; what that does not say stands in its account code
(docs/internals.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from offhook.callstate import control, found_transfers, holding, parking
from offhook.callstate import ears as listening
from offhook.callstate.call import (
    Call,
    Consultation,
    Leg,
    LegState,
    Role,
    set_role,
    set_status,
)
from offhook.callstate.entry import AmiEvent
from offhook.callstate.merge import resolve
from offhook.callstate.model import MemberStatus
from offhook.callstate.phase import Phase
from offhook.callstate.step import Step

DIALLED = frozenset({"AppDial", "AppDial2", "AppQueue"})
"""The applications by whose name the engine shows a channel that was called and runs no dialplan."""

_HELD = "offhook-held"
_EAR = re.compile(r"Local/(?P<number>[0-9]{1,7})@offhook-monitor-")


def on_their_way(step: Step, living: Mapping[str, AmiEvent]) -> None:
    """Parties that are being called into a running call belong there, though they have another linkedid."""
    running = {event.get("Linkedid", "") for event in living.values()}
    for event in living.values():
        kind, _, callid = event.get("AccountCode", "").partition("|")
        own = event.get("Linkedid", "")
        known = step.calls.get(own) is not None or own in step.joined.now
        if kind == "added" and callid in running and own != callid and not known:
            step.joined.put(own, resolve(step.joined.now, callid))


def held(step: Step, callid: str, living: Mapping[str, AmiEvent]) -> None:
    """Who waits in a call because an application holds him, or because another consults a third party."""
    call = step.calls.now[callid]
    for uniqueid, leg in call.legs.items():
        if _waits(living[uniqueid]):
            call = call.with_leg(replace(leg, held=True))
    if not any(leg.held for leg in call.legs.values()):
        found_transfers.keys(step, call, living)
        return
    consultation = _consultation(call, living)
    if consultation is None:
        call = control.set_phase(step, step.save(call), Phase.HELD, "found")
    else:
        call = _consulting(step, replace(call, consultation=consultation), consultation)
    holding.review(step, call)


def _waits(event: AmiEvent) -> bool:
    """Whether a channel waits there; who was taken out of it into a talk is still shown in its context."""
    return event.get("Context") == _HELD and not event.get("BridgeId")


def _consultation(call: Call, living: Mapping[str, AmiEvent]) -> Consultation | None:
    for uniqueid in call.legs:
        event, seat = living[uniqueid], call.seat_of(uniqueid)
        channel, _, number = event.get("AccountCode", "").partition("~")[2].partition("|")
        waiting = call.leg_of(channel)
        # whom the transferring party calls has the same code
        called = event.get("Application") in DIALLED or _waits(event)
        if waiting is None or waiting.uniqueid == uniqueid or seat is None or called:
            continue
        return Consultation(
            transferring=uniqueid, waiting=waiting.uniqueid, role=seat.role, number=number, told=True
        )
    return None


def _consulting(step: Step, call: Call, consultation: Consultation) -> Call:
    two = {consultation.transferring, consultation.waiting}
    third = [leg for key, leg in call.legs.items() if key not in two and call.seat_of(key) is not None]
    answered = any(leg.state is LegState.UP for leg in third)
    call = control.set_phase(step, step.save(call), Phase.CONSULTING, "found")
    if answered:
        call = control.set_phase(step, call, Phase.CONSULTED, "found")
    if any(leg.held for leg in third):
        call = control.set_phase(step, call, Phase.SWAPPED, "found")
    seat = call.seat_of(consultation.transferring)
    if seat is None:
        return call
    calling = set_role(seat, Role.CALLER)
    if not answered:
        calling = set_status(calling, MemberStatus.ALERT)
    return step.save(call.without_seat(seat).with_seat(calling))


def parked(step: Step, events: Iterable[AmiEvent]) -> None:
    """Who waits in a parking slot."""
    for event in events:
        found = _leg(step, event.get("ParkeeUniqueid", ""))
        if found is not None and not found[1].parked:
            parking.park(step, *found)
            control.set_phase(step, step.calls.now[found[0].callid], Phase.PARKED, "found")


def ears(step: Step, living: Mapping[str, AmiEvent]) -> None:
    """Who listens to whom. Whom that party talks with may have changed while nobody looked."""
    for uniqueid, event in living.items():
        if event.get("Context") != "offhook-spy":
            continue
        found = _leg(step, event.get("ApplicationData", "").partition(",")[0])
        if found is None:
            continue
        call, leg = found
        _name(step, uniqueid, event.get("Channel", ""), leg)
        if event.get("Exten") == "barge":
            listening.attach(step, leg.uniqueid, event.get("Channel", ""))
            listening.moved(step, call, step.calls.now[call.callid].legs[leg.uniqueid])


def _name(step: Step, uniqueid: str, channel: str, spied: Leg) -> None:
    """The call of an ear says who listens, and to whom, as if it had been announced."""
    found, match = _leg(step, uniqueid), _EAR.match(channel)
    if found is not None and match is not None and spied.party is not None and found[0].quiet:
        step.save(replace(found[0], expected=match["number"], expected_callee=spied.party.name))


def _leg(step: Step, uniqueid: str) -> tuple[Call, Leg] | None:
    call = step.calls.get(step.channels.get(uniqueid) or "")
    return (call, call.legs[uniqueid]) if call is not None else None
