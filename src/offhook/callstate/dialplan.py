"""What the dialplan reports by UserEvent (docs/internals.md): failures, forwards, voicemail, IVRs, queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from offhook.callstate import changes, control, ears, leaving, reasons
from offhook.callstate.call import Call, Leg, LegState, Role
from offhook.callstate.entry import AmiEvent, find_or_enter, follow_linkedid
from offhook.callstate.facts import Dtmf, Forward, PlayPromptEnd, Satisfaction
from offhook.callstate.model import Member, PartyKind
from offhook.callstate.phase import Phase
from offhook.callstate.step import Step


def on_user_event(step: Step, event: AmiEvent) -> None:
    """Take in a UserEvent of ours; others are ignored."""
    found = find_or_enter(step, event)
    handler = _USER_EVENTS.get(event.get("UserEvent", ""))
    if found and handler:
        handler(step, *found, event)


def _on_failed(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    reason = reasons.by_text(event.get("Reason", ""))
    step.save(replace(call, failure=reason, refused_by_dialplan=True))


def _on_forward(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    call = changes.next_attempt(leaving.move_on(step, call))
    step.tell(Forward(call.callid, leaving.caller_shown(call)))
    step.save(call)


def _on_voicemail(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    call = changes.consults(changes.next_attempt(leaving.move_on(step, call)))
    call = step.save(replace(call, voicemail=True))
    if _caller_is_up(call):
        changes.caller_answered(step, call)


def _caller_is_up(call: Call) -> bool:
    """Whether the caller was answered before: by us, who rang him first, or by an IVR."""
    seats = (seat for seat in call.seats if seat.role is Role.CALLER)
    return any(call.legs[key].state is LegState.UP for seat in seats for key in seat.legs)


def _on_path(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    """The call enters an IVR, a queue, a group, …; the caller of one that answers is told at once."""
    kind = event.get("Kind", "")
    call = leaving.move_on(step, call)
    again = _caller_is_up(call) and (call.path_kind, call.callpath) != (kind, event.get("Number", ""))
    call = changes.consults(changes.next_attempt(call)).with_path(kind, event.get("Number", ""))
    # whom a room invites is called by nobody: he is no caller
    calling_back = call.calling_back and (kind != "conference" or bool(call.seats))
    waits = event.get("Waits") == "yes"
    call = step.save(replace(call, calling_back=calling_back, waits_for_moderator=waits))
    if again and (kind == "ivr" or kind in changes.ANSWERING):
        waiting = any(seat.role is Role.CALLER and not seat.talking for seat in call.seats)
        if waiting:
            changes.caller_answered(step, call)
        else:
            changes.tell_talking(step, call)


def _on_join(step: Step, call: Call, leg: Leg, _event: AmiEvent) -> None:
    alone = len(call.seats) == 1 and call.seat_of(leg.uniqueid) is not None
    if leg.uniqueid == call.callid or alone:  # else he has been joined already
        step.save(replace(call, joining=True))


def _on_inbound(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    """Who calls over a trunk, and which number, as the trunk's settings read them."""
    seat = call.seat_of(leg.uniqueid)
    if seat is None or seat.member.kind is not PartyKind.INBOUND:
        return
    member = replace(
        seat.member,
        from_number=event.get("From") or seat.member.from_number,
        to_number=event.get("Did") or seat.member.to_number,
    )
    call = call.with_changed(seat, replace(seat, member=member))
    step.save(replace(call, caller=member) if seat.role is Role.CALLER else call)


