"""Delivery to receivers that behave as those in the field do (spec 19-tolerances, `push`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from offhook.callstate.model import ExtensionState
from offhook.events.addresses import Addresses
from offhook.events.api import CallStatus, ConfigChange, Dialect, ExtensionStatus
from offhook.events.http_push import Pusher, Try
from offhook.events.target import Target
from tests.support.delivery import CDR, Bench, running_bench
from tests.support.pbx import Receiver, free_port
from tests.support.phone import eventually


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


async def test_the_request_is_that_of_the_appliances_in_one_segment(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    bench.tell(ConfigChange("extension", "1000", "add"))
    await eventually(lambda: receiver.raw, "the event comes")
    body = b'{"event":"ConfigChange","type":"extension","extid":"1000","operation":"add","sn":"123456789012"}'
    assert (
        receiver.raw[0]
        == (
            b"POST / HTTP/1.1\r\n"
            b"Host: 127.0.0.1:%d\r\n"
            b"Accept: application/json\r\n"
            b"User-Agent: WebAPI\r\n"
            b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % (receiver.port, len(body))
        )
        + body
    )


async def test_events_of_a_call_arrive_in_order(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    for number in range(30):
        bench.tell(ConfigChange("extension", str(number), "add"))
        bench.tell(CallStatus(f"1.{number % 3}", ()))
    await bench.record(replace(CDR, callid="1.0"))
    await eventually(lambda: len(receiver.events) == 61, "all events come")
    changes = [event["extid"] for event in receiver.named("ConfigChange")]
    assert changes == [str(number) for number in range(30)]
    assert receiver.of_call("1.0")[-1]["event"] == "NewCdr"


async def test_sessions_with_one_target_share_it(bench: Bench, receiver: Receiver) -> None:
    for session in ("a", "b", "c"):
        await bench.receiver(session, receiver.port)
    bench.tell(ConfigChange("extension", "1", "add"))
    await eventually(lambda: receiver.events, "the event comes")
    bench.dead |= {"a", "b"}
    bench.tell(ConfigChange("extension", "2", "add"))
    await eventually(lambda: len(receiver.events) == 2, "a living session is enough")
    bench.dead.add("c")
    bench.tell(ConfigChange("extension", "3", "add"))
    await bench.receiver("d", receiver.port)
    bench.tell(ConfigChange("extension", "4", "add"))
    await eventually(lambda: len(receiver.events) == 3, "a new login begins anew")
    assert [event["extid"] for event in receiver.events] == ["1", "2", "4"]


async def test_the_newest_login_sets_the_dialect(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("a", receiver.port)
    bench.tell(ConfigChange("extension", "1", "add"))
    await eventually(lambda: receiver.events, "the first comes")
    await bench.receiver("b", receiver.port, Dialect.V1_0_0)
    bench.tell(ConfigChange("extension", "2", "add"))
    await eventually(lambda: len(receiver.events) == 2, "the second comes")
    assert ["event" in event for event in receiver.events] == [True, False]


async def test_gated_events_stay_here(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    bench.tell(ExtensionStatus("9", ExtensionState.BUSY))
    bench.tell(ExtensionStatus("8", ExtensionState.BUSY))
    await eventually(lambda: receiver.events, "the other comes")
    assert [event["extension"] for event in receiver.events] == ["8"]


async def test_no_good_receiver_waits_for_a_hostile_one(bench: Bench, receiver: Receiver) -> None:
    """Nobody hostile is done with its first event before the good one has its last: so it waited for none."""
    open_ones: set[asyncio.StreamWriter] = set()
    enough = asyncio.Event()

    async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 ":
            writer.write(bytes([byte]))
            await asyncio.sleep(0.3)

    async def huge(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 " + b"x" * (1 << 22))

    async def garbage(writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00" * 5000)

    async def redirect(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")

    async def close(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def never(_writer: asyncio.StreamWriter) -> None:
        await enough.wait()

    def serve(
        answer: Callable[[asyncio.StreamWriter], Awaitable[None]],
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_ones.add(writer)
            with contextlib.suppress(OSError):
                await answer(writer)
                await enough.wait()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            open_ones.discard(writer)

        return handler

    kinds = (never, byte_by_byte, huge, garbage, redirect, close)
    servers = [await asyncio.start_server(serve(kind), "127.0.0.1", 0) for kind in kinds]
    ports = [server.sockets[0].getsockname()[1] for server in servers] + [free_port()]
    for number, port in enumerate(ports):
        await bench.receiver(f"hostile {number}", port)
    await bench.receiver("good", receiver.port)
    for number in range(50):
        bench.tell(CallStatus("1.1", ()))
        bench.tell(ConfigChange("extension", str(number), "add"))
    await eventually(lambda: len(receiver.events) == 100, "the good one has all", 20)
    never_done = [one for one in bench.dispatcher.http.states() if one.receiver.target.port == ports[0]]
    assert never_done[0].waiting, "the one that never answers has not got all, and nobody waited for it"
    bench.dispatcher.http.pause()
    enough.set()
    for server in servers:
        server.close()
    await eventually(lambda: not open_ones, "all are gone")


async def test_a_receiver_is_held_to_its_200(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    receiver.answer = b"HTTP/1.1 500 No\r\n\r\n"
    bench.tell(ConfigChange("extension", "1", "add"))
    await eventually(lambda: len(receiver.events) >= 2, "a 500 is tried again")
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    bench.tell(ConfigChange("extension", "2", "add"))
    await eventually(lambda: receiver.events[-1]["extid"] == "2", "the next comes when it answers")
    told = [event["extid"] for event in receiver.events]
    assert told == sorted(told), "in order behind the repeats"
    receiver.answer = b"HTTP/1.1 400 Do not know\r\n\r\n"
    before = len(receiver.events)
    bench.tell(ConfigChange("extension", "3", "add"))
    bench.tell(ConfigChange("extension", "4", "add"))
    await eventually(lambda: receiver.events[-1]["extid"] == "4", "a 400 is not tried again")
    assert len(receiver.events) == before + 2


async def test_a_record_waits_for_its_receiver_over_a_restart(bench: Bench) -> None:
    port = free_port()
    await bench.receiver("s", port)
    await bench.record()
    await bench.again()
    receiver = Receiver()
    await receiver.start(port)
    await eventually(lambda: receiver.named("NewCdr"), "the record comes late", 15)
    await bench.again()
    await bench.record(replace(CDR, callid="1.2"))
    await eventually(lambda: len(receiver.named("NewCdr")) == 2, "the next record comes")
    assert [event["callid"] for event in receiver.named("NewCdr")] == ["1.1", "1.2"]
    await receiver.close()


async def test_boot_up_needs_no_living_token(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    bench.dead.add("s")
    bench.dispatcher.boot_up()
    await eventually(lambda: receiver.named("BootUp"), "BootUp comes")


async def test_a_logged_out_receiver_is_owed_nothing(bench: Bench, receiver: Receiver) -> None:
    await bench.receiver("s", receiver.port)
    await bench.dispatcher.end_session("s")
    await bench.record()
    bench.dispatcher.boot_up()
    await bench.receiver("t", receiver.port)
    bench.tell(ConfigChange("extension", "1", "add"))
    await eventually(lambda: receiver.events, "the new login gets events")
    assert [event["event"] for event in receiver.events] == ["ConfigChange"]


async def test_a_burst_to_others_leaves_before_what_is_last(receiver: Receiver) -> None:
    pusher = Pusher(Addresses())
    results: list[Try] = []
    target = Target("http", "127.0.0.1", receiver.port, "/")
    for number in range(40):
        data = b'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"n": %2d}' % number
        pusher.push(target, data, 1.0, results.append, last=number < 20)
    assert pusher.in_flight == 40
    await eventually(lambda: len(results) == 40, "all are answered")
    assert {event["n"] for event in receiver.events[:20]} == set(range(20, 40))
    assert pusher.in_flight == 0
    await pusher.close()
