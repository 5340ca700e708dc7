"""What happens to wake-up calls, as transactions: a try is noted before the engine hears of it, its end with
the call's record. Each change of state is made by `model.step`, stored together with the journal, and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup.model import Alarm, Event, Outcome, Rules, State, clock_set, resumed, step
from offhook.ledger import CallRecord
from offhook.ledger.rows import CelRow
from offhook.store.unit import UnitOfWork

log = logging.getLogger(__name__)

_END = "OFFHOOK_WAKEUP_END"
_CAUSES = {
    "noanswer": "nobody answered",
    "busy": "busy",
    "unavailable": "the phone could not be reached",
    "unregistered": "no phone is registered",
}
_EVENTS = {
    Outcome.ANSWERED: Event.ANSWERED,
    Outcome.UNANSWERED: Event.UNANSWERED,
    Outcome.BROKEN: Event.BROKEN,
}


class NotDue(Exception):
    """The wake-up call has been changed or deleted since it was found due."""


def begin(unit: UnitOfWork, wakeupid: int, now: float, callid: str, rules: Rules) -> Alarm:
    """Note that a try begins as the call `callid`. Raises NotDue."""
    alarm = _due(unit, wakeupid, now)
    rows.journal_add(unit.connection, alarm, Outcome.RINGING, begun=now, callid=callid)
    return _advance(unit, alarm, Event.DUE, now, rules, callid)


def miss(unit: UnitOfWork, wakeupid: int, now: float, cause: str, rules: Rules) -> Alarm:
    """Note that a ring is too late to be made; returns what became of it. Raises NotDue."""
    alarm = _due(unit, wakeupid, now)
    rows.journal_add(unit.connection, alarm, Outcome.MISSED, cause=cause)
    late = round((now - alarm.at) / 60)
    told = (alarm.id, alarm.number, alarm.time, late, cause)
    unit.after_commit(lambda: log.warning("wake-up call %d of %s at %s missed by %d min: %s", *told))
    missed = _advance(unit, alarm, Event.LATE, now, rules)
    if missed.last_day != alarm.last_day and not _has_rung(unit, alarm):
        # of a clock that is put back to before it, the day has to have its call
        missed = replace(missed, last_day=alarm.last_day)
        rows.save(unit.connection, missed)
    return missed


def settle(
    unit: UnitOfWork, record: CallRecord, cel: Sequence[CelRow], now: float, rules: Rules
) -> Alarm | None:
    """Note how the try ended whose call has this record; None when that is none, or its wake-up call gone."""
    outcome, cause = judge(record, cel)
    answered = None
    if outcome is Outcome.ANSWERED:
        answered = min((leg.answered for leg in record.legs if leg.answered), default=None)
    ended = max((leg.ended for leg in record.legs), default=0.0) or record.started + record.call_seconds
    return end(unit, record.callid, outcome, cause, now, rules, answered=answered, ended=ended)


def judge(record: CallRecord, cel: Sequence[CelRow]) -> tuple[Outcome, str]:
    """What became of a try, and why: a call that nobody answered and that has no end was broken off."""
    if record.status == "ANSWERED":
        return Outcome.ANSWERED, ""
    told = next((row.note for row in reversed(cel) if row.type == _END), "")
    if told:
        return Outcome.UNANSWERED, _CAUSES.get(told, told)
    return Outcome.BROKEN, "the call was broken off"


def end(
    unit: UnitOfWork,
    callid: str,
    outcome: Outcome,
    cause: str,
    now: float,
    rules: Rules,
    *,
    answered: float | None = None,
    ended: float | None = None,
) -> Alarm | None:
    """Note how a try ended; returns what became of its wake-up call, None when it has gone or begun anew."""
    over = now if ended is None else ended
    wakeupid = rows.journal_end(unit.connection, callid, outcome, answered=answered, ended=over, cause=cause)
    if wakeupid is None:
        return None
    alarm = next(iter(rows.select(unit.connection, ids=[wakeupid])), None)
    if alarm is None or alarm.callid != callid or alarm.state is not State.RINGING:
        return None
    return _advance(unit, alarm, _EVENTS[outcome], now, rules)


def resume(unit: UnitOfWork, now: float, rules: Rules) -> list[Alarm]:
    """What has to be put right at a start; returns the wake-up calls whose next time has changed."""
    give_up(unit, now, rules)
    return _move(unit, lambda alarm: resumed(alarm, rules.zone, now))


def follow_clock(unit: UnitOfWork, by: float, now: float, rules: Rules) -> list[Alarm]:
    """The clock was set by so many seconds, to `now`; returns the wake-up calls whose times have changed."""
    return _move(unit, lambda alarm: clock_set(alarm, by, rules.zone, now))


def _move(unit: UnitOfWork, new: Callable[[Alarm], Alarm]) -> list[Alarm]:
    known = rows.select(unit.connection)
    moved = [after for before in known if (after := new(before)) != before]
    rows.move(unit.connection, moved)
    return moved


def _has_rung(unit: UnitOfWork, alarm: Alarm) -> bool:
    rang = {Outcome.ANSWERED.value, Outcome.UNANSWERED.value}
    return any(one.outcome in rang for one in rows.last_day(unit.connection, alarm.id))


def give_up(unit: UnitOfWork, now: float, rules: Rules) -> None:
    """Note as broken the tries of which nothing is known any more."""
    for callid in rows.unknown_tries(unit.connection):
        end(unit, callid, Outcome.BROKEN, "the call never began", now, rules)


def _due(unit: UnitOfWork, wakeupid: int, now: float) -> Alarm:
    alarm = next(iter(rows.select(unit.connection, ids=[wakeupid])), None)
    if alarm is None or alarm.state is State.RINGING or alarm.at > now:
        raise NotDue
    return alarm


def _advance(
    unit: UnitOfWork, alarm: Alarm, event: Event, now: float, rules: Rules, callid: str = ""
) -> Alarm:
    new = step(alarm, event, now, rules, callid)
    rows.save(unit.connection, new)
    told = (alarm.id, alarm.number, alarm.state, event, new.state, new.ring)
    unit.after_commit(lambda: log.info("wake-up call %d of %s: %s -> %s -> %s, ring %d", *told))
    return new
