"""What a receiver gets of what it missed: while its token had ended, it was down, or events went over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from offhook.callstate.model import ExtensionState
from offhook.events.api import Alarm, CallStatus, ExtensionStatus, Satisfaction
from offhook.events.settings import Replay, ReportMethod
from tests.support.delivery import CDR, Bench, running_bench
from tests.support.pbx import Receiver, free_port
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_bench(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start()
    yield made
    await made.close()


def of_call(receiver: Receiver, number: int) -> list[str]:
    """What came of a call, in order; different calls come beside each other."""
    marks = {f"1.{number}", f"100{number}"}
    return [
        event["event"] for event in receiver.events if marks & {event.get("callid"), event.get("extension")}
    ]


async def a_call(bench: Bench, callid: str) -> None:
    """Four events of a call, the last its record."""
    bench.tell(CallStatus(callid, ()))
    bench.dispatcher.publish_soon(ExtensionStatus(f"100{callid[-1]}", ExtensionState.REGISTERED), callid)
    bench.tell(Satisfaction(callid, "1"))
    await bench.record(replace(CDR, callid=callid))


MISSED = {
    Replay.NONE: [],
    Replay.RECORDS: ["satisfaction", "NewCdr"],
    Replay.ALL: ["CallStatus", "ExtensionStatus", "satisfaction", "NewCdr"],
}


@pytest.mark.parametrize("replay", Replay)
@pytest.mark.parametrize("restart", [False, True])
async def test_after_a_lapse_comes_what_operators_have_chosen(
    bench: Bench, receiver: Receiver, replay: Replay, restart: bool
) -> None:
    bench.choose(replay)
    await bench.receiver("old", receiver.port)
    await a_call(bench, "1.1")
    await eventually(lambda: len(receiver.events) == 4, "the first call is told")
    bench.dead.add("old")
    await a_call(bench, "1.2")
    if restart:
        await bench.again()
        bench.choose(replay)
    await bench.receiver("new", receiver.port)
    await a_call(bench, "1.3")
    await eventually(lambda: len(of_call(receiver, 3)) == 4, "the new call is told")
    await eventually(lambda: len(of_call(receiver, 2)) == len(MISSED[replay]), "what was missed has come")
    await asyncio.sleep(0.05)
    assert [of_call(receiver, number) for number in (1, 2, 3)] == [
        MISSED[Replay.ALL],
        MISSED[replay],
        MISSED[Replay.ALL],
    ]
    letters = await bench.dispatcher.http.dead_letters.listed(1, 10)
    assert len(letters) == (2 if replay is Replay.NONE else 0)


async def test_a_new_receiver_has_missed_nothing(bench: Bench, receiver: Receiver) -> None:
    bench.choose(Replay.ALL)
    await a_call(bench, "1.1")
    await bench.receiver("s", receiver.port)
    await bench.dispatcher.end_session("s")
    await a_call(bench, "1.2")
    await bench.receiver("t", receiver.port)
    await a_call(bench, "1.3")
    await eventually(lambda: len(receiver.events) == 4, "the last call is told")
    assert of_call(receiver, 3) == MISSED[Replay.ALL]


async def test_records_of_a_time_with_tcp_are_owed_where_nobody_was_there_to_take_them(
    bench: Bench, receiver: Receiver
) -> None:
    await bench.receiver("s", receiver.port)
    port = free_port()
    await bench.dispatcher.set_method("127.0.0.1", ReportMethod.TCP, port)
    await a_call(bench, "1.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"Action: login\r\nUsername: api\r\nSecret: right\r\nVersion: 2.0.0\r\n\r\n")
    assert await reader.readline() == b"Login Success\r\n"
    await eventually(lambda: bench.dispatcher.tcp.connections, "it is known")
    await a_call(bench, "1.2")
    for _ in range(4):
        assert b"1.1" not in await reader.readline()
    await bench.dispatcher.set_method("127.0.0.1", ReportMethod.HTTP, port)
    await a_call(bench, "1.3")
    await eventually(lambda: len(receiver.events) == 6, "all come")
    assert of_call(receiver, 1) == MISSED[Replay.RECORDS]
    assert of_call(receiver, 2) == []
    assert of_call(receiver, 3) == MISSED[Replay.ALL]
    writer.close()


async def test_what_only_the_feed_knows_goes_to_no_receiver(bench: Bench, receiver: Receiver) -> None:
    bench.choose(Replay.ALL)
    await bench.receiver("s", receiver.port)
    bench.tell(Alarm("disk", "raised", "full"))
    bench.dead.add("s")
    bench.tell(Alarm("disk", "cleared", "empty"))
    await bench.receiver("t", receiver.port)
    await bench.record()
    await eventually(lambda: receiver.events, "the record comes")
    assert [event["event"] for event in receiver.events] == ["NewCdr"]
    assert [entry.kind for entry in await bench.dispatcher.journal.after(0, 9)] == [
        "Alarm",
        "Alarm",
        "NewCdr",
    ]


async def test_operators_hear_of_a_receiver_that_fails_for_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.events.delivery.DOWN_SECONDS", 0.0)
    told: list[tuple[str, bool, str]] = []
    bench.dispatcher.on_receiver(lambda authority, down, text: told.append((authority, down, text)))
    port = free_port()
    await bench.receiver("s", port)
    await bench.record()
    http = bench.dispatcher.http
    await eventually(lambda: http.states()[0].down_since, "it fails")
    http.look()
    http.look()
    assert [(authority, down) for authority, down, _ in told] == [(f"127.0.0.1:{port}", True)]
    assert "no connection" in told[0][2]
    receiver = Receiver()
    await receiver.start(port)
    await eventually(lambda: receiver.named("NewCdr"), "it answers")
    await eventually(lambda: http.states()[0].state == "up", "it is well")
    http.look()
    assert [down for _, down, _ in told] == [True, False]
    await receiver.close()


async def test_what_a_receiver_refuses_becomes_a_dead_letter_and_holds_up_nothing(
    bench: Bench, receiver: Receiver
) -> None:
    await bench.receiver("s", receiver.port)
    receiver.answer = b"HTTP/1.1 400 No\r\n\r\n"
    bench.tell(CallStatus("1.1", ()))
    await bench.record()
    await eventually(lambda: len(receiver.events) == 2, "both are tried, once")
    bench.dispatcher.http.look()
    listed = bench.dispatcher.http.dead_letters.listed
    found: list[str] = []
    async with asyncio.timeout(5):
        while len(found) < 2:
            found = [letter.kind for letter in await listed(1, 10)]
            await asyncio.sleep(0.02)
    assert sorted(found) == ["CallStatus", "NewCdr"]
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    bench.tell(CallStatus("1.2", ()))
    await eventually(lambda: len(receiver.events) == 3, "the next comes")


async def test_dead_letters_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offhook.events.dead_letters.DURABLE_KEPT", 5)
    receiver = Receiver(b"HTTP/1.1 404 No\r\n\r\n")
    await receiver.start()
    await bench.receiver("s", receiver.port)
    for number in range(12):
        await bench.record(replace(CDR, callid=f"1.{number}"))
    await eventually(lambda: len(receiver.events) == 12, "all are tried")
    await bench.dispatcher.http._deliveries.close()
    letters = await bench.dispatcher.http.dead_letters.listed(1, 100)
    assert len(letters) == 5
    await receiver.close()


async def test_a_receiver_of_long_ago_is_forgotten(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    bench.dead.add("s")
    known = bench.dispatcher.receivers
    await known.tidy()
    assert known.get(1) is not None
    known.all()[0].updated -= 300 * 3600
    await known.tidy()
    assert known.all() == ()
    await bench.receiver("t", receiver.port)
    await bench.record()
    await eventually(lambda: receiver.named("NewCdr"), "it is as a new one")


async def test_who_is_here_is_owed_and_of_those_away_only_the_newest(
    bench: Bench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that takes another port at each start must not leave a trail of debts."""
    monkeypatch.setattr("offhook.events.receivers.AWAY_MAX", 2)
    monkeypatch.setattr("offhook.events.dispatcher.HERE_MAX", 4)
    known = bench.dispatcher.receivers
    for number in range(4):
        await bench.receiver(f"s{number}", receiver.port + 1 + number)
    await bench.receiver("too many", receiver.port)
    assert len(known.all()) == 4
    bench.dead |= {"s0", "s1", "s2"}
    for one in known.all():
        one.updated += one.id - 10.0
    known.all()[3].updated -= 100 * 3600  # only heard of by its requests since
    known.refresh()
    assert known.owed() == (4, 3, 2)
