"""What receivers are owed: read in order, and settled in the store once it was delivered or given up."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.clock import Clock
from offhook.events.api import FEED_ONLY, BootUp
from offhook.events.dead_letters import Letter, bury, delivered_again, given_up_again
from offhook.events.item import DURABLE, Item, item_of
from offhook.events.stored import from_json
from offhook.events.tables import deliveries, event_journal
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
_RETRY_SECONDS = 1.0
_LIVE_LETTERS = 20
"""Of live events that a receiver did not get, so many become dead letters each time these are written."""

_ROW = sa.and_(
    deliveries.c.seq == sa.bindparam("b_seq"), deliveries.c.receiver_id == sa.bindparam("b_receiver")
)
_NOT_LIVE = tuple(kind.__name__ for kind in (*DURABLE, *FEED_ONLY, BootUp))


@dataclass(frozen=True, slots=True)
class _Settled:
    receiver_id: int
    item: Item
    reason: str
    when: float


class Deliveries:
    """Reads and settles. `noted` is called for each durable item once the store knows that it is settled."""

    def __init__(self, store: Store, clock: Clock, noted: Callable[[int, Item], None]) -> None:
        self._store = store
        self._clock = clock
        self._noted = noted
        self._settled: list[_Settled] = []
        self._live: dict[int, deque[_Settled]] = {}
        self._more = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="events-settled")

    async def close(self) -> None:
        """Write what is known, and end."""
        await stop(self._task)
        self.live_letters()
        await self.flush()

    async def backlog(
        self, receiver_id: int, after: int, live_after: int | None, upto: int, limit: int
    ) -> Sequence[Item]:
        """What a receiver has not got above `after`, up to `upto`, in order, at most `limit`: what it is
        owed, and all live events above `live_after` unless that is None."""

        def work(connection: sa.Connection) -> list[Any]:
            columns = event_journal.c
            base = sa.select(columns.seq, columns.created, columns.kind, columns.body, columns.lane)
            owed = base.join(deliveries, deliveries.c.seq == columns.seq).where(
                deliveries.c.receiver_id == receiver_id, deliveries.c.seq > after, deliveries.c.seq <= upto
            )
            rows = list(connection.execute(owed.order_by(deliveries.c.seq).limit(limit)))
            if live_after is not None:
                live = base.where(columns.seq > max(after, live_after), columns.seq <= upto)
                live = live.where(columns.kind.not_in(_NOT_LIVE)).order_by(columns.seq).limit(limit)
                rows = sorted([*rows, *connection.execute(live)], key=lambda row: row.seq)[:limit]
            return rows

        rows = await self._store.read(work)
        return [
            item_of(from_json(row.kind, row.body), row.created, seq=row.seq, lane=row.lane) for row in rows
        ]

    def settle(self, receiver_id: int, item: Item, reason: str) -> None:
        """A receiver needs no further try of an item: it got it, or it was given up for a reason."""
        if item.durable and not item.seq and not item.letter:
            item.early.append((receiver_id, reason))
            return
        settled = _Settled(receiver_id, item, reason, self._clock.now())
        if item.durable or item.letter:
            self._settled.append(settled)
            self._more.set()
        elif reason:
            self._live.setdefault(receiver_id, deque(maxlen=_LIVE_LETTERS)).append(settled)

    def live_letters(self) -> None:
        """Have dead letters written of live events; call it now and then, as there may be many."""
        for settled in self._live.values():
            self._settled += settled
        self._live.clear()
        if self._settled:
            self._more.set()

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._more.clear()
            if not await self.flush():
                self._more.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def flush(self) -> bool:
        """Write what is known; tells whether the store took it."""
        async with self._writing:
            return await self._write()

    async def _write(self) -> bool:
        if not self._settled:
            return True
        settled = list(self._settled)
        try:
            await self._store.write("events settled", lambda unit: _settle(unit, settled))
        except Exception as failure:
            # They stay owed, and after a restart are sent again: twice is better than never.
            log.error("events: %d deliveries could not be noted: %s", len(settled), failure)
            return False
        del self._settled[: len(settled)]
        for one in settled:
            self._noted(one.receiver_id, one.item)
        return True


def _settle(unit: UnitOfWork, settled: Sequence[_Settled]) -> None:
    got = [
        {"b_seq": one.item.seq, "b_receiver": one.receiver_id}
        for one in settled
        if one.item.durable and not one.item.letter and not one.reason
    ]
    if got:
        unit.connection.execute(sa.delete(deliveries).where(_ROW), got)
    lost: list[Letter] = []
    for one in settled:
        if one.item.letter:
            if one.reason:
                given_up_again(unit, one.item.letter, one.reason, one.when)
            else:
                delivered_again(unit, one.item.letter)
        elif one.reason:
            row = {"b_seq": one.item.seq, "b_receiver": one.receiver_id}
            # a durable one that is not owed any more was given up by somebody else, the journal's end
            if (
                not one.item.durable
                or unit.connection.execute(sa.delete(deliveries).where(_ROW), row).rowcount
            ):
                lost.append(Letter(one.receiver_id, one.item, one.reason, one.when))
    bury(unit, lost)
