"""Tells when the clock was set forward, and keeps for the next start what it was believed to be."""

from __future__ import annotations

import asyncio
import logging

import sqlalchemy as sa

from offhook.areas.alarms.raiser import Raiser
from offhook.clock import SETTLE_SECONDS, STEP_SECONDS, Clock
from offhook.store.tables import store_state
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop

log = logging.getLogger(__name__)

KEY = "clock"
_NAME = "settled"
_STATE = store_state.c
_LOOK_SECONDS = 10.0
_NOTE_SECONDS = 3600.0  # less than AWAY_SECONDS of offhook.clock, or a start after a crash would be doubted
_HOUR = 3600.0


def settled_last(connection: sa.Connection) -> float | None:
    """The settled time (offhook.clock) that an earlier process noted last; None when none has."""
    found = connection.execute(sa.select(_STATE.value).where(_STATE.name == _NAME)).scalar()
    return None if found is None else float(found)


class ClockWatch:
    """Raises the alarm when the clock was set forward, until it is put right or believed."""

    def __init__(self, store: Store, clock: Clock, alarms: Raiser) -> None:
        self._store = store
        self._clock = clock
        self._alarms = alarms
        self._told = 0.0
        self._note_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look. A clock that is ahead already is no news: the PBX may have been off for long."""
        self._told = self._clock.ahead()
        if self._told:
            log.info("the clock is %.0f h ahead of when we ran last; %s", self._told / _HOUR, _waits())
        await self._note()
        self._task = asyncio.create_task(self._run(), name="clock alarm")

    async def close(self) -> None:
        """End."""
        await stop(self._task)
        await self._note()

    async def _run(self) -> None:
        while True:
            self.look()
            if self._clock.monotonic() >= self._note_at:
                await self._note()
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """Raise the alarm, or clear it."""
        ahead = self._clock.ahead()
        if ahead > self._told + STEP_SECONDS:
            self._alarms.raise_(KEY, f"the clock was set forward by {_said(ahead)}: {_waits()}")
        elif not ahead:
            self._alarms.clear(KEY, "the clock is as it was, or believed by now")
        self._told = ahead

    async def _note(self) -> None:
        self._note_at = self._clock.monotonic() + _NOTE_SECONDS
        settled = self._clock.settled()

        def work(unit: UnitOfWork) -> None:
            unit.connection.execute(sa.delete(store_state).where(_STATE.name == _NAME))
            unit.connection.execute(sa.insert(store_state).values(name=_NAME, value=repr(settled)))

        try:
            await self._store.write("clock", work)
        except Exception as failure:
            log.warning("the time could not be noted: %s", failure)


def _waits() -> str:
    hours = SETTLE_SECONDS / _HOUR
    return f"nothing is deleted for its age for {hours:.0f} hours; if it is wrong, set it back"


def _said(seconds: float) -> str:
    return f"{seconds / _HOUR:.1f} hours" if seconds < 48 * _HOUR else f"{seconds / 24 / _HOUR:.0f} days"
