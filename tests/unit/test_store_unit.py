"""The store's promises: grouped writes, isolation of failures, durability."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from offhook.store import unit as unit_module
from offhook.store.errors import StoreError
from offhook.store.unit import Store, UnitOfWork, sqlite_engine

T = sa.table("t", sa.column("n", sa.Integer))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    engine = sqlite_engine(tmp_path / "s.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER UNIQUE)")
    made = Store(engine)
    yield made
    made.close()


def put(number: int) -> Callable[[UnitOfWork], int]:
    def work(unit: UnitOfWork) -> int:
        unit.connection.execute(sa.insert(T).values(n=number))
        return number

    return work


async def numbers(store: Store) -> list[int]:
    return await store.read(lambda c: list(c.execute(sa.select(T.c.n).order_by(T.c.n)).scalars()))


class Gate:
    """Holds the writer thread, so that writes gather behind it and share one transaction."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def work(self, _unit: UnitOfWork) -> None:
        self.entered.set()
        assert self.open.wait(5)


async def grouped(store: Store, *works: Callable[[UnitOfWork], object]) -> list[object]:
    gate = Gate()
    holding = asyncio.create_task(store.write("gate", gate.work))
    await asyncio.to_thread(gate.entered.wait, 5)
    tasks = [asyncio.create_task(store.write(f"w{at}", work)) for at, work in enumerate(works)]
    await asyncio.sleep(0)
    gate.open.set()
    await holding
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_what_is_written_is_read(store: Store) -> None:
    assert await store.write("one", put(1)) == 1
    assert await numbers(store) == [1]


async def test_a_failure_in_a_group_undoes_only_itself(store: Store) -> None:
    results = await grouped(store, put(1), put(1), put(2))
    assert results[0] == 1
    assert isinstance(results[1], sa.exc.IntegrityError)
    assert results[2] == 2
    assert await numbers(store) == [1, 2]


async def test_a_cancellation_raised_inside_a_write_does_not_look_like_ours(store: Store) -> None:
    def broken(unit: UnitOfWork) -> None:
        put(5)(unit)
        raise asyncio.CancelledError

    results = await grouped(store, broken, put(6))
    assert isinstance(results[0], StoreError)
    assert results[1] == 6
    assert await numbers(store) == [6]


async def test_a_write_that_loses_the_transaction_harms_no_other(store: Store) -> None:
    def lose(unit: UnitOfWork) -> None:
        put(7)(unit)
        unit.connection.exec_driver_sql("ROLLBACK")  # what SQLite does by itself on some I/O errors
        raise sa.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    results = await grouped(store, put(1), lose, put(2))
    assert results[0] == 1
    assert isinstance(results[1], StoreError)
    assert "disk is full" in str(results[1])
    assert results[2] == 2
    assert await numbers(store) == [1, 2]


async def test_a_lost_transaction_is_never_reported_as_success(store: Store) -> None:
    def hide(unit: UnitOfWork) -> int:
        put(8)(unit)
        unit.connection.exec_driver_sql("ROLLBACK")
        return 8

    results = await grouped(store, put(1), hide)
    assert results[0] == 1
    assert isinstance(results[1], Exception)
    assert await numbers(store) == [1]


async def test_a_full_disk_is_told_and_healed(store: Store) -> None:
    def fill(unit: UnitOfWork) -> None:
        pages = unit.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        unit.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        try:
            for number in range(10_000):
                put(number)(unit)
        finally:
            unit.connection.exec_driver_sql("PRAGMA max_page_count=1073741823")

    results = await grouped(store, fill, put(1))
    assert isinstance(results[0], StoreError)
    assert results[1] == 1
    assert await numbers(store) == [1]
    assert await store.write("after", put(2)) == 2


async def test_each_write_waits_for_a_lock_so_long_and_no_longer(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_module, "PATIENCE_SECONDS", 0.6)
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    taken: dict[int, float] = {}

    async def written(number: int) -> object:
        (result,) = await asyncio.gather(store.write(f"w{number}", put(number)), return_exceptions=True)
        taken[number] = time.monotonic() - begin
        return result

    early = [asyncio.create_task(written(number)) for number in range(5)]
    await asyncio.sleep(0.5)
    late = asyncio.create_task(written(5))
    results = await asyncio.gather(*early)
    assert all(isinstance(result, StoreError) for result in results)
    assert max(taken.values()) < 1.2, "they wait together, not one after another"
    other.rollback()
    other.close()
    assert await late == 5
    assert await numbers(store) == [5]


