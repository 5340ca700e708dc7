"""From the CEL rows of one call to its record. Pure.

A PBX's view of a call: who began it, what was dialled, who answered, how long they talked. Seconds are
rounded to the nearest whole one, as Asterisk's own records are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from offhook.ledger.rows import CelRow

Status: TypeAlias = Literal["ANSWERED", "NO ANSWER", "BUSY", "VOICEMAIL"]
Direction: TypeAlias = Literal["Internal", "Inbound", "Outbound"]

_BUSY_CAUSES = frozenset({"17", "21"})  # Q.850: user busy, call rejected
_GROUPS = frozenset({"ringgroup", "queue"})  # of these callto names who answered, such as 6200(4002)
_ROOMS = frozenset({"conference", "paging"})  # many may be in one call: callto is the number
_NO_RECORD = frozenset({"OFFHOOK_QUIET", "OFFHOOK_REFUSED"})
"""An ear in another call or a party on its way into one; a call that an application has refused."""
_OWN_CALL = re.compile(r"Local/[^@]+@offhook-(?:called|playprompt|wakeup)-")
"""The first channel of a call that nobody makes but the PBX itself: who is called is who was asked for."""
_ENTERED = "OFFHOOK_ANSWERED"
"""Who was rung first by the PBX itself has answered and goes on: the call's `caller` or `callee`."""
_ANSWERING = frozenset({"ivr", "conference", "paging"})  # what answers a call by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that the API promised: noted before the engine heard of it. `created` in epoch seconds.

    `type` is that of a call of which no trunk has heard.
    """

    callid: str
    caller: str
    callee: str
    created: float
    type: Direction = "Internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One channel of a call; times in epoch seconds, 0 where it never came to that."""

    channel: str
    started: float
    answered: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording that was begun in a call. `side` is who the recorded channel is: caller or callee."""

    name: str
    side: str
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """The record of one call; `started` in epoch seconds UTC, durations in whole seconds."""

    callid: str
    started: float
    callfrom: str
    callto: str
    dialled: str
    call_seconds: int
    talk_seconds: int
    status: Status
    type: Direction
    source_trunk: str = ""
    destination_trunk: str = ""
    pincode: str = ""
    recording: str = ""
    didnumber: str = ""
    agent_ring_seconds: int = 0
    fax: str = ""  # name of the file
    fax_pages: int = 0  # 0 when the fax was interrupted
    legs: tuple[Leg, ...] = ()
    recordings: tuple[Recording, ...] = ()  # all of them; `recording` is the first one's name


def unconnected(intent: Intent, ended: float) -> CallRecord:
    """The record of a promised call that never had a channel: nobody could be rung."""
    return CallRecord(
        callid=intent.callid,
        started=intent.created,
        callfrom=intent.caller,
        callto=intent.callee,
        dialled=intent.callee,
        call_seconds=max(0, round(ended - intent.created)),
        talk_seconds=0,
        status="NO ANSWER",
        type=intent.type,
    )


def fold(callid: str, rows: Sequence[CelRow], intent: Intent | None = None) -> CallRecord | None:
    """The record of the call `callid`; None when no party took part and nobody was promised it or called into
    a room, and for what is no call of its own.

    The order of `rows` does not matter: the engine writes neighbouring ones in either order.
    """
    ordered = sorted(rows, key=lambda row: row.time)
    if any(row.type in _NO_RECORD for row in ordered):
        return None
    if any(row.is_party or row.type == _ENTERED or row.invitation for row in ordered):
        return _Fold(callid, ordered, intent).record()
    if intent is None:
        return None
    if not ordered:
        return unconnected(intent, intent.created)
    status = _Fold(callid, ordered, intent).status(None)
    return replace(unconnected(intent, ordered[-1].time), status=status)


class _Fold:
    def __init__(self, callid: str, rows: Sequence[CelRow], intent: Intent | None) -> None:
        self.callid = callid
        self.rows = rows
        self.intent = intent
        self.first = next((r for r in rows if r.uniqueid == callid and r.type == "CHAN_START"), rows[0])
        self.calling = self._calling()
        self.answer = self._answer()

    def record(self) -> CallRecord:
        started, ended = self._started(), self.rows[-1].time
        answer = self.answer
        dialled = self.intent.callee if self.intent else self._dialled()
        callees = [row for row in self.rows if self._is_callee(row)]
        source = "" if self.intent else self.first.trunk
        destination = self._destination(callees, answer)
        status = self.status(answer)
        talk = round(self._talk_end(ended) - answer.time) if answer else 0
        if answer is None and status == "ANSWERED":
            talk = self._talk_with_machine(ended)
        recordings = self._recordings()
        return CallRecord(
            callid=self.callid,
            started=started,
            callfrom=self._caller(),
            callto=self._callto(answer, dialled),
            dialled=dialled,
            call_seconds=max(0, round(ended - started), talk),  # the clock may have been put back
            talk_seconds=max(0, talk),
            status=status,
            type="Inbound" if source else "Outbound" if destination else self._type(),
            source_trunk=source,
            destination_trunk=destination,
            pincode=self._note("OFFHOOK_PIN"),
            didnumber=self._note("OFFHOOK_DID") if source else "",
            agent_ring_seconds=self._agent_ring(answer),
            fax=self._fax()[1],
            fax_pages=self._fax_pages(),
            legs=self._legs(),
            recording=recordings[0].name if recordings else "",
            recordings=recordings,
        )

    def _type(self) -> Direction:
        return self.intent.type if self.intent is not None else "Internal"

    def _calling(self) -> frozenset[str]:
        """The channels by which an outside caller of a promised call was rung."""
        entered = next((row for row in self.rows if row.type == _ENTERED and row.note == "caller"), None)
        if entered is None:
            return frozenset()
        rung = (row for row in self.rows if row.type == "CHAN_START" and row.time <= entered.time)
        return frozenset(row.channel for row in rung)

    def _started(self) -> float:
        if self.intent is not None:
            return min(self.intent.created, self.rows[0].time)
        return self.rows[0].time

    def _caller(self) -> str:
        if self.intent is not None:
            return self.intent.caller
        if self.first.invitation is not None:
            return self.first.invitation[0]
        if self.first.trunk and (told := self._told_outside()):
            return told
        inside = next((row.extension for row in self.rows if row.extension), "")
        # a call that the PBX began by itself (a callback) is from the extension that it was put through to
        return self.first.extension or self.first.num or inside

    def _told_outside(self) -> str:
        """Who calls over a trunk, as the dialplan has read it."""
        rows = (row for row in self.rows if row.type == "OFFHOOK_DID" and row.uniqueid == self.first.uniqueid)
        return next((row.num for row in rows), "")

    def _dialled(self) -> str:
        """What the caller dialled: the extension of its first row, before the dialplan went on from it."""
        if self.first.invitation is not None:
            return self.first.invitation[1]
        return self.first.exten

    def _was_joined(self) -> bool:
        """Whether the caller took another call (pick-up, a parking slot) and goes on in that one."""
        if not any(row.type == "OFFHOOK_JOIN" for row in self.rows):
            return False
        mine = (row for row in self.rows if row.is_party and not self._is_callee(row))
        return not any(row.type == "HANGUP" for row in mine)

    def _is_callee(self, row: CelRow) -> bool:
        if not row.is_party:
            return False
        if self.intent is not None:
            return row.extension != self.intent.caller and row.channel not in self.calling
        return row.uniqueid != self.callid

    def _answer(self) -> CelRow | None:
        """The moment a callee answered, and who it was: who talked, if anybody did.

        An agent who hangs up while his announcement is played has answered too, and the next one talks.
        A leg that comes from another call (pick-up) wrote its own entry there: what stands here is that it
        left the bridge, and when the caller entered it.
        """
        talked = {row.uniqueid for row in self.rows if row.type == "BRIDGE_ENTER" and self._is_callee(row)}
        for row in self.rows:
            if row.type in {"ANSWER", "BRIDGE_ENTER"} and self._is_callee(row):
                if row.uniqueid in talked or not talked:
                    return row
                continue
            if row.type == "BRIDGE_EXIT" and self._is_callee(row):
                entered = [one.time for one in self.rows if one.type == "BRIDGE_ENTER"]
                return replace(row, time=min(entered, default=row.time))
        return None

    def _talk_end(self, ended: float) -> float:
        exits = [row.time for row in self.rows if row.type == "BRIDGE_EXIT" and row.is_party]
        return max(exits, default=ended)

    def _callto(self, answer: CelRow | None, dialled: str) -> str:
        kind, number = self._path(answer)
        if _OWN_CALL.match(self.first.channel):
            return dialled
        if answer is None and kind not in _GROUPS and (machine := self._fax()[0] or self._left_in()):
            return machine
        if self.first.trunk and not self.intent and not kind:
            dialled = self._reached() or self._note("OFFHOOK_DID") or dialled
        if kind in _ROOMS and self.first.invitation is None:
            return number
        if answer is not None and answer.extension:
            return f"{number}({answer.extension})" if kind in _GROUPS else answer.extension
        if answer is not None and answer.trunk:
            return self._note("OFFHOOK_OUTBOUND", answered=True) or dialled
        if self.first.invitation is not None:
            return dialled
        return number or dialled

    def _path_row(self, answer: CelRow | None) -> CelRow | None:
        """The last IVR, queue, … that the call ran through before it was answered; what it was transferred
        into later is not what brought the two together."""
        paths = [row for row in self.rows if row.type == "OFFHOOK_PATH"]
        before = [row for row in paths if answer is None or row.time <= answer.time]
        return next(reversed(before), None)

    def _path(self, answer: CelRow | None = None) -> tuple[str, str]:
        """Its kind and number."""
        row = self._path_row(answer)
        kind, _, number = row.note.partition("|") if row is not None else ("", "", "")
        return kind, number

    def _reached(self) -> str:
        """The extension that was rung, or whose box was reached, by a call that nobody answered."""
        rung = [row.extension for row in self.rows if row.type == "CHAN_START" and self._is_callee(row)]
        return self._box() or next((number for number in reversed(rung) if number), "")

    def _box(self) -> str:
        """The voicemail box that was reached last."""
        return self._note("OFFHOOK_VOICEMAIL").partition("|")[0]

    def _left_in(self) -> str:
        """The voicemail box in which a message was left."""
        left = any(row.type == "OFFHOOK_VOICEMAIL_END" and row.note.endswith("|SUCCESS") for row in self.rows)
        return self._box() if left else ""

    def _note(self, kind: str, *, answered: bool = False) -> str:
        """What the last user event of a kind says; with `answered` the last before the call was answered."""
        until = self.answer.time if answered and self.answer else self.rows[-1].time
        return next((row.note for row in reversed(self.rows) if row.type == kind and row.time <= until), "")

    def _destination(self, callees: Sequence[CelRow], answer: CelRow | None) -> str:
        """The trunk by which the call went out: that which answered, else the last that was tried.

        Where nobody was called for an outside caller, it is that of the caller's own leg.
        """
        if answer is not None and answer.trunk:
            return answer.trunk
        calling = [row for row in self.rows if row.channel in self.calling]
        return next((row.trunk for row in (*reversed(callees), *calling) if row.trunk), "")

    def _machine_answer(self) -> float | None:
        """When an IVR, a room, a page or the fax answered the call, which nobody else did."""
        if self._path()[0] not in _ANSWERING and not self._fax_pages():
            return None
        begun = next(row.time for row in self.rows if row.type in {"OFFHOOK_PATH", "OFFHOOK_FAX"})
        answers = [row.time for row in self.rows if row.type == "ANSWER" and not self._is_callee(row)]
        return max(begun, answers[0]) if answers else None

    def _talk_with_machine(self, ended: float) -> int:
        answered = self._machine_answer()
        return max(0, round(ended - answered)) if answered is not None else 0

    def _fax(self) -> tuple[str, str]:
        """For whom a fax came, and the name of its file."""
        number, _, file = self._note("OFFHOOK_FAX").partition("|")
        return number, file

    def _fax_pages(self) -> int:
        """How many pages the fax has that came; 0 when it was interrupted."""
        status, _, pages = self._note("OFFHOOK_FAX_END").partition("|")
        return int(pages) if status == "SUCCESS" and pages.isdecimal() else 0

    def _recordings(self) -> tuple[Recording, ...]:
        begun: dict[str, Recording] = {}
        for row in self.rows:
            name, _, side = row.note.partition("|")
            if row.type == "OFFHOOK_RECORDING" and name:
                begun.setdefault(name, Recording(name=name, side=side, started=row.time))
        return tuple(begun.values())

    def _agent_ring(self, answer: CelRow | None) -> int:
        """Whole seconds from entering the queue until an agent answered; who answers later is none."""
        calls_out = _OWN_CALL.match(self.first.channel) is not None
        entered = self._path_row(None if calls_out else answer)
        if entered is None or not entered.note.startswith("queue|"):
            return 0
        if calls_out:  # whom the queue has called has answered before
            agents = (row for row in self.rows if row.extension and row.type in {"ANSWER", "BRIDGE_ENTER"})
            answer = next((row for row in agents if row.time >= entered.time), None)
        if answer is None:
            return 0
        left = (row.time for row in self.rows if row.type == "OFFHOOK_QUEUE_LEFT")
        if any(entered.time < time < answer.time for time in left):
            return 0
        return max(0, round(answer.time - entered.time))

    def status(self, answer: CelRow | None) -> Status:
        """How the call ended; `answer` is the row of a callee's answer."""
        if answer is not None or self._was_joined():
            return "ANSWERED"
        if self._left_in():
            return "VOICEMAIL"
        if self._fax_pages() or (self._machine_answer() is not None and not self._failed()):
            return "ANSWERED"
        if self._note("OFFHOOK_VOICEMAIL").partition("|")[2] in {"busy", "dnd"}:
            return "BUSY"
        last = [row for row in self.rows if row.type == "HANGUP" and not self._is_callee(row)]
        busy = any(
            row.extra.get("dialstatus") == "BUSY" or row.extra.get("hangupcause") in _BUSY_CAUSES
            for row in last
        )
        return "BUSY" if busy else "NO ANSWER"

    def _failed(self) -> bool:
        """Whether a call that an IVR had answered was then passed on to somebody who was not reached."""
        begun = max(row.time for row in self.rows if row.type == "OFFHOOK_PATH")
        later = (row for row in self.rows if row.time > begun)
        return any(
            row.type == "OFFHOOK_FAILED" or (row.type == "CHAN_START" and self._is_callee(row))
            for row in later
        )

    def _legs(self) -> tuple[Leg, ...]:
        channels = dict.fromkeys(row.channel for row in self.rows if row.is_party)
        return tuple(self._leg(channel) for channel in channels)

    def _leg(self, channel: str) -> Leg:
        def when(kind: str) -> float:
            return next((r.time for r in self.rows if r.channel == channel and r.type == kind), 0.0)

        return Leg(
            channel=channel, started=when("CHAN_START"), answered=when("ANSWER"), ended=when("CHAN_END")
        )
