"""The calls of one phone as its events tell them, and which of it the world is told. Pure.

`callanswer` and `callover` are told only of what was asked for through us: the contract says "by uaCSTA"
(spec 15-events, `operation_means`). What a person does at the phone is seen in CallStatus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from offhook.areas.uacsta.csta import CallEvent, EventKind, Local, RunningCall

MAX_CALLS = 32
Operation = Literal["callstart", "callanswer", "callover"]


class CallState(StrEnum):
    """How a call is at the phone. DIALLED: an outgoing one that is not answered yet."""

    RINGING = "ringing"
    DIALLED = "dialled"
    UP = "up"


class Wish(StrEnum):
    """What is asked of the phone."""

    ANSWER = "answer"
    REFUSE = "refuse"
    HANGUP = "hangup"


_FITS = {
    Wish.ANSWER: frozenset({CallState.RINGING}),
    Wish.REFUSE: frozenset({CallState.RINGING}),
    Wish.HANGUP: frozenset(CallState),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `wishes` are those that the phone was asked for and has not refused."""

    callid: str
    deviceid: str
    state: CallState
    wishes: frozenset[Wish] = frozenset()

    def fits(self, wish: Wish) -> bool:
        """Whether the call is in a state in which this may be asked."""
        return self.state in _FITS[wish]


@dataclass(frozen=True, slots=True)
class Calls:
    """All calls of a phone, the oldest first; the oldest is forgotten when there are too many."""

    by_id: Mapping[str, Call] = field(default_factory=dict)

    def take(self, event: CallEvent) -> tuple[Calls, Operation | None]:
        """Take in an event; gives the calls after it and what is to be told."""
        known = self.by_id.get(event.callid)
        match event.kind:
            case EventKind.INITIATED | EventKind.ORIGINATED:
                return (self, None) if known else (self._with(_call(event, CallState.DIALLED)), None)
            case EventKind.DELIVERED:
                return self._delivered(event, known)
            case EventKind.ESTABLISHED:
                return self._established(event, known)
        return self._cleared(event, known)

    def _delivered(self, event: CallEvent, known: Call | None) -> tuple[Calls, Operation | None]:
        if known is not None:
            return self, None
        if event.local in {Local.ALERTING, Local.UNSAID}:
            return self._with(_call(event, CallState.RINGING)), "callstart"
        return self._with(replace(_call(event, CallState.DIALLED), deviceid="")), None

    def _established(self, event: CallEvent, known: Call | None) -> tuple[Calls, Operation | None]:
        # Of a call that was dialled the event names the far end's device, of one that rang our own.
        call = known or replace(_call(event, CallState.UP), deviceid="")
        answered = call.state is CallState.RINGING and Wish.ANSWER in call.wishes
        after = self._with(replace(call, state=CallState.UP, wishes=call.wishes - {Wish.ANSWER}))
        return after, "callanswer" if answered else None

    def _cleared(self, event: CallEvent, known: Call | None) -> tuple[Calls, Operation | None]:
        others_only = event.kind is EventKind.CLEARED and event.local not in {
            Local.NONE,
            Local.UNSAID,
            Local.FAILED,
        }
        if known is None or others_only:
            return self, None
        rest = {callid: call for callid, call in self.by_id.items() if callid != event.callid}
        return Calls(rest), "callover" if known.wishes & {Wish.REFUSE, Wish.HANGUP} else None

    def found(self, running: RunningCall) -> Calls:
        """Take in a call of a snapshot; nothing is told of it."""
        if running.callid in self.by_id:
            return self
        state = CallState.RINGING if running.local is Local.ALERTING else CallState.UP
        return self._with(Call(running.callid, running.deviceid, state))

    def asked(self, callid: str, wish: Wish) -> Calls:
        """Note that the phone is being asked for something."""
        call = self.by_id.get(callid)
        return self._with(replace(call, wishes=call.wishes | {wish})) if call else self

    def refused(self, callid: str, wish: Wish) -> Calls:
        """Note that the phone will not do it."""
        call = self.by_id.get(callid)
        return self._with(replace(call, wishes=call.wishes - {wish})) if call else self

    def _with(self, call: Call) -> Calls:
        calls = {**self.by_id, call.callid: call}
        surplus = list(calls)[: max(0, len(calls) - MAX_CALLS)]
        return Calls({callid: one for callid, one in calls.items() if callid not in surplus})


def _call(event: CallEvent, state: CallState) -> Call:
    return Call(event.callid, event.deviceid, state)