async def test_a_store_that_was_read_only_for_a_while_is_written_again(store: Store, tmp_path: Path) -> None:
    await store.write("one", put(1))
    store.engine.dispose()  # the next connection is opened anew
    (tmp_path / "s.db").chmod(0o400)
    with pytest.raises(StoreError, match="read-only"):
        await store.write("two", put(2))
    assert await numbers(store) == [1]
    for name in ("s.db", "s.db-wal", "s.db-shm"):  # SQLite gives them the mode that the store has
        (tmp_path / name).chmod(0o600)
    await store.write("three", put(3))
    assert await numbers(store) == [1, 3]


async def test_callbacks_run_after_the_commit_before_the_writer_goes_on(store: Store) -> None:
    told: list[str] = []

    def work(unit: UnitOfWork) -> None:
        unit.after_commit(lambda: told.append("committed"))

    def failing(unit: UnitOfWork) -> None:
        unit.after_commit(lambda: told.append("never"))
        raise ValueError

    await store.write("good", work)
    assert told == ["committed"]
    with pytest.raises(ValueError):  # noqa: PT011 - raised bare above
        await store.write("bad", failing)
    await store.write("good", work)
    assert told == ["committed", "committed"]


async def test_a_cancelled_caller_does_not_take_the_write_back(store: Store) -> None:
    gate = Gate()
    holding = asyncio.create_task(store.write("gate", gate.work))
    await asyncio.to_thread(gate.entered.wait, 5)
    told = asyncio.Event()

    def work(unit: UnitOfWork) -> None:
        put(3)(unit)
        unit.after_commit(told.set)

    leaving = asyncio.create_task(store.write("left", work))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    gate.open.set()
    await holding
    await asyncio.wait_for(told.wait(), 5)
    assert await numbers(store) == [3]


def test_a_closed_loop_does_not_stop_the_writer(store: Store) -> None:
    gate = Gate()

    async def leave() -> None:
        tasks = [asyncio.create_task(store.write("gate", gate.work)) for _ in range(1)]

        def work(unit: UnitOfWork) -> None:
            put(4)(unit)
            unit.after_commit(lambda: None)

        tasks.append(asyncio.create_task(store.write("late", work)))
        await asyncio.to_thread(gate.entered.wait, 5)
        for task in tasks:
            task.cancel()

    asyncio.run(leave())
    gate.open.set()

    async def again() -> list[int]:
        await store.write("next", put(5))
        return await numbers(store)

    assert asyncio.run(again()) == [4, 5]


async def test_close_finishes_what_waits_and_refuses_more(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "s.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    store = Store(engine)
    tasks = [asyncio.create_task(store.write("w", put(number))) for number in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    assert await asyncio.gather(*tasks) == list(range(50))
    with pytest.raises(RuntimeError, match="closed"):
        await store.write("late", put(1))


async def test_a_read_sees_one_moment(store: Store) -> None:
    await store.write("first", put(1))
    reading, written = threading.Event(), threading.Event()

    def twice(connection: sa.Connection) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(T)
        before = connection.execute(count).scalar_one()
        reading.set()
        assert written.wait(5)
        return before, connection.execute(count).scalar_one()

    slow = asyncio.create_task(store.read(twice))
    await asyncio.to_thread(reading.wait, 5)
    await store.write("second", put(2))
    written.set()
    assert await slow == (1, 1)


_CHILD = """
import asyncio, sys
from pathlib import Path
import sqlalchemy as sa
from offhook.store.unit import Store, sqlite_engine
store = Store(sqlite_engine(Path(sys.argv[1])))
T = sa.table("t", sa.column("n", sa.Integer))
def put(n):
    return lambda unit: unit.connection.execute(sa.insert(T).values(n=n)) and n
async def worker(start):
    for n in range(start, start + 1_000_000):
        await store.write("w", put(n))
        print(n, flush=True)
async def main():
    await asyncio.gather(*(worker(at * 1_000_000) for at in range(8)))
asyncio.run(main())
"""


def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (n INTEGER UNIQUE)")
    connection.close()
    source = str(Path(__file__).parents[2] / "src")
    for seen in (20, 200):
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _CHILD.replace("at * 1_000_000", f"{seen} * 100_000_000 + at * 1_000_000"),
                path,
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": source},
        )
        assert child.stdout is not None
        acknowledged = {int(child.stdout.readline()) for _ in range(seen)}
        child.send_signal(signal.SIGKILL)
        acknowledged |= {
            int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")
        }
        child.stdout.close()
        child.wait()
        connection = sqlite3.connect(path)
        stored = {row[0] for row in connection.execute("SELECT n FROM t")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert acknowledged <= stored


async def test_what_failed_is_told_without_its_values(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    value = int("4711" * 4)
    await store.write("once", put(value))
    with pytest.raises(sa.exc.IntegrityError) as failure:
        await store.write("twice", put(value))
    logging.getLogger("offhook.test").error("it failed", exc_info=failure.value)
    assert "UNIQUE" in caplog.text
    assert str(value) not in caplog.text
