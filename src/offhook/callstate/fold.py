"""From Asterisk's events to the picture: one handler per AMI event, by the manager's header names.

Needed events: Newchannel, Newstate, DialBegin, DialEnd, BridgeEnter, Hold, Unhold, HangupRequest, Hangup,
Rename, UserEvent, OriginateResponse, BlindTransfer, AttendedTransfer, ContactStatus. HangupRequest tells
who hung up first (the Hangup events of two bridged channels come in either order). Every other event
is ignored, and so are doubled and late ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from offhook.callstate import changes, reasons
from offhook.callstate.call import Call, Leg, LegState, Role
from offhook.callstate.facts import Fact, Forward, Transfer
from offhook.callstate.merge import merge, older, resolve
from offhook.callstate.model import Member, PartyKind
from offhook.callstate.party import PartyType, party_of_channel, party_of_endpoint
from offhook.callstate.picture import Picture
from offhook.callstate.presence import Phones
from offhook.callstate.reasons import Reason
from offhook.callstate.step import Step

AmiEvent: TypeAlias = Mapping[str, str]

_STATES = {state.value: state for state in LegState}
_UNKNOWN = "<unknown>"


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
    if not picture.owed:
        return picture, ()
    step = Step(picture)
    for callid in dict.fromkeys(picture.owed.values()):
        step.release(callid)
    return step.finish()


def abandon(picture: Picture, callid: str, reason: str) -> tuple[Picture, tuple[Fact, ...]]:
    """End an expected call whose originate action was refused or could not be sent.

    `reason` is one of CallFailed's list. A call that has a channel by now is left alone.
    """
    call = picture.calls.get(callid)
    if call is None or call.legs:
        return picture, ()
    step = Step(picture)
    changes.close(step, replace(call, failure=reasons.by_text(reason)))
    return step.finish()


# Finding the call and the channel -------------------------------------------------------------------


def _find(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """The call and leg an event speaks of; follows a changed linkedid by joining the calls."""
    uniqueid = event.get(prefix + "Uniqueid", "")
    callid = step.channels.get(uniqueid)
    if callid is None:
        return None
    linkedid = event.get(prefix + "Linkedid", "")
    if linkedid and resolve(step.joined.now, linkedid) != callid:
        join_calls(step, callid, resolve(step.joined.now, linkedid))
        callid = step.channels.now[uniqueid]
    call = step.calls.now[callid]
    return call, call.legs[uniqueid]


def _find_or_enter(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """As `_find`; a channel whose Newchannel was lost enters now."""
    return _find(step, event, prefix) or enter(step, event, prefix)


def enter(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """A channel that is not known yet joins its call; None if it or its call has ended already."""
    uniqueid, linkedid = event.get(prefix + "Uniqueid", ""), event.get(prefix + "Linkedid", "")
    callid = resolve(step.joined.now, linkedid)
    if not uniqueid or not callid or uniqueid in step.ended.now or callid in step.ended.now:
        return None
    call = step.calls.get(callid) or Call(callid=callid)
    state = _STATES.get(event.get(prefix + "ChannelStateDesc", ""), LegState.DOWN)
    first = uniqueid == callid
    dialled = state is not LegState.RING
    if first and dialled and not call.legs:
        call = replace(call, calling_back=True)
    leg = Leg(
        uniqueid=uniqueid,
        channelid=event.get(prefix + "Channel", ""),
        party=party_of_channel(event.get(prefix + "Channel", "")),
        state=LegState.DOWN if dialled else state,
        dialled=dialled,
        attempt=call.attempt,
    )
    call = changes.join(step, call, leg, _member(event, prefix, leg))
    if state is LegState.RINGING:
        call = changes.ring(step, call, leg)
    elif state is LegState.UP:
        call = changes.answer(step, call, leg)
    return call, call.legs[uniqueid]


def _member(event: AmiEvent, prefix: str, leg: Leg) -> Member:
    """The member for a new channel; an outbound one learns its numbers at DialBegin."""
    if leg.party is None or leg.party.type is PartyType.EXTENSION:
        number = leg.party.name if leg.party else ""
        return Member(kind=PartyKind.EXT, number=number, channelid=leg.channelid)
    if leg.dialled:
        return Member(kind=PartyKind.OUTBOUND, trunk=leg.party.name, channelid=leg.channelid)
    return Member(
        kind=PartyKind.INBOUND,
        from_number=_known(event.get(prefix + "CallerIDNum", "")),
        to_number=_known(event.get(prefix + "Exten", "")),
        trunk=leg.party.name,
        channelid=leg.channelid,
    )


def _known(value: str) -> str:
    return "" if value == _UNKNOWN else value


def join_calls(step: Step, one: str, other: str) -> None:
    """Two calls become one: the older id survives, the other ends here (its members go on)."""
    survivor = older(one, other)
    absorbed = other if survivor == one else one
    step.joined = type(step.joined)(merge(step.joined.now, one, other))
    gone, kept = step.calls.get(absorbed), step.calls.get(survivor) or Call(callid=survivor)
    if gone is None:
        return
    for uniqueid in gone.legs:
        step.channels.put(uniqueid, survivor)
    for extension in [name for name, callid in step.owed.now.items() if callid == absorbed]:
        step.owed.put(extension, survivor)
    changes.absorb(step, kept, gone)


# Handlers -------------------------------------------------------------------------------------------


def _on_newchannel(step: Step, event: AmiEvent) -> None:
    found = _find_or_enter(step, event)
    if found:
        step.release(found[0].callid)


def _on_newstate(step: Step, event: AmiEvent) -> None:
    known = _find(step, event)
    if known is None:
        enter(step, event)
        return
    call, leg = known
    step.release(call.callid)
    apply_state(step, call, leg, _STATES.get(event.get("ChannelStateDesc", "")))


def apply_state(step: Step, call: Call, leg: Leg, state: LegState | None) -> None:
    """Bring a leg forward to a state; a step back (a late event) is ignored."""
    if state is LegState.RINGING and leg.state is LegState.DOWN:
        changes.ring(step, call, leg)
    elif state is LegState.UP and leg.state is not LegState.UP:
        changes.answer(step, call, leg)


def _on_dial_begin(step: Step, event: AmiEvent) -> None:
    found = _find_or_enter(step, event, "Dest")
    if found is None:
        return
    call, leg = found
    step.release(call.callid)
    seat = call.seat_of(leg.uniqueid)
    if seat is None or seat.member.kind is not PartyKind.OUTBOUND:
        return
    number = event.get("DialString", "").partition("@")[0].rpartition(":")[2]
    member = replace(seat.member, from_number=_known(event.get("CallerIDNum", "")), to_number=number)
    step.save(call.with_changed(seat, replace(seat, member=member)))


def _on_dial_end(step: Step, event: AmiEvent) -> None:
    found = _find(step, event, "Dest")
    if found is None:
        return
    call, leg = found
    status = event.get("DialStatus", "")
    call = call.with_leg(replace(leg, dial_status=status))
    leg = call.legs[leg.uniqueid]
    if status == "ANSWER":
        apply_state(step, step.save(call), leg, LegState.UP)
        return
    if status == "CANCEL" and not call.calling_back and call.failure is None:
        call = replace(call, given_up=True)
    step.save(_going(call, leg))


def _on_bridge_enter(step: Step, event: AmiEvent) -> None:
    found = _find_or_enter(step, event)
    if found is None:
        return
    call, leg = found
    step.release(call.callid)
    apply_state(step, call, leg, LegState.UP)


def _on_hold(step: Step, event: AmiEvent) -> None:
    found = _find(step, event)
    if found:
        step.release(found[0].callid)
        changes.hold(step, *found, holding=event["Event"] == "Hold")


def _on_hangup_request(step: Step, event: AmiEvent) -> None:
    found = _find(step, event)
    if found is None:
        return
    call, leg = found
    seat = call.seat_of(leg.uniqueid)
    picked_up = leg.state is LegState.UP or not leg.dialled
    if not picked_up:
        call = call.with_leg(replace(leg, refused=True))
    elif seat is not None and seat.role is Role.CALLER and call.failure is None:
        call = replace(call, given_up=True)
    step.save(_going(call, leg))


def _going(call: Call, leg: Leg) -> Call:
    return call if leg.uniqueid in call.leaving else replace(call, leaving=(*call.leaving, leg.uniqueid))


def _on_hangup(step: Step, event: AmiEvent) -> None:
    found = _find(step, event)
    if found is None:
        return
    call, leg = found
    sip, cause = _number(event.get("TechCause")), _number(event.get("Cause"))
    if not leg.dialled:
        call = step.save(replace(call, told_caller=reasons.by_sip(sip) or reasons.by_cause(cause)))
    elif leg.party is not None and leg.state is not LegState.UP and leg.attempt == call.attempt:
        call = changes.fail(step, call, _reason_of(leg, sip, cause))
    call = changes.leave(step, call, leg)
    if changes.is_over(call):
        changes.close(step, call)


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
    found = _find(step, event)
    name = event.get("Newname", "")
    if found is None or party_of_channel(name) is None:
        return
    call, leg = found
    changes.rename(step, call, leg, name)


def _on_user_event(step: Step, event: AmiEvent) -> None:
    found = _find_or_enter(step, event)
    handler = _USER_EVENTS.get(event.get("UserEvent", ""))
    if found and handler:
        handler(step, found[0], event)


def _on_failed(step: Step, call: Call, event: AmiEvent) -> None:
    reason = reasons.by_text(event.get("Reason", ""))
    step.save(replace(call, failure=reason, refused_by_dialplan=True))


def _on_forward(step: Step, call: Call, event: AmiEvent) -> None:
    call = _next_attempt(changes.dismiss(step, call))
    step.tell(Forward(call.callid, changes.caller_shown(call)))
    step.save(call)


def _on_voicemail(step: Step, call: Call, event: AmiEvent) -> None:
    call = step.save(replace(_next_attempt(changes.dismiss(step, call)), voicemail=True))
    if any(leg.state is LegState.UP and leg.dialled for leg in call.legs.values()):
        changes.caller_answered(step, call)


def _next_attempt(call: Call) -> Call:
    """The call goes on to another destination: what failed before does not count any more."""
    return replace(call, attempt=call.attempt + 1, failure=None, refused_by_dialplan=False, given_up=False)


def _on_originate_response(step: Step, event: AmiEvent) -> None:
    call = step.calls.get(resolve(step.joined.now, event.get("Uniqueid", "")))
    if call is None or event.get("Response") != "Failure":
        return
    call = changes.fail(step, call, reasons.by_originate(_number(event.get("Reason"))))
    if changes.is_over(call):
        changes.close(step, changes.fail(step, call, Reason.PHONE_OFF))


def _on_transfer(step: Step, event: AmiEvent) -> None:
    prefix = "Transferer" if event["Event"] == "BlindTransfer" else "OrigTransferer"
    found = _find(step, event, prefix)
    if found and event.get("IsExternal") == "No":
        members = tuple(replace(member, status=None, callpath="") for member in found[0].members)
        step.tell(Transfer(found[0].callid, members))


def _on_contact_status(step: Step, event: AmiEvent) -> None:
    take_contact(step, event.get("EndpointName", ""), event.get("URI", ""), event.get("ContactStatus", ""))


def take_contact(step: Step, endpoint: str, uri: str, status: str) -> None:
    """One registration came, changed or went; other endpoints than extensions' are ignored."""
    party = party_of_endpoint(endpoint)
    if party is None or party.type is not PartyType.EXTENSION or not uri:
        return
    known = step.phones.get(party.name) or Phones()
    step.phones.put(party.name, known.with_contact(uri, status))
    step.touch(party.name)


_Handler: TypeAlias = Callable[[Step, AmiEvent], None]

_HANDLERS: Mapping[str, _Handler] = {
    "Newchannel": _on_newchannel,
    "Newstate": _on_newstate,
    "DialBegin": _on_dial_begin,
    "DialEnd": _on_dial_end,
    "BridgeEnter": _on_bridge_enter,
    "Hold": _on_hold,
    "Unhold": _on_hold,
    "HangupRequest": _on_hangup_request,
    "Hangup": _on_hangup,
    "Rename": _on_rename,
    "UserEvent": _on_user_event,
    "OriginateResponse": _on_originate_response,
    "BlindTransfer": _on_transfer,
    "AttendedTransfer": _on_transfer,
    "ContactStatus": _on_contact_status,
}

_USER_EVENTS: Mapping[str, Callable[[Step, Call, AmiEvent], None]] = {
    "OffhookFailed": _on_failed,
    "OffhookForward": _on_forward,
    "OffhookVoicemail": _on_voicemail,
}
