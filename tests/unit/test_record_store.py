"""Records in the store: the migration finds the parties of old ones, and old ones are deleted bit by bit."""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from offhook.areas.records import retention, search
from offhook.areas.records.retention import YOUNG_SECONDS, Limits, Retention
from offhook.areas.records.rows import insert_record
from offhook.areas.records.search import Place, Span, page
from offhook.areas.records.tables import cdr, cdr_parties
from offhook.clock import SETTLE_SECONDS, ManualClock
from offhook.ledger import Leg
from offhook.store import migrate
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork, sqlite_engine
from tests.support.records import NOON, a_record, keep

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "offhook.db", ())
    yield opened
    opened.close()


def _plan(connection: sa.Connection, query: sa.Select[Any]) -> str:
    compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
    return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))


async def _all(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    return await store.read(lambda c: sorted(tuple(row) for row in c.execute(sa.select(*columns))))


OLD = (
    a_record(NOON, "1000", "6200(1001)", dialled="6200"),
    a_record(NOON + 1, "12345678", "1002", type="Inbound", didnumber="5503301", dialled="5503301"),
    a_record(NOON + 2, "1000", "1001", type="Outbound", dialled="91001", legs=()),
    a_record(
        NOON + 3, "1000", "1003", legs=(Leg(channel="PJSIP/1003w-000000aF", started=1, answered=0, ended=1),)
    ),
    a_record(NOON + 3, "", "", callid="nobody", legs=(), dialled=""),
)


def _at_0002(path: Path) -> sa.Engine:
    """A store as the release before left it, without its views."""
    engine = sqlite_engine(path)
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    with engine.connect().execution_options(offhook_write=True) as connection, connection.begin():
        context = MigrationContext.configure(
            connection, opts={"fn": lambda revision, _context: scripts._upgrade_revs("0002", revision)}
        )
        with Operations.context(context):
            context.run_migrations()
    return engine


async def test_the_migration_finds_the_parties_of_the_records_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the rule of that migration, which stays as it is: today's rule is the same."""
    monkeypatch.setattr(
        importlib.import_module("offhook.store.migrations.versions.0003_records"), "_BATCH", 2
    )
    fresh = open_store(tmp_path / "fresh.db", ())
    await keep(fresh, *OLD)
    records = await _all(fresh, cdr)
    expected = await _all(fresh, *cdr_parties.c)
    assert len(expected) == 11
    fresh.close()
    engine = _at_0002(tmp_path / "old.db")
    with engine.connect() as connection:
        known = {column["name"] for column in sa.inspect(connection).get_columns("cdr")}
        for record in records:
            row = dict(zip(cdr.c.keys(), record, strict=True))
            connection.execute(sa.insert(cdr).values({name: row[name] for name in row if name in known}))
        connection.commit()
    engine.dispose()
    upgraded = open_store(tmp_path / "old.db", ())
    assert await _all(upgraded, *cdr_parties.c) == expected
    assert await _all(upgraded, cdr) == records
    upgraded.close()


async def test_a_record_and_its_parties_are_stored_together_or_not_at_all(store: Store) -> None:
    await keep(store, OLD[0])

    def twice(unit: UnitOfWork) -> None:
        insert_record(unit.connection, OLD[1])
        insert_record(unit.connection, OLD[0])

    with pytest.raises(sa.exc.IntegrityError):
        await store.write("twice", twice)
    assert await _all(store, cdr.c.callid) == [(OLD[0].callid,)]
    assert {row[2] for row in await _all(store, *cdr_parties.c)} == {OLD[0].callid}


@pytest.mark.parametrize(
    ("numbers", "steps"),
    [
        (None, ["SEARCH cdr USING INDEX ix_cdr_started ((started,callid)>(?,?) AND started<?)"]),
        (
            ("1000",),
            ["SEARCH cdr_parties USING PRIMARY KEY", "SEARCH cdr USING INDEX sqlite_autoindex_cdr_1"],
        ),
        (("1000", "1001"), ["SEARCH cdr USING INDEX ix_cdr_started", "SEARCH cdr_parties USING"]),
    ],
)
async def test_a_page_is_found_by_an_index_and_needs_no_sorting(
    store: Store, numbers: tuple[str, ...] | None, steps: list[str]
) -> None:
    query = page([cdr.c.callto], Span(first=0.0, end=9e9, numbers=numbers), Place(NOON, "1"), 10)

    shown = await store.read(functools.partial(_plan, query=query))
    for step in steps:
        assert step in shown, shown
    assert "TEMP B-TREE" not in shown
    assert "SCAN" not in shown


@pytest.mark.parametrize("number", [None, "1000"])
async def test_a_search_by_what_no_index_knows_looks_at_so_many_records_and_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: str | None
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 4)
    await keep(store, *(a_record(NOON + at // 2, callid=str(at)) for at in range(10)))
    looked_at: list[str] = []

    def fits(callid: str) -> bool:
        looked_at.append(callid)
        return callid in {"0", "7"}

    def work(connection: sa.Connection, behind: Place | None) -> search.Found:
        raw: Any = connection.connection.driver_connection
        raw.create_function("fits", 1, fits)
        newest = search.Newest(number=number, behind=behind, filters=(sa.func.fits(cdr.c.callid) == 1,))
        return search.find(connection, [cdr.c.started, cdr.c.callid], newest, 5)

    pages: list[tuple[list[str], bool, int]] = []
    last: Place | None = None
    while not pages or last is not None:
        found = await store.read(functools.partial(work, behind=last))
        pages.append(([row["callid"] for row in found.rows], found.short, len(looked_at)))
        last = found.last
        looked_at.clear()
    assert pages == [(["7"], True, 4), ([], True, 4), (["0"], False, 2)]


@pytest.mark.parametrize(
    ("number", "by"),
    [(None, "COVERING INDEX ix_cdr_started"), ("1000", "SEARCH cdr_parties USING PRIMARY KEY")],
)
async def test_a_search_needs_no_sorting(store: Store, number: str | None, by: str) -> None:
    newest = search.Newest(
        first=0.0, end=9e9, behind=Place(9e9, "1"), number=number, filters=(cdr.c.callto.contains("7"),)
    )
    for query, expected in (
        (search.edge(newest, 5), by),
        (search.matching([cdr.c.callto], newest, Place(NOON, "1"), 5), by.replace("COVERING ", "")),
    ):
        shown = await store.read(functools.partial(_plan, query=query))
        assert expected in shown, shown
        assert "TEMP B-TREE" not in shown
        assert "SCAN" not in shown


def _keeper(store: Store, clock: ManualClock, days: int = 0, most: int = 0) -> Retention:
    async def limits() -> Limits:
        return Limits(days, most)

    return Retention(store, clock, limits)


async def test_old_records_go_with_their_parties(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0)
    clock = ManualClock(NOON + 10 * DAY)
    await keep(store, *(a_record(NOON + at * DAY) for at in range(11)))
    assert await _keeper(store, clock).sweep() == 0
    assert await _keeper(store, clock, days=10).sweep() == 0
    clock.advance(1)
    assert await _keeper(store, clock, days=10).sweep() == 1
    clock.advance(6 * DAY)
    assert await _keeper(store, clock, days=10).sweep() == 6
    left = [(f"{NOON + at * DAY:.3f}",) for at in range(7, 11)]
    assert await _all(store, cdr.c.callid) == left
    assert sorted({row[2:3] for row in await _all(store, *cdr_parties.c)}) == left


async def test_a_clock_set_forward_deletes_nothing_until_it_is_believed(store: Store) -> None:
    clock = ManualClock(NOON + 2 * DAY)
    keeper = _keeper(store, clock, days=10)
    await keep(store, a_record(NOON))
    assert await keeper.sweep() == 0
    clock.set_by(30 * DAY)
    assert await keeper.sweep() == 0
    clock.advance(SETTLE_SECONDS - 1)
    assert await keeper.sweep() == 0
    clock.advance(1)
    assert await keeper.sweep() == 1


async def test_of_too_many_the_oldest_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0)
    clock = ManualClock(NOON + DAY)
    await keep(store, *(a_record(NOON + at) for at in range(10)))
    assert await _keeper(store, clock, most=10).sweep() == 0
    assert await _keeper(store, clock, most=2, days=3).sweep() == 8
    assert await _all(store, cdr.c.started) == [(NOON + 8,), (NOON + 9,)]
    assert await _keeper(store, clock, most=0).sweep() == 0


async def test_what_a_restart_may_read_again_stays(store: Store) -> None:
    clock = ManualClock(NOON + YOUNG_SECONDS)
    await keep(store, *(a_record(NOON + at) for at in range(3)))
    assert await _keeper(store, clock, most=1).sweep() == 0
    clock.advance(1.5)
    assert await _keeper(store, clock, most=1).sweep() == 2


async def test_other_writes_get_their_turn_and_new_limits_apply_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 5)
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0.001)
    now, clock = Limits(0, 0), ManualClock(NOON + 10 * DAY)

    async def limits() -> Limits:
        return now

    keeper = Retention(store, clock, limits)
    await keep(store, *(a_record(NOON + at) for at in range(200)))
    keeper.start()
    await asyncio.sleep(0)
    now = Limits(5, 0)
    keeper.wake()
    seen: list[int] = []

    async def look() -> None:
        while not seen or seen[-1]:
            seen.append(
                await store.write(
                    "look",
                    lambda u: u.connection.execute(sa.select(sa.func.count(cdr.c.callid))).scalar_one(),
                )
            )

    await asyncio.wait_for(look(), 10)
    assert len({count for count in seen if 0 < count < 200}) > 5  # between the batches
    await keeper.close()


async def test_legs_are_kept_whole(store: Store) -> None:
    await keep(store, OLD[0])
    ((legs,),) = await _all(store, cdr.c.legs)
    assert [leg["channel"] for leg in json.loads(legs)] == ["PJSIP/1000-00000000"]
