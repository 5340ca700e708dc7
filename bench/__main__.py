"""Measures a whole PBX from outside and prints one table (see bench/README.md)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.pbx import STRONG, Client, Json, Receiver
from tests.support.phone import Phone, eventually
from tests.support.process import UpProcess, up_process

from bench.fold import fold_rate
from bench.table import Row, print_rows, spread

EXTENSIONS = 2000
PAIRS = 20


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TimedReceiver(Receiver):
    """Notes when each extension's RING arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: dict[str, float] = {}

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = len(self.events)
        await super()._take(reader, writer)
        for event in self.events[count:]:
            self._note(event)

    def _note(self, event: Json) -> None:
        for member in event.get("members", ()):
            ext = member.get("ext", {})
            if ext.get("memberstatus") == "RING":
                self.rung.setdefault(ext["number"], time.perf_counter())


class TimedPhone(Phone):
    """Notes when an INVITE came and when 180 was sent."""

    invited = 0.0
    rang = 0.0

    def _on_invite(self, message: object) -> None:
        self.invited = time.perf_counter()
        super()._on_invite(message)  # type: ignore[arg-type]

    def respond(self, request: object, status: int, **more: str) -> None:
        if status == 180:
            self.rang = time.perf_counter()
        super().respond(request, status, **more)  # type: ignore[arg-type]


def number(index: int) -> str:
    """The number of the n-th extension."""
    return str(10000 + index)


async def declare(up: UpProcess) -> None:
    """Make all extensions in one document."""
    lines = ["extensions:"]
    for index in range(EXTENSIONS):
        n = number(index)
        lines.append(
            f'- {{number: "{n}", username: "U{n}", registername: "{n}", registerpassword: "{STRONG}"}}'
        )
    path = up.data / "extensions.yaml"
    path.write_text("\n".join(lines) + "\n")
    status, output = await up.command("apply", str(path))
    if status:
        raise SystemExit(f"the extensions could not be made: {output[-500:]}")


@contextlib.asynccontextmanager
async def phones(up: UpProcess, count: int) -> AsyncIterator[list[TimedPhone]]:
    """Registered phones that answer by themselves."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for index in range(count):
            phone = TimedPhone(number(index), STRONG, ("127.0.0.1", up.sip_port))
            made.append(await stack.enter_async_context(phone))
            await phone.register()
            phone.auto_answer = True
        yield made


async def dial_to_invite(client: Client, all_phones: list[TimedPhone], rounds: int) -> Row:
    """From sending call/dial to the INVITE at the caller's phone."""
    taken = []
    for turn in range(rounds):
        caller, callee = all_phones[turn % PAIRS], all_phones[PAIRS + turn % PAIRS]
        caller.invited = 0.0
        begin = time.perf_counter()
        await client.ok("call/dial", {"caller": caller.number, "callee": callee.number})
        await eventually(lambda phone=caller: phone.invited, "the INVITE")  # type: ignore[misc]
        taken.append(caller.invited - begin)
        await eventually(lambda phone=callee: any(c.is_up for c in phone.calls), "the call is up")  # type: ignore[misc]
        for call in caller.calls:
            if call.is_up:
                await call.hangup()
        await eventually(lambda phone=callee: not any(c.is_up for c in phone.calls), "it ended")  # type: ignore[misc]
        caller.forget_calls()
        callee.forget_calls()
    return Row("call/dial to first INVITE", spread(taken), "p50 below 20 ms")


async def query_one(client: Client, seconds: float) -> Row:
    """extension/query of one extension at 200 requests per second."""
    taken: list[float] = []

    async def ask(index: int) -> None:
        begin = time.perf_counter()
        await client.ok("extension/query", {"number": number(index % EXTENSIONS)})
        taken.append(time.perf_counter() - begin)

    begin, tasks = time.perf_counter(), []
    for index in range(int(seconds * 200)):
        await asyncio.sleep(max(0.0, begin + index / 200 - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(index * 7)))
    await asyncio.gather(*tasks)
    return Row("extension/query of one at 200/s (new connection each)", spread(taken), "p99 below 3 ms")


