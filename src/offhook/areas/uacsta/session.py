"""The session with one phone as an explicit state machine, and when to try again. Pure but for the log.

down ─open► opening ─accepted► monitoring ─monitored► up
  ▲────────────┴── refused, rang, lost ──┴────────────┘        close: closed, for good
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
"""How often a session is checked: a phone that has started anew does not know it any more."""

_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 600.0
_NEVER = 86400.0


class State(StrEnum):
    """States of a session."""

    DOWN = "down"
    OPENING = "opening"
    MONITORING = "monitoring"
    UP = "up"
    CLOSED = "closed"


class Happening(StrEnum):
    """What happens to a session. RANG: the phone took our INVITE for a call, so it knows no uaCSTA."""

    OPEN = "open"
    ACCEPTED = "accepted"
    MONITORED = "monitored"
    REFUSED = "refused"
    RANG = "rang"
    LOST = "lost"
    CLOSE = "close"


_NEXT: Mapping[tuple[State, Happening], State] = {
    (State.DOWN, Happening.OPEN): State.OPENING,
    (State.OPENING, Happening.ACCEPTED): State.MONITORING,
    (State.OPENING, Happening.REFUSED): State.DOWN,
    (State.OPENING, Happening.RANG): State.DOWN,
    (State.OPENING, Happening.LOST): State.DOWN,
    (State.MONITORING, Happening.MONITORED): State.UP,
    (State.MONITORING, Happening.REFUSED): State.DOWN,
    (State.MONITORING, Happening.LOST): State.DOWN,
    (State.UP, Happening.LOST): State.DOWN,
    **{(state, Happening.CLOSE): State.CLOSED for state in State},
}


class Session:
    """The state of one session; `name` says in the log whose it is. Only `on` changes the state."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._state = State.DOWN
        self._failures = 0
        self._why = Happening.LOST

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    def on(self, happening: Happening) -> State:
        """Take in what happened and return the state after it; what has no meaning now changes nothing."""
        old = self._state
        new = _NEXT.get((old, happening), old)
        level = logging.INFO if State.UP in {old, new} and old is not new else logging.DEBUG
        log.log(level, "uacsta: %s: %s -> %s -> %s", self._name, old, happening, new)
        self._state = new
        if new is State.UP:
            self._failures = 0
        elif new is State.DOWN and old is not new:
            self._why = happening
            self._failures += 1
        return new

    @property
    def pause(self) -> float:
        """Seconds until the next try: growing, long for a phone that refuses, never for one that rang."""
        if self._why is Happening.RANG:
            return _NEVER
        if self._why is Happening.REFUSED:
            return _LONGEST_PAUSE
        return min(_FIRST_PAUSE * 2.0 ** max(0, min(self._failures, 16) - 1), _LONGEST_PAUSE)
