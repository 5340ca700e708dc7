"""Every event, numbered and stored in the order in which it is committed.

    append(unit, item) ── in the transaction of the fact, behind what is pending ─┐
    add(item) ─► pending ── gathered for some ms, one transaction ────────────────┴► event_journal ─► seen,
                                                                          in the order of the numbers

So the order of the numbers is that in which events were told, also within a call whose record comes a moment
after its last state. They are given in the store's one writer, so whoever has seen a number never misses
anything below it. All that is here is committed; the newest entries are kept in memory, so that feeds that
keep up read no store.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from offhook.events.api import Event
from offhook.events.item import Item
from offhook.events.stored import from_json, storable, to_json
from offhook.events.tables import deliveries, event_journal, receivers
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.015
"""How long a live event waits for others to share its commit."""

UNWRITTEN_MAX = 20_000
"""Live events that wait for a store that cannot be written; the oldest go first."""

_IN_MEMORY = 2000
ROW_BYTES = 80
"""What a row takes beside its body, about."""
_RETRY_SECONDS = 1.0


_INSERT = sa.insert(event_journal)  # made once, as it runs for each event


@dataclass(frozen=True, slots=True)
class Entry:
    """A committed event: its number, the time when it was told (seconds since the epoch), kind and call."""

    seq: int
    created: float
    kind: str
    callid: str
    event: Event


class Journal:
    """The journal. `seen` is called with the items of each commit, in the order of their numbers."""

    def __init__(self, store: Store, seen: Callable[[Sequence[Item]], None]) -> None:
        self._store = store
        self._on_seen = seen
        self._pending: list[Item] = []
        self._writing: list[Item] = []
        self._more = asyncio.Event()
        self._recent: deque[Entry] = deque()
        self._recent_after = 0
        self._first = 1
        self._last = 0
        self._next = 0  # of the store's writer; 0: it has to look
        self._growth: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.bytes = 0
        """About what the stored events take."""
        self.lost = 0
        """Live events that the store never took."""
        self.told: Counter[str] = Counter()
        """Committed since the start, by kind."""

    async def start(self) -> None:
        """Find where the journal stands, and begin to write."""

        def work(connection: sa.Connection) -> tuple[int | None, int]:
            seq = event_journal.c.seq
            return (
                connection.execute(sa.select(sa.func.min(seq))).scalar(),
                _newest(connection),
            )

        first, last = await self._store.read(work)
        self._last = last
        self._first = first or self._last + 1
        self._recent_after = self._last
        self._task = asyncio.create_task(self._write_forever(), name="events-journal")

    async def close(self) -> None:
        """Write what waits, if the store takes it, and end."""
        self._closing = True
        self._more.set()
        if self._task is not None:
            await self._task

    # -- reading ------------------------------------------------------------------------------------------

    def first(self) -> int:
        """The number of the oldest entry that is kept; one above `last` when there is none."""
        return self._first

    def last(self) -> int:
        """The number of the newest entry, 0 before the first one."""
        return self._last

    async def after(self, seq: int, limit: int, kinds: Collection[str] = ()) -> Sequence[Entry]:
        """The next entries above `seq` in order, at most `limit`; only those of `kinds` if some are named.

        Fewer than `limit` mean that there are no more up to `last` as it was at the call.
        """
        if seq >= self._recent_after:
            newer = list(itertools.takewhile(lambda entry: entry.seq > seq, reversed(self._recent)))
            fit = (entry for entry in reversed(newer) if not kinds or entry.kind in kinds)
            return list(itertools.islice(fit, limit))
        found: list[Entry] = []
        upto = self._last
        while len(found) < limit:
            rows = await self._store.read(lambda c, seq=seq: _rows(c, seq, upto, limit, kinds))  # type: ignore[misc]
            found += [entry for row in rows if (entry := _entry(*row)) is not None]
            if len(rows) < limit:
                break
            seq = rows[-1][0]
        return found[:limit]

    async def grown(self, after: int) -> None:
        """Wait until something newer than `after` is committed."""
        while self._last <= after:
            if self._growth is None:
                self._growth = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._growth)

    @property
    def unseen(self) -> Sequence[Item]:
        """Live events that were told and are not seen as committed yet, in their order."""
        return self._unwritten

    # -- writing ------------------------------------------------------------------------------------------

    def add(self, item: Item) -> None:
        """Have a live event stored with the next commit."""
        try:
            item.body = to_json(item.event)
        except Exception:
            # in a transaction it would take with it all others, records among them
            log.exception("events: a %s cannot be stored", item.kind)
            self.lost += 1
            return
        if len(self._pending) >= UNWRITTEN_MAX:
            del self._pending[0]
            self.lost += 1
        self._pending.append(item)
        self._more.set()

    def append(self, unit: UnitOfWork, *items: Item) -> None:
        """Store events in the transaction of their fact; they are seen after the commit."""
        self._store_all(unit, [*self._unwritten, *items])

    def _store_all(self, unit: UnitOfWork, items: Sequence[Item]) -> None:
        new = [item for item in items if not item.stored]
        if not new:
            return
        first = self._next or _newest(unit.connection) + 1
        if self._task is not None:
            self._next = first + len(new)
        unit.after_rollback(lambda: self._undone(new))
        _insert(unit, new, first)
        for item in new:
            item.stored = True
        unit.after_commit(lambda: self._seen(new, first))

    async def flushed(self) -> None:
        """Wait until what has been told so far is committed, or could not be."""
        waiting = self._unwritten
        while waiting and waiting[-1] in self._unwritten:
            await self.grown(self._last)

    def _undone(self, items: Sequence[Item]) -> None:
        self._next = 0
        for item in items:
            item.stored = False

    @property
    def _unwritten(self) -> list[Item]:
        return [*self._writing, *self._pending]

    async def _write_forever(self) -> None:
        while True:
            await self._more.wait()
            last = self._closing
            if not last:
                await asyncio.sleep(GATHER_SECONDS)
            self._more.clear()
            written = not self._unwritten or await self._write()
            if last:
                return
            if self._closing or not written:
                self._more.set()
            if not written:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _write(self) -> bool:
        self._writing, self._pending = self._unwritten, []
        batch = self._writing
        try:
            await self._store.write("live events", lambda unit: self._store_all(unit, batch))
        except Exception as failure:
            log.error("events: %d live events wait for the store: %s", len(batch), failure)
            if (over := len(self._writing) - UNWRITTEN_MAX) > 0:
                del self._writing[:over]
                self.lost += over
            return False
        return True

    def _seen(self, items: Sequence[Item], first: int) -> None:
        for seq, item in enumerate(items, first):
            item.seq = seq
            self._recent.append(Entry(seq, item.created, item.kind, item.callid, item.event))
            self.told[item.kind] += 1
            self.bytes += ROW_BYTES + len(item.body or to_json(item.event))
            item.body = ""
        self._writing = [item for item in self._writing if not item.seq]
        self._pending = [item for item in self._pending if not item.seq]
        while len(self._recent) > _IN_MEMORY:
            self._recent_after = self._recent.popleft().seq
        self._last = max(self._last, items[-1].seq)
        growth, self._growth = self._growth, None
        if growth is not None and not growth.done():
            growth.set_result(None)
        self._on_seen(items)

    def forgotten(self, upto: int, size: int) -> None:
        """Entries up to this number are gone from the store; they took so many bytes."""
        self._first = max(self._first, upto + 1)
        self.bytes = max(0, self.bytes - size)
        while self._recent and self._recent[0].seq <= upto:
            self._recent.popleft()


_Row: TypeAlias = tuple[int, float, str, str, str]


def _rows(
    connection: sa.Connection, seq: int, upto: int, limit: int, kinds: Collection[str]
) -> Sequence[_Row]:
    columns = event_journal.c
    query = sa.select(columns.seq, columns.created, columns.kind, columns.callid, columns.body)
    query = query.where(columns.seq > seq, columns.seq <= upto)
    if kinds:
        query = query.where(columns.kind.in_(tuple(kinds)))
    return [tuple(row) for row in connection.execute(query.order_by(columns.seq).limit(limit))]


def _entry(seq: int, created: float, kind: str, callid: str, body: str) -> Entry | None:
    try:
        return Entry(seq, created, kind, callid, from_json(kind, body))
    except ValueError as broken:  # written by another version
        log.error("events: entry %d of the journal cannot be read: %s", seq, broken)
        return None


def _newest(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(event_journal.c.seq))).scalar() or 0)


def _insert(unit: UnitOfWork, items: Sequence[Item], first: int) -> None:
    """Store events with what is owed of them, under numbers from the first on."""
    rows = [{"seq": seq, **_row(item)} for seq, item in enumerate(items, first)]
    unit.connection.execute(_INSERT, rows)
    for seq, item in enumerate(items, first):
        if item.owed:
            known = sa.select(sa.literal(seq), receivers.c.id).where(receivers.c.id.in_(item.owed))
            unit.connection.execute(sa.insert(deliveries).from_select(["seq", "receiver_id"], known))


def _row(item: Item) -> dict[str, Any]:
    return {
        "created": item.created,
        "kind": item.kind,
        "callid": storable(item.callid),
        "body": item.body or to_json(item.event),
        "lane": storable(item.lane),
    }
