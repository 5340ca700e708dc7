"""The journal: every event once, in the order of the commits, bounded, without gaps for who reads on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.clock import SETTLE_SECONDS, ManualClock
from offhook.dialplan import views
from offhook.events.api import ConfigChange, Dialect, Satisfaction, Target
from offhook.events.item import Item, item_of
from offhook.events.journal import Journal
from offhook.events.receivers import Receivers
from offhook.events.retention import Retention
from offhook.events.settings import EventSettings
from offhook.events.tables import dead_letters, deliveries, event_journal
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork
from tests.support.waiting import eventually


class Books:
    """A journal that notes what it has seen."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock()
        self.settings = EventSettings()
        self.seen: list[Item] = []
        self.journal = Journal(store, self.seen.extend)
        self.retention = Retention(
            store,
            self.clock,
            self.journal,
            Receivers(store, self.clock, lambda _s: True),
            lambda: self.settings,
        )

    def live(self, number: int, callid: str = "1.1") -> None:
        self.journal.add(item_of(Satisfaction(callid, str(number)), self.clock.now()))

    async def stored(self, number: int) -> None:
        item = item_of(ConfigChange("extension", str(number), "add"), self.clock.now())
        await self.store.write("fact", lambda unit: self.journal.append(unit, item))

    async def results(self, after: int = 0) -> list[str]:
        entries = await self.journal.after(after, 10_000)
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        return [str(getattr(entry.event, "result", getattr(entry.event, "name", ""))) for entry in entries]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "events.db", views())


@pytest_asyncio.fixture
async def books(store: Store) -> AsyncIterator[Books]:
    made = Books(store)
    await made.journal.start()
    yield made
    await made.journal.close()
    store.close()


async def test_live_events_share_commits_and_keep_their_order(books: Books) -> None:
    commits = []
    books.journal._on_seen = lambda items: commits.append(len(items))
    for number in range(500):
        books.live(number)
        if number % 100 == 0:
            await asyncio.sleep(0.001)
    await eventually(lambda: books.journal.last() == 500, "all are committed")
    assert len(commits) < 10
    assert await books.results() == [str(number) for number in range(500)]
    assert await books.results(498) == ["498", "499"]


async def test_who_has_seen_a_number_misses_nothing_below_it(books: Books) -> None:
    """Writers in transactions of their own, and live ones, all at once; a reader that only goes on."""
    read: list[int] = []

    async def reader() -> None:
        while len(read) < 400:
            await books.journal.grown(read[-1] if read else 0)
            read.extend(e.seq for e in await books.journal.after(read[-1] if read else 0, 7))

    async def writer(base: int) -> None:
        for number in range(base, base + 50):
            await books.stored(number)

    reading = asyncio.create_task(reader())
    writers = [asyncio.create_task(writer(50 * turn)) for turn in range(4)]
    for number in range(200):
        books.live(number)
        await asyncio.sleep(0)
    await asyncio.gather(*writers)
    await asyncio.wait_for(reading, 10)
    assert read == list(range(1, 401))
    assert [item.seq for item in books.seen] == read


