"""Alarms: what is mailed to whom and how often, what is listed, and how a trunk raises one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from offhook.areas.alarms.service import Alarms
from offhook.areas.alarms.store import StoreWatch
from offhook.areas.alarms.trunks import TrunkWatch
from offhook.areas.mail.model import State
from offhook.areas.objects.field import Row
from offhook.clock import ManualClock
from offhook.events.api import Alarm, Event
from offhook.store import unit as unit_module
from offhook.store.errors import StoreError
from offhook.store.unit import UnitOfWork
from tests.support.mail import MailBench, mail_bench
from tests.support.mailserver import MailServer, running_mail_server
from tests.support.waiting import eventually

MINUTE = 60.0
BOTH = "ann@example.com,bob@example.com"


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[MailBench]:
    async with mail_bench(tmp_path) as bench:
        yield bench


@pytest_asyncio.fixture
async def server(bench: MailBench) -> AsyncIterator[MailServer]:
    async with running_mail_server() as server:
        await bench.use(server, alarmrecipients=BOTH, alarmminutes="15")
        yield server


@pytest_asyncio.fixture
async def alarms(bench: MailBench) -> AsyncIterator[Alarms]:
    yield (made := made_of(bench))
    await made.close()


def made_of(bench: MailBench, told: list[Event] | None = None) -> Alarms:
    return Alarms(
        bench.store,
        bench.settings,
        bench.clock,
        ZoneInfo("UTC"),
        bench.mailer,
        lambda: "lobby",
        lambda _unit, event: told.append(event) if told is not None else None,
    )


async def test_each_beginning_and_each_end_is_told_once_as_an_event(bench: MailBench) -> None:
    told: list[Event] = []
    alarms = made_of(bench, told)
    for text in ("is nearly full", "is nearly full still"):
        alarms.raise_("disk", text)
    alarms.raise_("receiver:192.0.2.9:80\n", "a\nb")
    for _ in range(2):
        alarms.clear("disk", "has room")
    alarms.clear("mail", "was never wrong")
    assert alarms.active == {"receiver": 1}
    await alarms.close()
    after = made_of(bench, told)
    await after.start()
    assert after.active == {"receiver": 1}, "it lasts over a restart"
    after.clear("disk", "has room")
    await bench.store.write(
        "settled", lambda unit: after.settle_in(unit, ["receiver:192.0.2.9:80\n"], "gone")
    )
    await after.close()
    assert after.active == {}
    assert told.pop() == Alarm("receiver:192.0.2.9:80\n", "cleared", "gone")
    assert told == [
        Alarm("disk", "raised", "is nearly full"),
        Alarm("receiver:192.0.2.9:80\n", "raised", "a b"),
        Alarm("disk", "cleared", "has room"),
    ]


async def settled(alarms: Alarms) -> list[dict[str, Any]]:
    """What is listed once all is stored."""
    await alarms.close()
    return [dict(row) for row in await alarms.listed()]


async def test_an_alarm_is_mailed_to_all_recipients_and_its_end_too(
    bench: MailBench, server: MailServer, alarms: Alarms
) -> None:
    alarms.raise_("disk", "the disk is nearly full")
    await server.mail(2)
    assert {mail.recipient for mail in server.received} == set(BOTH.split(","))
    assert server.received[0].message["Subject"] == "[lobby] the disk is nearly full"
    assert server.received[0].text == "2020-09-13 12:26:40  the disk is nearly full\r\n"
    bench.clock.advance(20 * MINUTE)
    alarms.clear("disk", "the disk has room again")
    await server.mail(4)
    assert server.received[-1].message["Subject"] == "[lobby] the disk has room again"
    (row,) = await settled(alarms)
    assert (row["key"], row["active"], row["count"]) == ("disk", False, 1)


async def test_of_one_kind_at_most_one_mail_in_the_minutes_set(
    bench: MailBench, server: MailServer, alarms: Alarms
) -> None:
    await bench.set(alarmrecipients="ann@example.com")
    for name in ("berlin", "paris", "rome"):
        alarms.raise_(f"trunk:{name}", f"trunk {name} is down")
    alarms.clear("trunk:paris", "trunk paris is up again")
    alarms.raise_("disk", "the disk is nearly full")  # another kind
    await server.mail(2)
    assert len(await settled(alarms)) == 4
    assert {mail.message["Subject"] for mail in server.received} == {
        "[lobby] trunk berlin is down",
        "[lobby] the disk is nearly full",
    }
    bench.clock.advance(14 * MINUTE)
    await alarms.mail_what_waits()
    assert await bench.count() == 2
    bench.clock.advance(MINUTE)
    await made_of(bench).mail_what_waits()  # as after a new start: what was held back is in the store
    await server.mail(3)
    text = server.received[2].text
    assert "trunk paris is up again" in text
    assert "trunk rome is down" in text
    assert "3 times since the last mail of this kind." in text
    bench.clock.advance(20 * MINUTE)
    await alarms.mail_what_waits()
    assert await bench.count() == 3


async def test_what_lasts_is_no_news(bench: MailBench, server: MailServer, alarms: Alarms) -> None:
    await bench.set(alarmrecipients="ann@example.com")
    for _ in range(40):
        alarms.raise_("disk", "the disk is nearly full")
        await settled(alarms)
        bench.clock.advance(MINUTE)
    await alarms.mail_what_waits()
    (row,) = await settled(alarms)
    assert (row["count"], row["active"], row["last_at"] - row["since"]) == (40, True, 39 * MINUTE)
    assert await bench.count() == 1
    bench.clock.advance(60 * MINUTE)
    alarms.raise_("disk", "the disk is nearly full")  # again after a while without
    await settled(alarms)
    assert await bench.count() == 2


async def test_each_guest_who_was_not_woken_is_told_within_a_minute(
    bench: MailBench, server: MailServer, alarms: Alarms
) -> None:
    await bench.set(alarmrecipients="ann@example.com")

    def miss(number: str) -> Callable[[UnitOfWork], None]:
        return lambda unit: alarms.raise_in(unit, f"wakeup:{number}", f"nobody was woken at {number}")

    for number in ("101", "102", "103"):
        await bench.store.write("test", miss(number))
    await server.mail(1)
    assert server.received[0].message["Subject"] == "[lobby] nobody was woken at 101"
    bench.clock.advance(MINUTE)
    await alarms.mail_what_waits()
    await server.mail(2)
    assert all(f"nobody was woken at {number}" in server.received[1].text for number in ("102", "103"))
    bench.clock.advance(5 * MINUTE)
    await bench.store.write("test", miss("101"))  # again, while the first one stands
    await server.mail(3)
    await bench.store.write("test", lambda unit: alarms.settle_in(unit, ["wakeup:101", "wakeup:9"], "out"))
    bench.clock.advance(86400.0)
    await bench.store.write("test", miss("102"))
    await bench.store.write(
        "test", lambda unit: alarms.settle_old_in(unit, "wakeup", bench.clock.now() - 60, "a day ago")
    )
    listed = {row["key"]: (row["active"], row["count"]) for row in await settled(alarms)}
    assert listed == {"wakeup:102": (True, 2), "wakeup:101": (False, 2), "wakeup:103": (False, 1)}
    assert await bench.count() == 4, "what is over is no news"


async def test_an_alarm_is_stored_with_what_it_tells_or_not_at_all(bench: MailBench, alarms: Alarms) -> None:
    def work(unit: UnitOfWork) -> None:
        alarms.raise_in(unit, "wakeup:101", "nobody was woken")
        raise StoreError("no")

    with pytest.raises(StoreError):
        await bench.store.write("test", work)
    assert await settled(alarms) == []
    assert await bench.count() == 0


async def test_what_was_not_wrong_is_not_cleared(
    bench: MailBench, server: MailServer, alarms: Alarms
) -> None:
    alarms.clear("engine", "the engine runs again")
    assert await settled(alarms) == []
    assert await bench.count() == 0


async def test_a_disk_that_is_full_is_told_once_and_when_it_has_room_again(
    bench: MailBench, alarms: Alarms
) -> None:
    for free in (90, 80, 70):
        alarms.disk(True, free << 20)
    (row,) = await settled(alarms)
    assert (row["count"], row["active"], "90 MB are free" in row["text"]) == (1, True, True)
    later = made_of(bench)  # a new start
    for _ in range(2):
        later.disk(False, 900 << 20)
    (row,) = await settled(later)
    assert (row["count"], row["active"], "900 MB are free" in row["text"]) == (1, False, True)


async def test_what_is_right_is_stored_once_and_until_it_is_stored(bench: MailBench, alarms: Alarms) -> None:
    alarms.raise_("mail", "the mail server cannot be used")
    await settled(alarms)
    with mock.patch.object(bench.store, "write", side_effect=StoreError("the disk is full")) as write:
        alarms.mail_server(True, "250 OK")
        assert [row["active"] for row in await settled(alarms)] == [True]
        assert write.call_count == 1
    with mock.patch.object(bench.store, "write", wraps=bench.store.write) as write:
        for _ in range(3):  # as with each mail that is sent
            alarms.mail_server(True, "250 OK")
            assert [row["active"] for row in await settled(alarms)] == [False]
        assert write.call_count == 1
        alarms.mail_server(False, "451 later")
        alarms.mail_server(True, "250 OK")
        assert [row["active"] for row in await settled(alarms)] == [False]
        assert write.call_count == 3


async def test_a_mail_server_that_is_away_for_minutes_is_listed(
    bench: MailBench, server: MailServer, alarms: Alarms
) -> None:
    bench.mailer.on_server(alarms.mail_server)
    await bench.set(alarmrecipients="")
    await server.close()
    mail = await bench.queue()

    def tried(times: int) -> bool:
        bench.clock.advance(200)
        bench.mailer.wake()
        return bool(bench.row(mail)["attempts"] >= times)

    await eventually(lambda: tried(5), "it was tried")
    (row,) = await settled(alarms)
    assert row["active"]
    assert row["text"].startswith("the mail server cannot be used: ")
    await server.start()
    await eventually(lambda: tried(99) or server.received, "it is sent")
    await bench.state(mail, State.DONE)
    (row,) = await settled(alarms)
    assert not row["active"]


async def test_without_recipients_or_server_alarms_are_listed_only(bench: MailBench, alarms: Alarms) -> None:
    alarms.raise_("engine", "the engine has ended")
    await settled(alarms)
    async with running_mail_server() as server:
        await bench.use(server)
        bench.clock.advance(20 * MINUTE)
        alarms.clear("engine", "it runs again")
        assert len(await settled(alarms)) == 1
        assert await bench.count() == 0


async def test_names_in_alarms_cannot_forge_headers_or_lines(
    bench: MailBench, server: MailServer, alarms: Alarms, caplog: pytest.LogCaptureFixture
) -> None:
    alarms.raise_("trunk:a\r\nb", "trunk a\r\nBcc: eve@example.com is down")
    await server.mail(1)
    assert b"\nBcc:" not in server.received[0].raw
    assert not any("\n" in record.getMessage() for record in caplog.records if "alarm" in record.getMessage())


class _Heard:
    def __init__(self) -> None:
        self.told: list[str] = []

    def raise_(self, key: str, text: str) -> None:
        self.told.append(f"+{key}")

    def clear(self, key: str, text: str) -> None:
        self.told.append(f"-{key}")


async def test_a_trunk_that_is_down_raises_an_alarm_once() -> None:
    heard, clock = _Heard(), ManualClock()
    states: dict[str, str | None] = {"one": "registered", "two": "registering"}
    rows: list[Row] = [{"trunkname": name} for name in states]

    async def trunks() -> list[Row]:
        return rows

    watch = TrunkWatch(trunks, lambda row: states[row["trunkname"]], heard, clock)
    watch.look(rows)
    states["one"] = "failure"
    for _ in range(3):
        watch.look(rows)
    assert heard.told == ["+trunk:one"]
    clock.advance(61)
    watch.look(rows)
    assert heard.told == ["+trunk:one", "+trunk:two"], "it has tried to register for too long"
    states["one"] = states["two"] = None  # the engine is away: nobody knows
    watch.look(rows)
    states |= {"one": "registering", "two": "registered"}
    watch.look(rows)
    assert heard.told[2:] == ["-trunk:two"], "to try again is not to be up again"
    states["one"] = "registered"
    watch.look(rows)
    assert heard.told[3:] == ["-trunk:one"]
    states["two"] = "failure"
    watch.look(rows)
    watch.look(rows[:1])  # deleted
    assert heard.told[4:] == ["+trunk:two", "-trunk:two"]
    states["one"] = "disable"
    watch.look(rows[:1])
    assert len(heard.told) == 6


async def test_a_store_that_could_not_be_written_is_told_once_it_can_be_again(
    bench: MailBench, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_module, "PATIENCE_SECONDS", 0.3)
    watch = StoreWatch(bench.store, alarms, seconds=0.05)
    watch.start()
    other = sqlite3.connect(bench.data / "offhook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program"):
        await bench.queue()
    assert await alarms.listed() == []
    other.rollback()
    other.close()

    async def over() -> bool:
        return [(row["key"], row["active"]) for row in await alarms.listed()] == [("store", False)]

    while not await over():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await watch.close()
    (row,) = await settled(alarms)
    assert row["count"] == 1
    assert bench.store.failing == ""
