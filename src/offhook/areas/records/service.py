"""One record for every call: read from CEL, released when the picture has ended it, stored with its event.

    CEL file ─► tail ─► assembler ─ complete ─┐
    callstate ── call_ended(callid) ──────────┴► both: fold ─► cdr + NewCdr + position, one transaction

A record waits for `callstate`, so that NewCdr never overtakes the last BYE; RELEASE_SECONDS after the picture
is as far as CEL it goes without (a violation, counted). While there is no link to the engine the picture is
not; after LINK_SECONDS it is told the end. A promised call without any row gets its record from the intent.
The position never passes the first row of an open call, so after a crash everything is read again, and what
already has its record is left alone. Nor does it pass what is on disk: no power cut takes away rows before.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook import logs
from offhook.areas.records.localtime import LocalTime
from offhook.areas.records.rows import insert_record
from offhook.areas.records.tables import call_intents, cdr, cel_position
from offhook.areas.records.tail import CelTail, Position
from offhook.clock import Clock
from offhook.events.api import Event, NewCdr
from offhook.ledger import Assembler, CallRecord, Direction, Intent, OpenCall, fold, unconnected
from offhook.ledger.rows import CelRow
from offhook.store.errors import StoreError
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

RELEASE_SECONDS = 2.0
LINK_SECONDS = 60.0
NO_ROWS_SECONDS = 0.5
LOST_END_SECONDS = 10.0
LIVE_EVENTS_SECONDS = 1.0
_QUICK_SECONDS = 0.01
_REST_SECONDS = 0.25
_PAUSE_MAX = 2.0  # between tries while nothing can be written
_SYNC_SECONDS = 0.5


def _is_outage(failure: Exception) -> bool:
    return isinstance(failure, (StoreError, OSError))


Publish = Callable[[UnitOfWork, Event], None]
OnRecord = Callable[[UnitOfWork, CallRecord, Sequence[CelRow]], None]
"""Does what belongs to a record in its transaction; gets the rows that it was made of, none if there were."""


@dataclasses.dataclass(slots=True)
class _Complete:
    """A call that CEL has ended, waiting for the picture; `since` on the monotonic clock."""

    call: OpenCall
    since: float


class RecordKeeper:
    """Makes the records. Everything but the reading of the file runs in the event loop."""

    def __init__(self, store: Store, cel_file: Path, clock: Clock, zone: ZoneInfo, publish: Publish) -> None:
        self._store = store
        self._cel_file = cel_file
        self._clock = clock
        self._local = LocalTime(zone)
        self._publish = publish
        self._assembler = Assembler()
        self._tail = CelTail(cel_file, Position(0, 0))
        self._stored = Position(0, 0)  # as the store has it
        self._owed: set[str] = set()  # of the calls before `_owed_until` those without a record
        self._owed_until = Position(0, 0)
        self._intents: dict[str, Intent] = {}
        self._complete: dict[str, _Complete] = {}
        self._ended: dict[str, float] = {}  # callid -> when callstate ended it, monotonic
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._on_fax: Callable[[], Awaitable[None]] | None = None
        self._live_events_stored: Callable[[], Awaitable[None]] | None = None
        self._with_record: list[OnRecord] = []
        self._behind: Callable[[], float] = lambda: 0.0
        self._end_unseen: Callable[[str], None] = lambda _callid: None
        self.violations = 0

    # -- what others tell ---------------------------------------------------------------------------------

    def add_intent(
        self, unit: UnitOfWork, callid: str, caller: str, callee: str, direction: Direction = "Internal"
    ) -> None:
        """Note a call before the engine hears of it: from the commit on it gets its record, come what may."""
        now = self._clock.now()
        intent = Intent(callid=callid, caller=caller, callee=callee, created=now, type=direction)
        unit.connection.execute(sa.insert(call_intents).values(**dataclasses.asdict(intent)))
        unit.after_commit(lambda: self._intents.__setitem__(callid, intent))

    def on_fax(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Have `hook` awaited after the record of a fax was stored."""
        self._on_fax = hook

    def after_live_events(self, stored: Callable[[], Awaitable[None]]) -> None:
        """Have `stored` awaited before records are: the journal has NewCdr behind the call's other events."""
        self._live_events_stored = stored

    def follow_picture(self, behind: Callable[[], float], end_unseen: Callable[[str], None]) -> None:
        """`behind` tells how many seconds the picture may be behind the engine; `end_unseen` has it end a
        call of which it cannot hear."""
        self._behind, self._end_unseen = behind, end_unseen

    def with_record(self, hook: OnRecord) -> None:
        """Have `hook` called in the transaction of each new record; a call without a record has none."""
        self._with_record.append(hook)

    async def withdraw_intent(self, callid: str) -> None:
        """Forget an intent whose callid was never told to anybody."""
        self._intents.pop(callid, None)
        self._ended.pop(callid, None)
        await self._store.write(
            "call intent withdrawn",
            lambda unit: (
                unit.connection.execute(
                    sa.delete(call_intents).where(call_intents.c.callid == callid)
                ).rowcount
            ),
        )

    def call_ended(self, callid: str) -> None:
        """The picture has ended a call: its last CallStatus has been told."""
        self._ended[callid] = self._clock.monotonic()
        self._wake.set()

    # -- life ---------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read the position and the intents, then all rows since."""

        def work(connection: sa.Connection) -> tuple[Position, list[Intent]]:
            row = connection.execute(sa.select(cel_position)).first()
            position = Position(int(row.file), row.offset) if row is not None else Position(0, 0)
            found = [Intent(**one._mapping) for one in connection.execute(sa.select(call_intents))]
            return position, found

        position, found = await self._store.read(work)
        self._intents = {intent.callid: intent for intent in found}
        self._rewind(position)
        await asyncio.to_thread(self._tail.mend)
        await asyncio.to_thread(self._tail.reserve)
        await self.read()

    def open_calls(self) -> Collection[str]:
        """Calls that have begun and have no record yet."""
        return {*self._assembler.open_calls(), *self._complete, *self._intents}

    def recorded_calls(self) -> dict[str, str]:
        """Calls without a record yet in which a recording has begun, and its name."""
        notes = (
            (callid, row.note.partition("|")[0])
            for callid, call in self._assembler.open_calls().items()
            for row in call.rows
            if row.type == "OFFHOOK_RECORDING"
        )
        return dict(notes)

    async def close_dead(self, candidates: Collection[str], living: Collection[str]) -> None:
        """Close what the engine does not know any more, from what there is of it.

        `candidates` are `open_calls()` of a moment before the engine was asked for the `living` ones: a
        call that began meanwhile is in neither and must be left alone.
        """
        await self.read()
        now = self._clock.monotonic()
        for callid in set(candidates) - set(living):
            if callid in self._complete:
                self._ended.setdefault(callid, now)
            elif (call := self._assembler.drop(callid)) is not None:
                self._complete[callid] = _Complete(call, now)
                self._ended.setdefault(callid, now)
            elif callid in self._intents:
                self._ended.setdefault(callid, now - NO_ROWS_SECONDS)
        await self._release()

    def start(self) -> None:
        """Follow the file until `close`."""
        self._task = asyncio.create_task(self._run(), name="records")

    async def close(self) -> None:
        """Read and release what is there, then end."""
        await stop(self._task)
        await self.read()
        await self._release()
        await asyncio.to_thread(self._tail.sync)

    async def _run(self) -> None:
        synced, pause = self._clock.monotonic(), 0.0
        while True:
            waiting = bool(self._ended or self._complete)
            await woken(self._wake, _QUICK_SECONDS if waiting else _REST_SECONDS)
            self._wake.clear()
            try:
                await self.read()
                await self._release()
                if self._clock.monotonic() - synced > _SYNC_SECONDS:
                    synced = self._clock.monotonic()
                    async with self._reading:
                        await asyncio.to_thread(self._housekeeping)
                pause = 0.0
            except Exception as failure:
                # The rows stay in the file; the next turn reads and stores them.
                if not pause:
                    log.error("records: cannot be written: %s", failure, exc_info=not _is_outage(failure))
                pause = min(pause + _REST_SECONDS, _PAUSE_MAX)
                await asyncio.sleep(pause)

    def _housekeeping(self) -> None:
        self._tail.sync()
        self._tail.rotate()
        self._tail.reserve()
        self._tail.forget(self._low())

    # -- reading and releasing ----------------------------------------------------------------------------

    async def read(self) -> None:
        """Take in what the engine has written since."""
        async with self._reading:
            rows = await asyncio.to_thread(lambda: list(self._tail.read()))
            now = self._clock.monotonic()
            for row, position in rows:
                call = self._assembler.feed(row, (position.file, position.offset))
                if call is not None:
                    self._complete[call.callid] = _Complete(call, now)
                    if position < self._owed_until and call.callid not in self._owed:
                        self._ended.setdefault(call.callid, now)

    def _low(self) -> Position:
        lows = [complete.call.position for complete in self._complete.values()]
        if (low := self._assembler.low()) is not None:
            lows.append(low)
        return min(Position(*min(lows)) if lows else self._tail.position, self._tail.durable)

    async def _release(self) -> None:
        async with self._reading:
            ready = self._ready()
            if not ready:
                return
            if self._live_events_stored is not None:
                with contextlib.suppress(TimeoutError):  # records do not wait for events for ever
                    async with asyncio.timeout(LIVE_EVENTS_SECONDS):
                        await self._live_events_stored()
            records = [record for callid in ready if (record := self._fold(callid)) is not None]
            known = {callid: one.call.rows for callid in ready if (one := self._complete.get(callid))}
            owed = {*self._assembler.open_calls(), *self._complete}
            for callid in ready:
                self._complete.pop(callid, None)
            low = self._low()
            try:
                await self._store.write(
                    "call records", lambda unit: self._store_all(unit, ready, records, known, low)
                )
            except Exception:
                # Nothing was stored: read again what was, and may have its record, and what was not.
                self._owed, self._owed_until = owed, self._tail.position
                self._rewind(self._stored)
                raise
            self._stored = low
            for callid in ready:
                self._ended.pop(callid, None)
                self._intents.pop(callid, None)
        if self._on_fax is not None and any(record.fax for record in records):
            await self._on_fax()

    def _rewind(self, position: Position) -> None:
        self._stored = position
        self._assembler, self._complete = Assembler(), {}
        self._tail = CelTail(self._cel_file, position)

    def _ready(self) -> list[str]:
        now = self._clock.monotonic()
        seen = now - self._behind()
        ready: list[str] = []
        for callid, complete in self._complete.items():
            if callid not in self._ended and now - complete.since > LINK_SECONDS:
                self._end_unseen(callid)
            if callid in self._ended:
                ready.append(callid)
            elif seen - complete.since > RELEASE_SECONDS or now - complete.since > LINK_SECONDS:
                if any(row.is_party for row in complete.call.rows):
                    self._violated(callid, "ended in CEL and not in the picture")
                ready.append(callid)
        known = self._assembler.open_calls()
        for callid, when in list(self._ended.items()):
            if callid in self._complete or now - when < NO_ROWS_SECONDS:
                continue
            if callid in known:
                # Its end was never written, or cannot be read: the picture knows that it is over.
                if now - when > LOST_END_SECONDS and (call := self._assembler.drop(callid)) is not None:
                    self._violated(callid, "ended in the picture and not in CEL")
                    self._complete[callid] = _Complete(call, now)
                    ready.append(callid)
            elif callid in self._intents:
                ready.append(callid)
            elif now - when > RELEASE_SECONDS:
                del self._ended[callid]
        return ready

    def _violated(self, callid: str, how: str) -> None:
        self.violations += 1
        with logs.of_call(callid):
            log.error("records: %s %s", callid, how)

    def _fold(self, callid: str) -> CallRecord | None:
        intent, complete = self._intents.get(callid), self._complete.get(callid)
        if complete is not None:
            return fold(callid, complete.call.rows, intent)
        return unconnected(intent, self._clock.now()) if intent is not None else None

    def _store_all(
        self,
        unit: UnitOfWork,
        callids: Sequence[str],
        records: Sequence[CallRecord],
        rows: Mapping[str, Sequence[CelRow]],
        low: Position,
    ) -> None:
        for record in records:
            with logs.of_call(record.callid):
                self._store_one(unit, record, rows.get(record.callid, ()))
        for callid in callids:
            unit.connection.execute(sa.delete(call_intents).where(call_intents.c.callid == callid))
        unit.connection.execute(sa.delete(cel_position))
        unit.connection.execute(sa.insert(cel_position).values(id=1, file=str(low.file), offset=low.offset))

    def _store_one(self, unit: UnitOfWork, record: CallRecord, rows: Sequence[CelRow]) -> None:
        known = unit.connection.execute(sa.select(cdr.c.callid).where(cdr.c.callid == record.callid)).first()
        if known is None:
            insert_record(unit.connection, record)
            self._publish(unit, self._event(record))
            for hook in self._with_record:
                hook(unit, record, rows)

    def _event(self, record: CallRecord) -> NewCdr:
        return NewCdr(
            callid=record.callid,
            timestart=self._local.text(record.started),
            callfrom=record.callfrom,
            callto=record.callto,
            call_seconds=record.call_seconds,
            talk_seconds=record.talk_seconds,
            source_trunk=record.source_trunk,
            destination_trunk=record.destination_trunk,
            pincode=record.pincode,
            status=record.status,
            type=record.type,
            recording=record.recording,
            didnumber=record.didnumber,
            agent_ring_seconds=record.agent_ring_seconds,
        )
