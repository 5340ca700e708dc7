"""Reads and writes of the store: short transactions, one writer, grouped commits.

    coroutine ── write("name", f) ──► queue ──► writer thread: BEGIN; f1(uow); f2(uow); …; COMMIT (fsync)
                                                              each f in a SAVEPOINT, so one failure undoes
                                                              only itself; futures are resolved after COMMIT
    coroutine ── read(f) ──► reader thread pool, one connection each

SQLite allows one writer, and with synchronous=FULL a commit costs an fsync: writes that wait together share
one. What `write` returned is on disk (architecture, decision 9). When a group cannot be committed as a
whole, each of its writes is tried once more alone, so one that breaks the transaction hurts only itself.
While another program holds the lock, writes wait together, each for PATIENCE_SECONDS since it was asked for.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from offhook.store.errors import StoreError, is_locked, is_read_only, store_error
from offhook.store.timing import WriteTimes

log = logging.getLogger(__name__)
T = TypeVar("T")
PATIENCE_SECONDS = 5.0
_GROUP_MAX = 200
_LOOK_MS = 200  # so long SQLite waits for the lock before who has lost patience is told
_WAIT_MS = 5000


class UnitOfWork:
    """One write in progress: its connection, and what has to happen once it is on disk."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.callbacks: list[Callable[[], None]] = []
        self.undoings: list[Callable[[], None]] = []

    def after_rollback(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the writer's thread if what was done here is undone; the write may then be tried
        once more. For what a write has noted in memory."""
        self.undoings.append(callback)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the event loop's thread after the commit; never when the write failed.

        It is called in the context (contextvars) of this moment.
        """
        self.callbacks.append(partial(contextvars.copy_context().run, callback))


class _Job(Generic[T]):
    def __init__(self, name: str, work: Callable[[UnitOfWork], T], loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.work = work
        self.loop = loop
        self.asked = time.monotonic()
        self.until = self.asked + PATIENCE_SECONDS
        self.again = False
        self.context = contextvars.copy_context()
        self.future: Future[T] = Future()
        self.callbacks: list[Callable[[], None]] = []
        self.undoings: list[Callable[[], None]] = []
        self.result: T | None = None


def sqlite_engine(path: Path) -> sa.Engine:
    """An engine on a SQLite file in WAL mode that keeps what it acknowledged through a power cut."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": 5},
        hide_parameters=True,  # what failed is logged, and its values are passwords, too
    )

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        # The driver must not open transactions by itself: the "begin" hook below does, DDL included.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_WAIT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={options.get('offhook_wait', _WAIT_MS)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("offhook_write") else "BEGIN")

    return engine


class Store:
    """The PBX's store. Make it once in the composition root; `close` waits for what is under way.

    `failing` says why the last write met no working file or disk, empty when it did; `outages` counts how
    often it came to that.
    """

    def __init__(self, engine: sa.Engine, *, readers: int = 4) -> None:
        self.engine = engine
        self.failing = ""
        self.outages = 0
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self.write_times = WriteTimes()
        self.refused = 0
        """Writes that failed since the start."""
        self._closed = False
        self._door = threading.Lock()  # no write may slip into the queue behind the closing mark
        self._writer = threading.Thread(target=self._write_forever, name="store-write", daemon=True)
        self._writer.start()

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a reading connection in a thread; it sees one consistent snapshot.

        Raises StoreError when the file or disk fails, else whatever `work` raises.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_now, work)

    def _read_now(self, work: Callable[[sa.Connection], T]) -> T:
        try:
            with self.engine.connect() as connection, connection.begin():
                return work(connection)
        except sa.exc.DBAPIError as failure:
            raise _told(failure) from failure

    async def write(self, name: str, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a transaction and return its result once it is on disk.

        `work` runs in the writer thread and may be run twice; it must do nothing but SQL. What it raises is
        raised here, and then none of its changes is kept; StoreError when the file or disk fails. Cancelling
        the caller does not take the write back: it is done, and its `after_commit` callbacks are called.
        """
        job = _Job(name, work, asyncio.get_running_loop())
        with self._door:
            if self._closed:
                raise RuntimeError("the store is closed")
            self._jobs.put(job)
        return await asyncio.shield(asyncio.wrap_future(job.future))

    @property
    def waiting(self) -> int:
        """How many writes wait for the writer."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Finish queued writes, then release every connection."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()

    def _write_forever(self) -> None:
        last = False
        while not last and (first := self._jobs.get()) is not None:
            group = [first]
            while group:
                last = self._gather(group) or last
                group = self._commit(group)

    def _gather(self, group: list[_Job[Any]]) -> bool:
        """Add what waits to a group; True when the store was told to close."""
        while len(group) < _GROUP_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return True
            group.append(job)
        return False

    def _commit(self, group: Sequence[_Job[Any]]) -> list[_Job[Any]]:
        """Write a group; returns those that have to wait for the lock and can wait longer."""
        done: list[_Job[Any]] = []
        try:
            with (
                self.engine.connect().execution_options(
                    offhook_write=True, offhook_wait=_LOOK_MS
                ) as connection,
                connection.begin(),
            ):
                for job in group:
                    self._run(connection, job, done)
        except BaseException as failure:
            for job in reversed(done):
                _undo(job.undoings)
            left = [job for job in group if not job.future.done()]
            if not is_locked(failure):
                self._failed(left, failure)
                return []
            now = time.monotonic()
            for job in left:
                if job.until <= now:
                    self._refuse(job, failure)
            return [job for job in left if job.until > now]
        self.failing = ""
        now = time.monotonic()
        for job in done:
            self.write_times.add(now - job.asked)
            self._resolve(job)
        return []

    def _refuse(self, job: _Job[Any], failure: BaseException) -> None:
        self.refused += 1
        job.context.run(log.error, "store: %s failed: %s", job.name, type(failure).__name__)
        told = _told(failure)
        if isinstance(told, StoreError):
            self.outages += not self.failing
            self.failing = str(told)
        job.future.set_exception(told)

    def _failed(self, jobs: Sequence[_Job[Any]], failure: BaseException) -> None:
        if len(jobs) > 1:
            for job in jobs:
                alone = [job]
                while alone:
                    alone = self._commit(alone)
            return
        for job in jobs:
            if is_read_only(failure) and not job.again:
                # A connection that was opened while the file was read-only stays so for good.
                job.again = True
                self.engine.dispose()
                self._commit([job])
            else:
                self._refuse(job, failure)

    @staticmethod
    def _run(connection: sa.Connection, job: _Job[Any], done: list[_Job[Any]]) -> None:
        unit = UnitOfWork(connection)
        savepoint = connection.begin_nested()
        try:
            job.result = job.context.run(job.work, unit)
        except BaseException as failure:
            _undo(unit.undoings)
            try:
                savepoint.rollback()
            except sa.exc.DBAPIError:
                # SQLite has ended the transaction by itself (disk full, I/O error): the group is lost.
                raise failure from None
            if is_read_only(failure):  # which it says here first: BEGIN IMMEDIATE takes it for a reader
                raise
            job.future.set_exception(_told(failure))
        else:
            savepoint.commit()
            job.callbacks, job.undoings = unit.callbacks, unit.undoings
            done.append(job)

    @staticmethod
    def _resolve(job: _Job[Any]) -> None:
        def in_loop() -> None:
            for callback in job.callbacks:
                try:
                    callback()
                except Exception:
                    log.exception("store: after the commit of %s", job.name)

        if job.callbacks:
            try:
                job.loop.call_soon_threadsafe(in_loop)
            except RuntimeError:  # its loop was closed meanwhile, and with it all who could care
                log.warning("store: nobody left to hear of the commit of %s", job.name)
        job.future.set_result(job.result)


def _undo(callbacks: Sequence[Callable[[], None]]) -> None:
    for callback in reversed(callbacks):
        callback()


def _told(failure: BaseException) -> BaseException:
    if isinstance(failure, sa.exc.DBAPIError):
        return store_error(failure) or failure
    if isinstance(failure, Exception):
        return failure
    # A cancellation or exit inside a write must not look like one of the coroutine that waits for it.
    told = StoreError(f"store: a write was broken off by {type(failure).__name__}")
    told.__cause__ = failure
    return told