async def query_all(client: Client, rounds: int) -> Row:
    """extension/query of all extensions, one request after another."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        await client.ok("extension/query", {"number": "all"})
        taken.append(time.perf_counter() - begin)
    rate = len(taken) / sum(taken)
    return Row(f"extension/query of all {EXTENSIONS}", f"{spread(taken)}, {rate:.1f} requests/s")


async def calls(
    all_phones: list[TimedPhone], rate: float, count: int, receiver: TimedReceiver | None
) -> list[float]:
    """Calls dialled on phones at a rate; returns the times from each 180 to its event."""
    delays: list[float] = []

    async def one(turn: int) -> None:
        caller, callee = all_phones[turn % PAIRS], all_phones[PAIRS + turn % PAIRS]
        if receiver is not None:
            receiver.rung.pop(callee.number, None)
        call = await caller.call(callee.number)
        await call.answered()
        if receiver is not None:
            await eventually(lambda: callee.number in receiver.rung, "the event of the 180")
            delays.append(receiver.rung[callee.number] - callee.rang)
        await asyncio.sleep(0.5)
        await call.hangup()
        caller.forget_calls()
        callee.forget_calls()

    begin, tasks = time.perf_counter(), []
    for turn in range(count):
        await asyncio.sleep(max(0.0, begin + turn / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(turn)))
    await asyncio.gather(*tasks)
    return delays


async def under_load(
    up: UpProcess, all_phones: list[TimedPhone], receiver: TimedReceiver, count: int
) -> list[Row]:
    """10 calls per second: from SIP to the receiver, what each process spends; then the engine alone."""
    before = cpu_seconds(up.pid), cpu_seconds(up.engine_pid)
    delays = await calls(all_phones, 10, count, receiver)
    await asyncio.sleep(1)
    ours, engine = cpu_seconds(up.pid) - before[0], cpu_seconds(up.engine_pid) - before[1]
    pid = up.engine_pid
    await up.kill()
    begin = cpu_seconds(pid)
    await calls(all_phones, 10, count, None)
    await asyncio.sleep(1)
    bare = cpu_seconds(pid) - begin
    return [
        Row(
            "SIP 180 to event at the receiver, 10 calls/s", spread(delays), "p50 below 15 ms, p99 below 60 ms"
        ),
        Row(
            "CPU of the control plane per call",
            f"{ours / count * 1000:.1f} ms",
            "below a third of the engine's",
        ),
        Row(
            "CPU of the engine per call", f"{engine / count * 1000:.1f} ms (ours: {ours / engine:.0%} of it)"
        ),
        Row("CPU of the bare engine per call, same calls", f"{bare / count * 1000:.1f} ms"),
    ]


async def main(short: bool) -> None:
    """Run everything and print the table."""
    receiver = TimedReceiver()
    await receiver.start()
    async with up_process() as up:
        await up.start()
        client = await up.client()
        begin = time.perf_counter()
        await declare(up)
        rows = [Row(f"apply of {EXTENSIONS} extensions", f"{time.perf_counter() - begin:.1f} s")]
        await client.login(version="2.0.0", port=str(receiver.port))
        rows.append(await query_one(client, 3 if short else 10))
        rows.append(await query_all(client, 5 if short else 20))
        async with phones(up, 2 * PAIRS) as all_phones:
            rows.append(await dial_to_invite(client, all_phones, 30 if short else 200))
            rows += await under_load(up, all_phones, receiver, 100 if short else 600)
        await client.close()
    await receiver.close()
    rows.append(Row("events into the picture, 1000 calls up", f"{fold_rate():.0f} per second of CPU", "5000"))
    print_rows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="about a minute")
    asyncio.run(main(parser.parse_args().short))
