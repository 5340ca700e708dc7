"""How long the journal keeps what it has: by age and by size, the oldest go first, a few at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import sqlalchemy as sa

from offhook.clock import Clock
from offhook.events.dead_letters import ALL_KEPT, EXPIRED, KEEP_SECONDS, bury_owed
from offhook.events.journal import ROW_BYTES, Journal
from offhook.events.receivers import Receivers
from offhook.events.settings import EventSettings
from offhook.events.tables import dead_letters, event_journal
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
_TIDY_SECONDS = 3600.0
_AT_ONCE = 500
_REST_SECONDS = 0.05  # between two transactions, for other writers


class Retention:
    """Thins the journal in the background, and forgets receivers of long ago. `settings` has the bounds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        journal: Journal,
        receivers: Receivers,
        settings: Callable[[], EventSettings],
    ) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._receivers = receivers
        self._settings = settings
        self._tidy_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="events-thin")

    async def close(self) -> None:
        """End."""
        await stop(self._task)

    async def _run(self) -> None:
        try:
            stored = await self._store.read(_stored_bytes)
            self._journal.bytes += stored
        except Exception:
            log.exception("events: the size of the journal could not be read")
        while True:
            try:
                await self.thin()
                if self._clock.monotonic() >= self._tidy_at:
                    self._tidy_at = self._clock.monotonic() + _TIDY_SECONDS
                    await self._tidy()
            except Exception:
                log.exception("events: the journal could not be thinned")
            await asyncio.sleep(LOOK_SECONDS)

    async def thin(self) -> int:
        """Forget what is too old or too much; returns how many. What was still owed becomes a dead letter."""
        total = 0
        while gone := await self._thin_some():
            total += gone
            await asyncio.sleep(_REST_SECONDS)
        return total

    async def _tidy(self) -> None:
        await self._store.write("old dead letters", lambda unit: _forget_letters(unit, self._clock.settled()))
        await self._receivers.tidy()

    async def _thin_some(self) -> int:
        settings, now = self._settings(), self._clock.now()
        over = max(0, self._journal.bytes - settings.max_bytes)
        before, last = self._clock.settled() - settings.keep_seconds, self._journal.last()

        def work(unit: UnitOfWork) -> tuple[int, int, int]:
            columns = event_journal.c
            query = sa.select(columns.seq, columns.created, sa.func.length(columns.body)).where(
                columns.seq < last
            )
            size = count = upto = 0
            for seq, created, length in unit.connection.execute(query.order_by(columns.seq).limit(_AT_ONCE)):
                if created >= before and size >= over:
                    break
                upto, size, count = seq, size + length + ROW_BYTES, count + 1
            if count:
                bury_owed(unit, now, reason=EXPIRED, upto=upto)
                unit.connection.execute(sa.delete(event_journal).where(columns.seq <= upto))
            return upto, size, count

        # the newest row always stays: it is how the next life knows the numbers that are taken
        upto, size, count = await self._store.write("journal thinned", work)
        if count:
            self._journal.forgotten(upto, size)
        return count


def _forget_letters(unit: UnitOfWork, now: float) -> int:
    old = sa.delete(dead_letters).where(dead_letters.c.given_up < now - KEEP_SECONDS)
    gone = unit.connection.execute(old).rowcount
    letters = sa.select(dead_letters.c.id).order_by(dead_letters.c.id.desc()).limit(1).offset(ALL_KEPT)
    last = unit.connection.execute(letters).scalar()
    if last is not None:
        gone += unit.connection.execute(sa.delete(dead_letters).where(dead_letters.c.id <= last)).rowcount
    return gone


def _stored_bytes(connection: sa.Connection) -> int:
    columns = event_journal.c
    query = sa.select(sa.func.count(), sa.func.sum(sa.func.length(columns.body)))
    count, size = connection.execute(query).one()
    return int(count) * ROW_BYTES + int(size or 0)
