"""Recordings from their record on: begun with it in one transaction, closed in a second one, then kept.

    record ─ begin (state running) ─► the engine has closed the file ─► WAV file, fsync ─► state closed

When the engine has closed a file is seen at the process itself, so nothing that it tells can be missed, and a
dead engine has closed all. What is closed here stands in the store before what the engine wrote is removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from offhook import logs
from offhook.areas.objects.field import Row
from offhook.areas.recordings.files import RecordingFiles, read_name
from offhook.areas.recordings.tables import recordings
from offhook.clock import Clock
from offhook.ledger import CallRecord
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

BEGUN, RUNNING, CLOSED, MISSING = "begun", "running", "closed", "missing"
_BUSY_SECONDS = 0.1
_REST_SECONDS = 1.0
_CLOSING_TRIES = 20
_DISK_SECONDS = 0.1
_DISK_REST_SECONDS = 0.5  # less than the engine keeps before it first hands over
_DISK_SHARE = 4  # so many times as long as putting on disk took, nothing is
_TIDY_SECONDS = 60.0
_CHECK_SECONDS = 3600.0
_DAY_SECONDS = 86400.0
_DELETED_AT_ONCE = 200
_AFTER_DIGITS = ":"  # the sign that comes after 9
_COLUMNS = recordings.c


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A recording that is not as it should be."""

    name: str
    what: str


