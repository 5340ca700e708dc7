"""Deletes call records that are too old or too many, a few at a time, so that no call waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.records.tables import cdr, cdr_parties
from offhook.clock import Clock
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

BATCH = 50  # some 5 ms of the one writer, for which calls wait too
_PAUSE_SECONDS = 0.05
_EVERY_SECONDS = 600.0
YOUNG_SECONDS = 3600.0
"""A record as young as this stays: after a crash its call may be read again, and must not be told twice."""

_C = cdr.c


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept: days, and how many records; 0: no limit."""

    days: int
    most: int


class Retention:
    """The task that deletes; `limits` are asked for at each turn."""

    def __init__(self, store: Store, clock: Clock, limits: Callable[[], Awaitable[Limits]]) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now, then every ten minutes, until `close`."""
        self._task = asyncio.create_task(self._run(), name="record retention")

    def wake(self) -> None:
        """Look at once: the limits have changed."""
        self._wake.set()

    async def close(self) -> None:
        """Stop; what is left to be deleted is deleted after the next start."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.sweep()
            except Exception:
                log.exception("records: old ones could not be deleted")
            await woken(self._wake, _EVERY_SECONDS)

    async def sweep(self) -> int:
        """Delete what is over the limits now; returns how many records."""
        limits, now, deleted = await self._limits(), self._clock.settled(), 0
        young = now - YOUNG_SECONDS
        if limits.days:
            deleted += await self._delete(min(now - limits.days * 86400, young), None)
        if limits.most:
            count: int = await self._store.read(
                lambda c: c.execute(sa.select(sa.func.count()).select_from(cdr)).scalar_one()
            )
            deleted += await self._delete(young, max(0, count - limits.most))
        if deleted:
            log.info("records: %d old ones deleted", deleted)
        return deleted

    async def _delete(self, before: float, at_most: int | None) -> int:
        """Delete the oldest records that began before a moment."""
        deleted = 0
        while at_most is None or deleted < at_most:
            size = BATCH if at_most is None else min(BATCH, at_most - deleted)
            done = await self._store.write("old records", lambda unit, n=size: _delete(unit, before, n))  # type: ignore[misc]
            deleted += done
            if done < size:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return deleted


def _delete(unit: UnitOfWork, before: float, size: int) -> int:
    oldest = sa.select(_C.callid).where(_C.started < before).order_by(_C.started, _C.callid).limit(size)
    callids = unit.connection.execute(oldest).scalars().all()
    unit.connection.execute(sa.delete(cdr_parties).where(cdr_parties.c.callid.in_(callids)))
    unit.connection.execute(sa.delete(cdr).where(_C.callid.in_(callids)))
    return len(callids)