def _on_outbound(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    step.save(replace(call, calling_out=(event.get("From", ""), event.get("To", ""))))


def _on_key(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    flag = event.get("Flag", "")
    member = _listener(call, leg)
    if member is not None and flag.isascii() and flag.isdecimal():
        step.tell(Dtmf(call.callid, (member,), info=event.get("Key", ""), flag=int(flag)))


def _on_keys(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    member = _listener(call, leg)
    if member is not None:
        step.tell(Dtmf(call.callid, (member,), infos=event.get("Keys", event.get("Info", ""))))


def _on_prompt_end(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    member = _listener(call, leg)
    if member is not None:
        heard = replace(member, status=None)
        step.tell(PlayPromptEnd(call.callid, (heard,), ivr=event.get("Ivrid", "")))


def _on_answered(step: Step, call: Call, _leg: Leg, _event: AmiEvent) -> None:
    """What no phone tells: a multicast address is played to."""
    step.save(replace(call, answered=True, connected=True))


def _on_played(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    """All of call/playprompt was played; the phones of a group end together, and the first tells for all."""
    if call.played:
        return
    heard = (replace(seat.member, status=None, callpath="") for seat in call.seats if seat.talking)
    step.tell(PlayPromptEnd(call.callid, tuple(heard), prompt=event.get("Prompt", "")))
    step.save(replace(call, played=True))


def _on_survey(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    step.tell(Satisfaction(call.callid, event.get("Key", "")))


def _on_held(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    control.hold(step, call, leg, consulting=event.get("For") == "consult")


def _on_silent(step: Step, call: Call, leg: Leg, _event: AmiEvent) -> None:
    control.unhold(step, call, leg)


def _on_consult(step: Step, call: Call, leg: Leg, event: AmiEvent) -> None:
    control.consult(step, call, leg, event.get("Held", ""), event.get("To", ""))


def _on_moved(step: Step, call: Call, leg: Leg, _event: AmiEvent) -> None:
    control.moved(step, leaving.move_on(step, call), leg)


def _on_deciding(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    """A call from outside waits for an application's word, or waits no more."""
    match event.get("UserEvent"):
        case "OffhookInvite":
            control.ask(step, call, Phase.INVITED)
        case "OffhookIncoming":
            control.ask(step, call, Phase.DECIDING)
        case _:
            control.decide(step, call, event.get("By", ""), event.get("Word", ""))


def _on_barge(step: Step, _call: Call, _leg: Leg, event: AmiEvent) -> None:
    ears.attach(step, event.get("Spied", ""), event.get("Channel", ""))


def _on_added(step: Step, call: Call, _leg: Leg, event: AmiEvent) -> None:
    """A third party is called into a running call: its channels belong there from now on."""
    if step.calls.get(event.get("To", "")) is not None:
        follow_linkedid(step, call.callid, event.get("To", ""))


def _listener(call: Call, leg: Leg) -> Member | None:
    """The party whose channel runs the dialplan; behind a Local channel it is the call's only member."""
    seat = call.seat_of(leg.uniqueid)
    if seat is not None:
        return seat.member
    return call.members[0] if len(call.members) == 1 else None


_USER_EVENTS: Mapping[str, Callable[[Step, Call, Leg, AmiEvent], None]] = {
    "OffhookFailed": _on_failed,
    "OffhookForward": _on_forward,
    "OffhookVoicemail": _on_voicemail,
    "OffhookPath": _on_path,
    "OffhookJoin": _on_join,
    "OffhookInbound": _on_inbound,
    "OffhookOutbound": _on_outbound,
    "OffhookKey": _on_key,
    "OffhookKeys": _on_keys,
    "OffhookAnswered": _on_answered,
    "OffhookPlayed": _on_played,
    "OffhookSurvey": _on_survey,
    "OffhookHeld": _on_held,
    "OffhookSilent": _on_silent,
    "OffhookConsult": _on_consult,
    "OffhookMoved": _on_moved,
    "OffhookInvite": _on_deciding,
    "OffhookIncoming": _on_deciding,
    "OffhookDecided": _on_deciding,
    "OffhookAdded": _on_added,
    "OffhookBarge": _on_barge,
    # the two that the operator's own dialplan sends, as on the appliances (spec 18, `user_events`)
    "DtmfEndString": _on_keys,
    "PlayPromptEnd": _on_prompt_end,
}
