"""What the dialplan reports by UserEvent (docs/internals.md): failures, forwards, voicemail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from offhook.callstate import changes, leaving, reasons
from offhook.callstate.call import Call, LegState
from offhook.callstate.entry import AmiEvent, find_or_enter
from offhook.callstate.facts import Forward
from offhook.callstate.step import Step


def on_user_event(step: Step, event: AmiEvent) -> None:
    """Take in a UserEvent of ours; others are ignored."""
    found = find_or_enter(step, event)
    handler = _USER_EVENTS.get(event.get("UserEvent", ""))
    if found and handler:
        handler(step, found[0], event)


def _on_failed(step: Step, call: Call, event: AmiEvent) -> None:
    reason = reasons.by_text(event.get("Reason", ""))
    step.save(replace(call, failure=reason, refused_by_dialplan=True))


def _on_forward(step: Step, call: Call, event: AmiEvent) -> None:
    call = _next_attempt(leaving.move_on(step, call))
    step.tell(Forward(call.callid, leaving.caller_shown(call)))
    step.save(call)


def _on_voicemail(step: Step, call: Call, event: AmiEvent) -> None:
    call = step.save(replace(_next_attempt(leaving.move_on(step, call)), voicemail=True))
    if any(leg.state is LegState.UP and leg.dialled for leg in call.legs.values()):
        changes.caller_answered(step, call)


def _next_attempt(call: Call) -> Call:
    """The call goes on to another destination: what failed before does not count any more."""
    return replace(call, attempt=call.attempt + 1, failure=None, refused_by_dialplan=False, given_up=False)


_USER_EVENTS: Mapping[str, Callable[[Step, Call, AmiEvent], None]] = {
    "OffhookFailed": _on_failed,
    "OffhookForward": _on_forward,
    "OffhookVoicemail": _on_voicemail,
}
