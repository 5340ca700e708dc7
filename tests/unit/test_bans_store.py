"""The list of bans in the store, and the engine's log as it is followed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from offhook.areas.bans.address import network
from offhook.areas.bans.log import LogTail
from offhook.areas.bans.model import Verdict
from offhook.areas.bans.service import FORGET_SECONDS, KEPT_MAX, UNPROVEN_LONGEST, BanList
from offhook.areas.bans.tables import bans
from offhook.clock import Clock, ManualClock
from offhook.dialplan import views
from offhook.store.migrate import open_store
from offhook.store.unit import Store

EVIL = "192.0.2.9"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "offhook.db", views())
    yield store
    store.close()


def verdict(source: str = EVIL, *, proven: bool = True) -> Verdict:
    return Verdict(source, "a test", proven)


async def test_bans_grow_and_are_forgotten(store: Store) -> None:
    clock = ManualClock()
    listed = BanList(store, clock)
    for times, seconds in ((1, 300), (2, 600), (3, 1200), (4, 2000), (5, 2000)):
        (ban,) = await listed.ban([verdict()], 300, 2000)
        assert (ban.times, ban.until - ban.since) == (times, seconds)
        assert await listed.ban([verdict()], 300, 2000) == [], "one that lasts is no other"
        assert len(await listed.living()) == 1
        clock.advance(seconds + 1)
        assert await listed.living() == []
    clock.advance(FORGET_SECONDS)
    (ban,) = await listed.ban([verdict()], 300, 2000)
    assert ban.times == 1


async def test_a_clock_that_is_put_back_keeps_nobody_out_until_its_time_comes(store: Store) -> None:
    clock = ManualClock(time.time() + 30 * 86400)
    listed = BanList(store, clock)
    await listed.ban([verdict(), verdict("198.51.100.1")], 300, 86400)
    clock.set_by(-30)
    assert len(await listed.living()) == 2, "a small step ends nothing"
    clock.set_by(-30 * 86400)
    assert await listed.living() == []
    assert not await listed.lift("198.51.100.1")
    rows = await store.read(lambda connection: connection.execute(sa.text("SELECT * FROM ps_bans")).all())
    assert rows == [], "nor by the engine, which has the machine's clock"
    (ban,) = await listed.ban([verdict()], 300, 86400)
    assert (ban.since, ban.until) == (clock.now(), clock.now() + 300), "it is banned anew, from now"
    deny = await store.read(
        lambda connection: connection.execute(sa.text("SELECT deny FROM ps_bans")).scalar()
    )
    assert deny == EVIL


async def test_what_may_be_forged_is_banned_for_an_hour_at_most(store: Store) -> None:
    clock = ManualClock()
    listed = BanList(store, clock)
    for _ in range(10):
        (ban,) = await listed.ban([verdict(proven=False)], 300, 86400)
        assert ban.until - ban.since <= UNPROVEN_LONGEST
        clock.advance(ban.until - ban.since + 1)


async def test_lifting(store: Store) -> None:
    listed = BanList(store, ManualClock())
    await listed.ban([verdict(), verdict("2001:db8::/64"), verdict("198.51.100.1")], 300, 300)
    assert await listed.lift("2001:db8::17"), "a network is named by any of its addresses"
    assert not await listed.lift("2001:db8::17")
    assert not await listed.lift("nonsense")
    await listed.lift_in([network("192.0.2.0/24")])
    assert [ban.address for ban in await listed.living()] == ["198.51.100.1"]
    await listed.lift_in(None)
    assert await listed.living() == []


async def test_forged_addresses_do_not_fill_the_store_nor_the_engine(store: Store) -> None:
    listed = BanList(store, Clock())
    await listed.ban([verdict()], 300, 300)
    for part in range(30):
        await listed.ban([verdict(f"10.{part}.{last}.1", proven=False) for last in range(200)], 300, 300)
    kept = await store.read(lambda connection: connection.execute(sa.select(bans.c.address)).scalars().all())
    assert len(kept) == KEPT_MAX
    assert EVIL in kept
    deny = await store.read(
        lambda connection: connection.execute(sa.text("SELECT deny FROM ps_bans")).scalar()
    )
    assert len(str(deny).split(",")) == 200
    assert EVIL in str(deny).split(",")


async def test_the_engine_sees_nothing_where_nobody_is_banned(store: Store) -> None:
    listed = BanList(store, Clock())
    await listed.ban([verdict()], 300, 300)
    await listed.lift_in(None)
    rows = await store.read(lambda connection: connection.execute(sa.text("SELECT * FROM ps_bans")).all())
    assert rows == []


def test_the_log_is_followed_by_whole_lines_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"old\n")
    tail = LogTail(path, most=100)
    assert tail.read() == b""
    with path.open("ab") as log:
        log.write(b"one\ntw")
        log.flush()
        assert tail.read() == b"one\n"
        log.write(b"o\n" + b"x" * 200 + b"\n")
        log.flush()
        assert tail.read() == b"two\n" + b"x" * 200 + b"\n"
        assert path.stat().st_size == 0, "moved aside"
        assert path.with_suffix(".1").read_bytes().endswith(b"x\n")
        log.write(b"new\n")
        log.flush()
        assert tail.read() == b"new\n"
    path.unlink()
    assert tail.read() == b""
    path.write_bytes(b"by a new engine\n")
    assert tail.read() == b"by a new engine\n"
