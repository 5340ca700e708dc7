"""From Asterisk's events to the picture: one handler per AMI event, by the manager's header names.

Needed events: Newchannel, Newstate, DialBegin, DialState, DialEnd, BridgeEnter, BridgeLeave, Hold, Unhold,
ConfbridgeJoin, ConfbridgeLeave, HangupRequest, SoftHangupRequest, Hangup, Pickup, Rename, UserEvent,
OriginateResponse, BlindTransfer, AttendedTransfer, ParkedCall, UnParkedCall, ParkedCallTimeOut, DTMFEnd and
ContactStatus. HangupRequest tells who hung up first (the Hangup events of two bridged channels come in either
order). Every other event is ignored, and so are doubled and late ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from offhook.callstate import changes, control, ears, holding, leaving, parking, reasons, rooms, transfers
from offhook.callstate.call import Call, Leg, LegState, Role
from offhook.callstate.dialplan import on_user_event
from offhook.callstate.entry import (
    AmiEvent,
    apply_state,
    enter,
    find,
    find_or_enter,
    follow_linkedid,
    known,
    put_through,
    state_in,
    take_contact,
)
from offhook.callstate.facts import Dtmf, Fact
from offhook.callstate.merge import resolve
from offhook.callstate.model import PartyKind
from offhook.callstate.party import party_of_channel
from offhook.callstate.phase import THIRD, Phase
from offhook.callstate.picture import Picture
from offhook.callstate.reasons import Reason
from offhook.callstate.step import Step


def fold(picture: Picture, event: AmiEvent) -> tuple[Picture, tuple[Fact, ...]]:
    """Take in one AMI event (headers by name); gives the next picture and what is to be told.

    Never raises on events that contradict the picture: they are ignored, `resync` mends the rest.
    """
    handler = _HANDLERS.get(event.get("Event", ""))
    if handler is None:
        return picture, ()
    step = Step(picture)
    handler(step, event)
    return step.finish()


def settle(picture: Picture) -> tuple[Picture, tuple[Fact, ...]]:
    """Tell the extension states that were held back for the end of a call that goes on after all.

    After a BYE the extension's state waits for the other party's BYE, which follows within milliseconds.
    Where the other party stays (a prompt, a queue), this call bounds the wait: make it when the engine
    has been silent for some 50 ms, e.g. at each answered Ping. It costs nothing when nothing waits.
    """
    if not picture.owed and not picture.unheld:
        return picture, ()
    step = Step(picture)
    for callid in picture.unheld:
        transfers.come_back(step, step.calls.now[callid])
    for callid in dict.fromkeys(picture.owed.values()):
        step.release(callid)
    return step.finish()


def abandon(picture: Picture, callid: str, reason: str = "") -> tuple[Picture, tuple[Fact, ...]]:
    """End an expected call whose originate action was refused or could not be sent.

    `reason` is one of CallFailed's list; without one nobody was promised the call, and only its end is
    told. A call that has a channel by now is left alone.
    """
    call = picture.calls.get(callid)
    if call is None or call.legs:
        return picture, ()
    step = Step(picture)
    leaving.close(step, replace(call, failure=reasons.by_text(reason)), tell_failure=bool(reason))
    return step.finish()


# Handlers -------------------------------------------------------------------------------------------


def _on_newchannel(step: Step, event: AmiEvent) -> None:
    found = find_or_enter(step, event)
    if found:
        step.release(found[0].callid)


def _on_newstate(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found is None:
        enter(step, event)
        return
    call, leg = found
    step.release(call.callid)
    apply_state(step, _named(step, call, leg), leg, state_in(event))


def _named(step: Step, call: Call, leg: Leg) -> Call:
    """The call with the numbers of a leg to the outside, which may ring before the engine tells DialBegin."""
    seat = call.seat_of(leg.uniqueid)
    if seat is None or seat.member.kind is not PartyKind.OUTBOUND or seat.member.to_number:
        return call
    return call if call.calling_out is None else changes.name_outside(step, call, seat, *call.calling_out)


def _on_dial_begin(step: Step, event: AmiEvent) -> None:
    found = find_or_enter(step, event, "Dest")
    if found is None:
        return
    call, leg = found
    step.release(call.callid)
    dialling = call.seat_of(event.get("Uniqueid", ""))
    if dialling is not None and all(seat.role is Role.CALLEE for seat in call.seats):
        call = step.save(changes.make_caller(call, dialling))  # one who was transferred calls on
    seat = call.seat_of(leg.uniqueid)
    if seat is None or seat.member.kind is not PartyKind.OUTBOUND:
        return
    number = event.get("DialString", "").partition("@")[0].rpartition(":")[2]
    calling, dialled = call.calling_out or (known(event.get("CallerIDNum", "")), number)
    changes.name_outside(step, call, seat, calling, dialled)


def _on_dial_state(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Dest")
    # a carrier that sends a tone or an announcement instead of 180 rings too
    if found and event.get("DialStatus") in ("RINGING", "PROGRESS"):
        step.release(found[0].callid)
        apply_state(step, *found, LegState.RINGING)


def _on_dial_end(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Dest")
    if found is None:
        return
    call, leg = found
    status = event.get("DialStatus", "")
    call = call.with_leg(replace(leg, dial_status=status))
    leg = call.legs[leg.uniqueid]
    if status == "ANSWER":
        dialling = step.channels.get(event.get("Uniqueid", ""))
        if dialling is not None and dialling != call.callid:  # the user of this phone has picked the call up
            put_through(step, (call, leg), dialling)
        else:
            apply_state(step, step.save(call), leg, LegState.UP)
        return
    if status == "CANCEL" and not call.calling_back:
        call = replace(call, given_up=True)
    step.save(_going(call, leg))


def _on_pickup(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found:
        follow_linkedid(step, found[0].callid, event.get("TargetLinkedid", ""))


def _on_bridge_enter(step: Step, event: AmiEvent) -> None:
    found = find_or_enter(step, event)
    if found is None:
        return
    call, leg = found
    step.release(call.callid)
    apply_state(step, call, leg, LegState.UP)
    call = step.calls.now[call.callid]
    leg = replace(call.legs[leg.uniqueid], held=False, bridge=event.get("BridgeUniqueid", ""), keys=0)
    leg = replace(leg, added=leg.added and event.get("Linkedid") != call.callid)
    call = step.save(call.with_leg(leg))
    ears.entered(step, call, leg.bridge)
    if call.key_transfer is not None and call.key_transfer.leg == leg.uniqueid:
        transfers.key_moved(step, call, leg.bridge)
        return
    if call.phase not in THIRD:  # whoever held this party may have left the call since
        call = holding.review(step, call)
    control.follow_bridges(step, call, leg)


def _on_bridge_leave(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found and found[1].bridge == event.get("BridgeUniqueid"):
        call, leg = found
        step.save(call.with_leg(replace(leg, bridge="")))
        ears.moved(step, call, leg)


def _on_room(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found is None:
        return
    call, leg = found
    if event["Event"] == "ConfbridgeJoin":
        rooms.on_join(step, call, leg.uniqueid, event)
    else:
        rooms.on_leave(step, leg.uniqueid, event.get("Conference", ""))


def _on_hold(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found is None or found[1].party is None:
        return
    call, leg = found
    step.release(call.callid)
    if event["Event"] == "Hold":
        # a phone's own hold names the music that is to be heard, one by a transfer key does not
        by_phone = event.get("MusicClass") or not call.connected
        holding.hold(step, call, leg) if by_phone else transfers.key_hold(step, call, leg)
    elif call.key_transfer is not None and call.key_transfer.leg == leg.uniqueid:
        transfers.key_unhold(step, call)
    else:
        holding.unhold(step, call, leg)


def _on_key(step: Step, event: AmiEvent) -> None:
    """A key that a party has pressed in a talk.

    What is typed to the PBX is no talk: a party's channel is alone with the dialplan while it listens, in a
    room or a page it is among others, and the number of a transfer is typed while the others wait.
    """
    found = find(step, event)
    if found is None or event.get("Direction") != "Received":
        return
    call, leg = found
    seat = call.seat_of(leg.uniqueid)
    if seat is None or not leg.bridge or call.key_transfer is not None or call.path_kind in _MANY:
        return
    others = (key for one in call.seats if one is not seat for key in one.legs)
    if any(call.legs[key].bridge == leg.bridge for key in others):
        step.tell(Dtmf(call.callid, (seat.member,), info=event.get("Digit", ""), flag=leg.keys))
        step.save(call.with_leg(replace(leg, keys=leg.keys + 1)))


def _on_hangup_request(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found is None:
        return
    call, leg = found
    seat = call.seat_of(leg.uniqueid)
    picked_up = leg.state is LegState.UP or not leg.dialled
    if not picked_up:
        call = call.with_leg(replace(leg, refused=True))
    elif seat is not None and seat.role is Role.CALLER:
        call = replace(call, given_up=call.failure is None or _somebody_rings(call))
    step.save(_going(call, leg))


def _on_soft_hangup_request(step: Step, event: AmiEvent) -> None:
    """AMI or the dialplan ends a leg: in a talk it leaves first, before that it means nothing by itself.

    `ByApplication` is ours (`LiveCalls.about_to_hang_up`): a call that an application ends has not failed.
    """
    found = find(step, event)
    if found is None:
        return
    call, leg = found
    if call.connected:
        step.save(_going(call, leg))
    elif event.get("ByApplication") and not _somebody_rings(_going(call, leg)):
        step.save(replace(call, given_up=True))


def _somebody_rings(call: Call) -> bool:
    ringing = (leg for leg in call.legs.values() if leg.party and leg.state is LegState.RINGING)
    return any(leg.uniqueid not in call.leaving for leg in ringing)


def _going(call: Call, leg: Leg) -> Call:
    return call if leg.uniqueid in call.leaving else replace(call, leaving=(*call.leaving, leg.uniqueid))


def _on_hangup(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    if found is None:
        return
    call, leg = found
    sip, cause = _number(event.get("TechCause")), _number(event.get("Cause"))
    if not leg.dialled:
        call = step.save(replace(call, told_caller=reasons.by_sip(sip) or reasons.by_cause(cause)))
    elif leg.party is not None and leg.state is not LegState.UP and leg.attempt == call.attempt:
        call = leaving.fail(step, call, _reason_of(leg, sip, cause))
    if call.key_transfer is not None and call.key_transfer.leg == leg.uniqueid:
        transfers.complete(step, call)
        call = step.calls.now[call.callid]
        leg = call.legs[leg.uniqueid]
    rooms.forget(step, leg.uniqueid)
    call = control.gone(step, leaving.leave(step, call, leg), leg)
    if leaving.is_over(call):
        leaving.close(step, call)


def _reason_of(leg: Leg, sip: int, cause: int) -> Reason | None:
    """Why a dialled leg was not answered.

    TechCause is the phone's answer only where the phone ended the leg; where the engine did, it is the
    code that the engine sent. Dial says NOANSWER also for a phone that declines (measured), hence the order.
    """
    if leg.refused or leg.dial_status in ("BUSY", "CONGESTION", "CHANUNAVAIL"):
        return reasons.by_sip(sip) or reasons.by_cause(cause)
    if leg.dial_status in ("CANCEL", "ANSWER"):
        return None
    return reasons.by_cause(cause) or (Reason.RANG_OUT if leg.dial_status == "NOANSWER" else None)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0


def _on_rename(step: Step, event: AmiEvent) -> None:
    found = find(step, event)
    name = event.get("Newname", "")
    if found is None or party_of_channel(name) is None:
        return
    call, leg = found
    changes.rename(step, call, leg, name)


def _on_originate_response(step: Step, event: AmiEvent) -> None:
    call = step.calls.get(resolve(step.joined.now, event.get("Uniqueid", "")))
    if call is None or event.get("Response") != "Failure":
        return
    if any(leg.party is not None and leg.state is LegState.UP for leg in call.legs.values()):
        return  # the Local channel that rang has ended, the party that answered goes on by itself
    call = leaving.fail(step, call, reasons.by_originate(_number(event.get("Reason"))))
    if leaving.is_over(call):
        leaving.close(step, leaving.fail(step, call, Reason.PHONE_OFF))


def _on_blind_transfer(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Transferer")
    if found is None:
        return
    if event.get("Result", "Success") == "Success":
        transfers.blind(step, *found, by_key=event.get("IsExternal") == "No")
    else:
        transfers.come_back(step, found[0])


def _on_attended_transfer(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "OrigTransferer")
    if found is None or event.get("Result") != "Success":
        return
    call, leg = found
    other = find(step, event, "SecondTransferer")
    if call.key_transfer is not None:
        if event.get("DestType") == "Threeway":
            transfers.threeway(step, call)
        else:
            transfers.complete(step, call, surely=True)
    elif other is not None and other[0].callid != call.callid:
        transfers.by_phone(step, call, leg, *other)
        follow_linkedid(step, call.callid, other[0].callid)


def _on_parked(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Parkee")
    if found:
        parking.park(step, *found)
        control.set_phase(step, step.calls.now[found[0].callid], Phase.PARKED, "park")


def _on_taken_out(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Parkee")
    if found is None:
        return
    call = control.set_phase(step, parking.take_out(step, *found), Phase.IDLE, "taken out")
    taker = find(step, {"Uniqueid": event.get("RetrieverUniqueid", "")})
    if taker is not None and taker[0].callid != call.callid:
        put_through(step, taker, call.callid)


def _on_parked_too_long(step: Step, event: AmiEvent) -> None:
    found = find(step, event, "Parkee")
    if found:
        parking.give_back(step, *found)
        control.set_phase(step, step.calls.now[found[0].callid], Phase.IDLE, "time is over")


def _on_contact_status(step: Step, event: AmiEvent) -> None:
    take_contact(step, event.get("EndpointName", ""), event.get("URI", ""), event.get("ContactStatus", ""))


_MANY = frozenset({"conference", "paging"})
_Handler: TypeAlias = Callable[[Step, AmiEvent], None]

_HANDLERS: Mapping[str, _Handler] = {
    "Newchannel": _on_newchannel,
    "Newstate": _on_newstate,
    "DialBegin": _on_dial_begin,
    "DialState": _on_dial_state,
    "DialEnd": _on_dial_end,
    "BridgeEnter": _on_bridge_enter,
    "BridgeLeave": _on_bridge_leave,
    "ConfbridgeJoin": _on_room,
    "ConfbridgeLeave": _on_room,
    "Hold": _on_hold,
    "Unhold": _on_hold,
    "DTMFEnd": _on_key,
    "HangupRequest": _on_hangup_request,
    "SoftHangupRequest": _on_soft_hangup_request,
    "Hangup": _on_hangup,
    "Pickup": _on_pickup,
    "Rename": _on_rename,
    "UserEvent": on_user_event,
    "OriginateResponse": _on_originate_response,
    "BlindTransfer": _on_blind_transfer,
    "AttendedTransfer": _on_attended_transfer,
    "ParkedCall": _on_parked,
    "UnParkedCall": _on_taken_out,
    "ParkedCallTimeOut": _on_parked_too_long,
    "ContactStatus": _on_contact_status,
}