async def test_what_is_read_from_memory_is_what_is_stored(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.events.journal._IN_MEMORY", 5)
    for number in range(20):
        await books.stored(number)
    assert await books.results() == [str(number) for number in range(20)]
    assert await books.results(12) == [str(number) for number in range(12, 20)]
    assert [e.kind for e in await books.journal.after(0, 3, {"ConfigChange"})] == ["ConfigChange"] * 3
    assert await books.journal.after(0, 3, {"Satisfaction"}) == []


async def test_numbers_go_on_in_the_next_life(books: Books) -> None:
    await books.stored(1)
    books.live(2)
    await books.journal.flushed()
    again = Books(books.store)
    await again.journal.start()
    assert (again.journal.first(), again.journal.last()) == (1, 2)
    again.live(3)
    await again.journal.close()
    assert await again.results() == ["1", "2", "3"]


async def test_what_the_store_refuses_is_written_later_in_order(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.events.journal._RETRY_SECONDS", 0.01)
    with books.store.engine.connect() as connection:
        connection.execute(
            sa.text(
                "CREATE TRIGGER full BEFORE INSERT ON event_journal BEGIN SELECT RAISE(FAIL, 'full'); END"
            )
        )
        connection.commit()
    for number in range(3):
        books.live(number)
    await eventually(lambda: len(books.journal.unseen) == 3 and not books.journal._pending, "a try failed")
    books.live(3)
    with books.store.engine.connect() as connection:
        connection.execute(sa.text("DROP TRIGGER full"))
        connection.commit()
    await asyncio.wait_for(books.journal.flushed(), 5)
    assert await books.results() == ["0", "1", "2", "3"]
    assert books.journal.lost == 0


async def test_old_ones_go_and_what_was_owed_is_kept_as_a_dead_letter(books: Books) -> None:
    receivers = Receivers(books.store, books.clock, lambda _session: True)
    made = await receivers.register("s", Target("http", "127.0.0.1", 1, "/"), Dialect.V2_0_0)
    assert made is not None
    for number in range(1200):
        owed = (made.id, 999) if number == 3 else ()
        books.journal.add(item_of(Satisfaction("1.1", str(number)), books.clock.now(), owed=owed))
    await books.journal.flushed()
    books.clock.advance(books.settings.keep_seconds + 1)
    books.live(1200)
    await books.journal.flushed()
    assert await books.retention.thin() == 1200
    assert (books.journal.first(), books.journal.last()) == (1201, 1201)

    def left(connection: sa.Connection) -> tuple[list[str], int, int]:
        letters = connection.execute(
            sa.select(dead_letters.c.reason, dead_letters.c.body, dead_letters.c.seq)
        )
        rows = sa.select(sa.func.count()).select_from(event_journal)
        owed = sa.select(sa.func.count()).select_from(deliveries)
        return (
            [f"{row.reason} {row.seq} {row.body}" for row in letters],
            connection.execute(rows).scalar_one(),
            connection.execute(owed).scalar_one(),
        )

    assert await books.store.read(left) == (['expired 4 {"callid":"1.1","result":"3"}'], 1, 0)


async def test_a_clock_set_forward_costs_no_event_and_no_debt(books: Books) -> None:
    alive = {"s"}
    receivers = Receivers(books.store, books.clock, lambda session: session in alive)
    made = await receivers.register("s", Target("http", "127.0.0.1", 1, "/"), Dialect.V2_0_0)
    assert made is not None
    for number in range(10):
        books.live(number)
    await books.journal.flushed()
    assert await books.retention.thin() == 0
    books.clock.set_by(30 * 86400)
    alive.clear()  # the token ends with the clock: until the next login it is owed what happens
    receivers.refresh()
    assert receivers.owed() == (made.id,)
    await receivers.tidy()
    assert receivers.all() == (made,)
    books.live(10)
    await books.journal.flushed()
    assert await books.retention.thin() == 0
    books.clock.set_by(-30 * 86400)
    receivers.refresh()
    assert receivers.owed() == (made.id,)
    books.clock.advance(SETTLE_SECONDS)
    assert await books.retention.thin() == 0
    assert len(await books.results()) == 11


async def test_the_journal_is_bounded_by_size(books: Books) -> None:
    for number in range(1000):
        books.live(number)
    await books.journal.flushed()
    whole = books.journal.bytes
    books.settings = EventSettings(max_bytes=whole // 2)
    await books.retention.thin()
    assert whole * 0.45 < books.journal.bytes <= whole // 2
    assert books.journal.first() == 1001 - len(await books.results())
    again = Books(books.store)
    await again.journal.start()
    again.retention.start()
    await eventually(lambda: again.journal.bytes == books.journal.bytes, "the next life counts the same")
    await again.retention.close()
    await again.journal.close()


async def test_a_row_of_another_version_is_passed_over(books: Books) -> None:
    def work(unit: UnitOfWork) -> None:
        unit.connection.execute(
            sa.insert(event_journal).values(created=0, kind="Later", callid="", body='{"a":1}')
        )

    await books.store.write("another version", work)
    await books.stored(2)
    again = Books(books.store)
    await again.journal.start()
    assert [entry.seq for entry in await again.journal.after(0, 10)] == [2]
    await again.journal.close()


async def test_a_transaction_that_is_undone_takes_no_live_event_with_it(books: Books) -> None:
    """It stores what waits before its own event; undone, this is stored with the next."""
    await books.stored(0)

    def broken(unit: UnitOfWork) -> None:
        books.journal.append(unit, item_of(ConfigChange("extension", "no", "add"), 0.0))
        raise ValueError("no")

    books.live(1)
    with pytest.raises(ValueError, match="no"):
        await books.store.write("broken", broken)
    await books.stored(2)
    assert await books.results() == ["0", "1", "2"]
    assert books.journal.last() == 3


async def test_what_was_told_before_a_record_has_the_lower_number(books: Books) -> None:
    books.live(1)
    await books.stored(2)
    books.live(3)
    await books.journal.flushed()
    assert await books.results() == ["1", "2", "3"]


async def test_an_event_that_cannot_be_stored_takes_no_record_with_it(books: Books) -> None:
    books.journal.add(item_of(Satisfaction("1.1", b"no text"), 0.0))  # type: ignore[arg-type]
    await books.stored(1)
    assert await books.results() == ["1"]
    assert books.journal.lost == 1
