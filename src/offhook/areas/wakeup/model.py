"""A wake-up call and what becomes of it: states, events, and the one function that leads on. Pure.

             due                      answered, unanswered, late (rings left)
    waiting ────► ringing ─────────────────────────► paused ──due──► ringing …
       ▲             │ broken: back to where it was
       └─────────────┴── answered, unanswered, late (no ring left): the next day, or done

A day's first ring is number 1; `repeats` is how often it rings again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from offhook.areas.wakeup.times import EVERY_DAY, clock_time, next_due

DEFAULT_PROMPT = "macroform-cold_day"
"""What is played when no prompt was chosen: a piece of music that comes with the engine."""

_OTHER_DAY_SECONDS = 12 * 3600.0

ONETIME, EVERYDAY, CUSTOM = "onetime", "everyday", "custom"


class State(StrEnum):
    """Where a wake-up call is."""

    WAITING = "waiting"
    """For the first ring of a day."""
    RINGING = "ringing"
    """A call is under way, or was when we were last there."""
    PAUSED = "paused"
    """For the next ring of the same day."""
    DONE = "done"
    """It rings no more, and is deleted."""


class Event(StrEnum):
    """What happens to a wake-up call."""

    DUE = "due"
    LATE = "late"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    BROKEN = "broken"
    """The call could not be made, or ended with the engine: who knows whether the phone rang long enough."""


class WrongEvent(Exception):
    """An event that a wake-up call in this state cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants: `time` as hh:mm; `weekdays` (0 is Sunday) of the type custom, else empty.

    `repeats` is how often it rings again, `repeatinterval` after how many minutes; both 0: it rings once.
    """

    time: str
    type: str
    weekdays: tuple[int, ...] = ()
    repeats: int = 0
    repeatinterval: int = 0
    prompt: str = DEFAULT_PROMPT

    @property
    def days(self) -> frozenset[int]:
        """The weekdays on which it may ring."""
        return frozenset(self.weekdays) if self.type == CUSTOM else EVERY_DAY


def vars_of(wish: Wish) -> dict[str, Any]:
    """What is wanted, by the names of its fields; of an `Alarm` nothing else."""
    return {field.name: getattr(wish, field.name) for field in fields(Wish)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm(Wish):
    """A wake-up call as it is kept. Moments are seconds since the epoch.

    `due` is the first ring of local day `day`, in `zone`; `ring` the number of the next ring, or of that
    under way; `at` when it is planned. `begun` is when the one under way began, and `callid` its call, else 0
    and empty. `last_day` is the latest local day that is over.
    """

    id: int
    number: str
    state: State
    zone: str
    due: float
    day: str
    last_day: str = ""
    ring: int = 1
    at: float
    begun: float = 0.0
    callid: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's rules: with `every_ring` an answered ring does not end the repetition of its day."""

    zone: ZoneInfo
    every_ring: bool = False


def schedule(wish: Wish, zone: ZoneInfo, now: float, last_day: str = "") -> tuple[float, str]:
    """When `wish` is to ring first after `now`, and the local day of that moment (ISO)."""
    last = date.fromisoformat(last_day) if last_day else None
    found = next_due(clock_time(wish.time), wish.days, zone, now, last)
    return found.at, found.day.isoformat()


def step(alarm: Alarm, event: Event, now: float, rules: Rules, callid: str = "") -> Alarm:
    """The wake-up call after `event`; the only place where one changes its state.

    `callid` is that of the call that DUE begins. Raises WrongEvent.
    """
    match alarm.state, event:
        case ((State.WAITING | State.PAUSED), Event.DUE):
            return replace(alarm, state=State.RINGING, begun=now, callid=callid)
        case State.RINGING, Event.BROKEN:
            back = State.WAITING if alarm.ring == 1 else State.PAUSED
            return replace(alarm, state=back, begun=0.0, callid="")
        case State.RINGING, Event.ANSWERED if not rules.every_ring:
            return _over(alarm, now, rules)
        case State.RINGING, Event.UNANSWERED | Event.ANSWERED:
            return _again(alarm, min(alarm.begun, now), now, rules)
        case ((State.WAITING | State.PAUSED), Event.LATE):
            return _again(alarm, alarm.at, now, rules)
    raise WrongEvent(f"a wake-up call that is {alarm.state} cannot be {event}")


def _again(alarm: Alarm, rang: float, now: float, rules: Rules) -> Alarm:
    if alarm.ring > alarm.repeats:
        return _over(alarm, now, rules)
    at = rang + alarm.repeatinterval * 60
    return replace(alarm, state=State.PAUSED, ring=alarm.ring + 1, at=at, begun=0.0, callid="")


def _over(alarm: Alarm, now: float, rules: Rules) -> Alarm:
    over = replace(alarm, last_day=alarm.day, ring=1, begun=0.0, callid="")
    if alarm.type == ONETIME:
        return replace(over, state=State.DONE)
    return rescheduled(replace(over, state=State.WAITING), rules.zone, now)


def rescheduled(alarm: Alarm, zone: ZoneInfo, now: float) -> Alarm:
    """A wake-up call that waits for its next day after `now`, in `zone`."""
    due, day = schedule(alarm, zone, now, alarm.last_day)
    return replace(alarm, state=State.WAITING, zone=zone.key, due=due, day=day, at=due, ring=1)


def clock_set(alarm: Alarm, step: float, zone: ZoneInfo, now: float) -> Alarm:
    """The wake-up call after the clock was set by so many seconds, negative for back, to `now`.

    What waits for a time of day waits for it by the new clock; a pause lasts as long as it would have. A day
    that has had its call has no second one, unless that one rang long before by the clock as it is now.
    """
    other_day = step <= -_OTHER_DAY_SECONDS
    day = datetime.fromtimestamp(alarm.due + step, zone).date().isoformat() if other_day else alarm.day
    match alarm.state:
        case State.WAITING if alarm.at > now:
            return rescheduled(replace(alarm, last_day="" if other_day else alarm.last_day), zone, now)
        case State.PAUSED:
            return replace(alarm, at=max(alarm.at + step, now), day=day)
        case State.RINGING:
            return replace(alarm, begun=alarm.begun + step, day=day)
    return alarm


def resumed(alarm: Alarm, zone: ZoneInfo, now: float) -> Alarm:
    """The wake-up call after a restart: the zone, what is known of it, and the clock may be others.

    What is due by now stays due, and no pause is longer than it was to be.
    """
    match alarm.state:
        case State.WAITING if alarm.at > now:
            return rescheduled(alarm, zone, now)
        case State.PAUSED:
            return replace(alarm, at=min(alarm.at, now + alarm.repeatinterval * 60))
    return alarm


class Outcome(StrEnum):
    """What became of one try, as the journal has it."""

    RINGING = "ringing"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    BROKEN = "broken"
    MISSED = "missed"