class Recordings:
    """All recordings of a PBX. `settings` gives those of the section `recording`."""

    def __init__(
        self,
        store: Store,
        data: Path,
        clock: Clock,
        *,
        settings: Callable[[], Awaitable[Row]],
        open_calls: Callable[[], Collection[str]],
        each_second: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._open_calls = open_calls
        self._each_second = each_second
        self.files = RecordingFiles(data)
        self._wake = asyncio.Event()
        self._closing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: frozenset[Finding] = frozenset()

    # -- with a call's record -----------------------------------------------------------------------------

    def begin(self, unit: UnitOfWork, record: CallRecord) -> None:
        """Note the recordings of a call, in the transaction of its record."""
        for recording in record.recordings:
            _insert(unit, recording.name, record.callid, recording.started, recording.side, RUNNING)
        if record.recordings:
            own = sa.and_(_COLUMNS.callid == record.callid, _COLUMNS.state == BEGUN)
            unit.connection.execute(sa.update(recordings).where(own).values(state=RUNNING))
            unit.after_commit(self._wake.set)

    async def begin_in_call(self, name: str, callid: str) -> None:
        """Note a recording that is about to begin in a call that has another one already."""
        now = self._clock.now()
        await self._store.write(
            "recording begun", lambda unit: _insert(unit, name, callid, now, "callee", BEGUN)
        )

    async def withdraw(self, name: str) -> None:
        """Forget a recording that could not begin."""
        await self._store.write("recording withdrawn", lambda unit: _delete(unit, [name]))

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Put on disk what the engine writes and close what is to be closed, from now on."""
        self._tasks = [
            asyncio.create_task(self._run(), name="recordings"),
            asyncio.create_task(self._keep_on_disk(), name="recordings-disk"),
        ]

    async def close(self) -> None:
        """End; what is not closed yet will be at the next start."""
        await stop(*self._tasks)

    async def _keep_on_disk(self) -> None:
        """A power cut costs what the engine still has, and what it has handed over since the last look."""
        while True:
            begun = self._clock.monotonic()
            pause = _DISK_REST_SECONDS
            try:
                if await asyncio.to_thread(self.files.on_disk.look):
                    pause = _DISK_SECONDS
            except OSError:
                log.exception("recordings: what is recorded cannot be put on disk; it is tried again")
            # a slow disk is left to the engine most of the time
            await asyncio.sleep(max(pause, _DISK_SHARE * (self._clock.monotonic() - begun)))

    async def _run(self) -> None:
        tidied = second = self._clock.monotonic() - _TIDY_SECONDS
        checked = self._clock.monotonic() - _CHECK_SECONDS
        left = 1
        while True:
            await woken(self._wake, _BUSY_SECONDS if left else _REST_SECONDS)
            self._wake.clear()
            try:
                left = await self.settle()
                now = self._clock.monotonic()
                if now - second >= _REST_SECONDS:
                    second = now
                    await self._each_second()
                if now - tidied >= _TIDY_SECONDS:
                    tidied = now
                    await self.tidy()
                if now - checked >= _CHECK_SECONDS:
                    checked = now
                    self._tell(await self.check())
            except Exception:
                log.exception("recordings: something could not be done; it is tried again")
                await asyncio.sleep(_REST_SECONDS)

    async def settle(self) -> int:
        """Close every recording that the engine has closed; returns how many it still has open."""
        async with self._closing:
            begun = self._open_calls()
            running = [
                row
                for row in await self._store.read(_running)
                if row["state"] == RUNNING or row["callid"] not in begun
            ]
            if not running:
                return 0
            still = await asyncio.to_thread(self.files.open_now)
            stereo = (await self._settings())["stereo"]
            for row in running:
                if row["name"] not in still:
                    with logs.of_call(row["callid"]):
                        await self._close_one(row["name"], row["side"], stereo=stereo)
            return sum(row["name"] in still for row in running)

    async def _close_one(self, name: str, side: str, *, stereo: bool) -> None:
        made = await asyncio.to_thread(
            lambda: self.files.close(name, stereo=stereo, caller_heard=side != "caller")
        )
        values: Row = {"state": MISSING}
        if made is None:
            log.error("recordings: %s has no file", name)
        else:
            values = {"state": CLOSED, **dataclasses.asdict(made)}
        await self._store.write(
            "recording closed",
            lambda unit: (
                unit.connection.execute(
                    sa.update(recordings).where(_COLUMNS.name == name).values(**values)
                ).rowcount
            ),
        )
        await asyncio.to_thread(self.files.forget_raw, name)

    # -- keeping ------------------------------------------------------------------------------------------

    async def tidy(self) -> int:
        """Delete what is older than it is kept, and the oldest while all are too large; returns how many."""
        settings = await self._settings()
        days, limit = settings["keepdays"], settings["maxmegabytes"] << 20
        before = self._clock.settled() - days * _DAY_SECONDS if days else 0.0
        gone = 0
        while doomed := await self._store.read(lambda connection: _doomed(connection, before, limit)):
            for name in doomed:
                # the file first: a row without a file is found here again
                await asyncio.to_thread(self.files.remove, name)
            await self._store.write("recordings deleted", partial(_delete, names=doomed))
            gone += len(doomed)
        if gone:
            log.info("recordings: %d are older or more than is kept, and deleted", gone)
        await self._forget_leftovers()
        return gone

    async def _forget_leftovers(self) -> None:
        """Remove what the engine wrote of recordings that were closed just before a crash."""
        left = await asyncio.to_thread(self.files.raw_names)
        if left:
            query = sa.select(_COLUMNS.name).where(_COLUMNS.name.in_(left), _COLUMNS.state == CLOSED)
            for name in await self._store.read(lambda c: c.execute(query).scalars().all()):
                if await asyncio.to_thread(self.files.path(name).is_file):
                    await asyncio.to_thread(self.files.forget_raw, name)

    async def check(self) -> frozenset[Finding]:
        """What is wrong: recordings without a file, and files that no record names."""
        begun = self._open_calls()
        still = await asyncio.to_thread(self.files.open_now)
        found: list[Finding] = []
        for day in sorted({*await asyncio.to_thread(self.files.days), *await self._store.read(_days)}):
            names = await asyncio.to_thread(self.files.names, day)
            found += findings(await self._store.read(partial(_states, day=day)), names)
        return frozenset(finding for finding in found if not _goes_on(finding.name, still, begun))

    def _tell(self, found: frozenset[Finding]) -> None:
        for finding in sorted(found - self._told, key=lambda one: one.name):
            log.error("recordings: %s: %s", finding.name, finding.what)
        self._told = found

    # -- finding ------------------------------------------------------------------------------------------

    async def find(self, name: str) -> Path | None:
        """The file of a closed recording; None when there is none of this name."""
        if read_name(name) is None:
            return None
        state = await self._state(name)
        tries = _CLOSING_TRIES
        while state == RUNNING and tries:
            # its call is over: the engine closes the file in this moment
            await self.settle()
            state = await self._state(name)
            if state == RUNNING:
                tries -= 1
                await asyncio.sleep(_BUSY_SECONDS)
        path = self.files.path(name)
        if state != CLOSED or not await asyncio.to_thread(path.is_file):
            return None
        return path

    async def _state(self, name: str) -> str | None:
        query = sa.select(_COLUMNS.state).where(_COLUMNS.name == name)
        found: str | None = await self._store.read(lambda c: c.execute(query).scalar_one_or_none())
        return found

    async def list(self, filters: Row, limit: int) -> Sequence[Row]:
        """The newest recordings whose columns have these values; `since` and `until` bound the beginning."""

        def work(connection: sa.Connection) -> Sequence[Row]:
            query = sa.select(recordings).order_by(_COLUMNS.started.desc()).limit(limit)
            for name, value in filters.items():
                match name:
                    case "since":
                        query = query.where(_COLUMNS.started >= value)
                    case "until":
                        query = query.where(_COLUMNS.started <= value)
                    case _:
                        query = query.where(_COLUMNS[name] == value)
            return [dict(row) for row in connection.execute(query).mappings()]

        return await self._store.read(work)


def check_store(store: Path, data: Path) -> list[Finding]:
    """As `Recordings.check` for a PBX that runs elsewhere or not at all. Blocking; changes nothing."""
    files = RecordingFiles(data)
    still = files.open_now()
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)) as connection:
        states = dict(connection.execute("SELECT name, state FROM recordings"))
        found = findings(states, {name for day in files.days() for name in files.names(day)})
        # a call without a record may go on, or be about to get it
        running = {
            one.name
            for one in found
            if (parts := read_name(one.name))
            and not connection.execute("SELECT 1 FROM cdr WHERE callid = ?", (parts.callid,)).fetchone()
        }.intersection(files.raw_names())
    return [one for one in found if one.name not in still | running]


def findings(states: Row, files: Collection[str]) -> list[Finding]:
    """Compares the states of all recordings by name with the names that files lie there for. Pure."""
    lost = [Finding(name, "there is no file of it") for name in states if name not in files]
    return lost + [Finding(name, "no record names this file") for name in files if name not in states]


def _goes_on(name: str, still: Collection[str], begun: Collection[str]) -> bool:
    parts = read_name(name)
    return name in still or (parts is not None and parts.callid in begun)


def _insert(unit: UnitOfWork, name: str, callid: str, started: float, side: str, state: str) -> None:
    parts = read_name(name)
    if parts is None:
        log.error("recordings: %s has one whose name cannot be kept", callid)
        return
    values = {"name": name, "callid": callid, "started": started, "side": side, "state": state}
    unit.connection.execute(
        sa.insert(recordings)
        .prefix_with("OR IGNORE")
        .values(
            caller=parts.caller,
            callee=parts.callee,
            type=parts.type,
            bytes=0,
            seconds=0.0,
            sha256="",
            **values,
        )
    )


def _delete(unit: UnitOfWork, names: Sequence[str]) -> None:
    for name in names:
        unit.connection.execute(sa.delete(recordings).where(_COLUMNS.name == name))


def _running(connection: sa.Connection) -> Sequence[Row]:
    query = sa.select(_COLUMNS.name, _COLUMNS.side, _COLUMNS.callid, _COLUMNS.state).where(
        _COLUMNS.state.in_((BEGUN, RUNNING))
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _states(connection: sa.Connection, day: str) -> Row:
    first = day.replace("-", "")
    query = sa.select(_COLUMNS.name, _COLUMNS.state).where(
        _COLUMNS.name >= first, _COLUMNS.name < f"{first}{_AFTER_DIGITS}"
    )
    return {row.name: row.state for row in connection.execute(query)}


def _days(connection: sa.Connection) -> set[str]:
    query = sa.select(sa.func.substr(_COLUMNS.name, 1, 8)).distinct()
    return {f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in connection.execute(query).scalars()}


def _doomed(connection: sa.Connection, before: float, limit: int) -> list[str]:
    """Some of the oldest recordings that are not to be kept; empty when there are none."""
    query = sa.select(_COLUMNS.name, _COLUMNS.bytes).order_by(_COLUMNS.started).limit(_DELETED_AT_ONCE)
    for state in (CLOSED, MISSING):
        old = query.where(_COLUMNS.state == state, _COLUMNS.started < before)
        if names := [row.name for row in connection.execute(old)]:
            return names
    if not limit:
        return []
    total = connection.execute(sa.select(sa.func.sum(_COLUMNS.bytes))).scalar_one() or 0
    doomed = []
    for row in connection.execute(query.where(_COLUMNS.state == CLOSED)):
        if total <= limit:
            break
        doomed.append(row.name)
        total -= row.bytes
    return doomed
