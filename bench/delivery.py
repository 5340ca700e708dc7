"""How long events take to their receivers, what they cost, and whether hostile receivers delay the others.

scripts/bench delivery [--seconds 20]

A real dispatcher on a real store, without an engine; the receivers are another process. The added delay is
the difference of two runs on the same machine, one after another, without and with the hostile receivers. The
hostile ones' own process is niced: they stand for other machines, whose work does not slow this one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row, print_rows
from offhook.callstate.model import ExtensionState, Member, MemberStatus, PartyKind
from offhook.clock import Clock
from offhook.events.addresses import Addresses
from offhook.events.api import CallStatus, Dialect, Event, ExtensionStatus, NewCdr, Target
from offhook.events.dispatcher import Dispatcher
from offhook.events.settings import ReportMethod
from offhook.store.migrate import open_store
from offhook.store.unit import Store

TURN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured: delays and CPU in seconds, the CPU for one call and of one push."""

    delays: list[float]
    per_call: float
    per_push: float
    missing: int

    def at(self, share: float) -> float:
        """A percentile, in milliseconds."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class Calls:
    """Publishes the events of calls, and notes when each was told by its number in its callid."""

    def __init__(self, dispatcher: Dispatcher, store: Store) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self.told: dict[str, float] = {}
        self.count = 0

    def _status(self, callid: str, a: str, b: str, left: MemberStatus, right: MemberStatus) -> None:
        members = tuple(
            Member(kind=PartyKind.EXT, number=number, channelid=f"PJSIP/{number}-00000001", status=status)
            for number, status in ((a, left), (b, right))
        )
        self._live(CallStatus(callid, members))

    def _live(self, event: Event, lane: str = "") -> None:
        self.told[getattr(event, "callid", "")] = time.monotonic()
        self._dispatcher.publish_soon(event, lane)

    async def one(self) -> None:
        """A call from ringing to its record: ten events; each CallStatus has a callid of its own to be timed,
        and the lane of the call."""
        self.count += 1
        call, a, b = f"17000{self.count:05d}", str(1000 + self.count % 50), str(2000 + self.count % 50)
        steps = (
            (MemberStatus.ALERT, MemberStatus.RING, ExtensionState.RINGING),
            (MemberStatus.ANSWERED, MemberStatus.ANSWER, ExtensionState.BUSY),
            (MemberStatus.BYE, MemberStatus.BYE, ExtensionState.REGISTERED),
        )
        for at, (left, right, word) in enumerate(steps):
            self._status(f"{call}.{at}", a, b, left, right)
            for number in (a, b):
                self._live(ExtensionStatus(number, word, "192.168.5.100"), f"{call}.{at}")
            await asyncio.sleep(TURN_SECONDS)
        cdr = NewCdr(
            callid=f"{call}.9",
            timestart="2026-01-01 00:00:00",
            callfrom=a,
            callto=b,
            call_seconds=1,
            talk_seconds=1,
            status="ANSWERED",
            type="Internal",
        )
        await self._store.write("record", lambda unit: self._dispatcher.publish(unit, cdr))


@contextlib.asynccontextmanager
async def crowd(good: int, hostile: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[list[int]]]]:
    """Receivers in a process of their own, with the ports of the good and of the hostile ones."""
    process = await asyncio.create_subprocess_exec(
        *(("nice", "-n", "19") if hostile else ()),
        sys.executable,
        "-m",
        "bench.crowd",
        str(good),
        str(hostile),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 28,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.contextmanager
def dead_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def run(good: int, hostile: int, rate: float, seconds: float) -> Figures:
    """So many receivers of each sort, and calls at a rate."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-delivery-"))
        store = open_store(Path(folder) / "offhook.db", ())
        # apart from each other: what the hostile ones do must not keep the good ones from their clock
        _, (_, bad) = await stack.enter_async_context(crowd(0, max(0, hostile - 1)))
        process, (well, _) = await stack.enter_async_context(crowd(good, 0))

        async def nobody(_name: str, _secret: str, _address: str, _port: int) -> bool:
            return False

        dispatcher = Dispatcher(
            store,
            Clock(),
            sn=lambda: "369451090405",
            gate=lambda _event: True,
            alive=lambda _session: True,
            check_login=nobody,
            addresses=Addresses(),
        )
        await dispatcher.start("127.0.0.1", ReportMethod.HTTP, 0)
        if hostile:
            bad = [*bad, stack.enter_context(dead_port())]
        for at, port in enumerate((*bad, *well)):
            await dispatcher.register(f"s{at}", Target("http", "127.0.0.1", port, "/"), Dialect.V2_0_0)
        calls = Calls(dispatcher, store)
        await asyncio.gather(*(calls.one() for _ in range(5)))  # until it is known who answers
        await asyncio.sleep(2.0)
        calls.told.clear()
        before, began, tasks = time.process_time(), time.monotonic(), []
        for turn in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + turn / rate - time.monotonic()))
            tasks.append(asyncio.create_task(calls.one()))
        await asyncio.gather(*tasks)
        cpu = time.process_time() - before
        await asyncio.sleep(1.0)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        got = json.loads(await process.stdout.readline())
        await dispatcher.close()
        store.close()
    timed = {callid for callid in calls.told if callid}
    delays = [at - calls.told[callid] for received in got for callid, at in received if callid in timed]
    missing = len(timed) * good - len(delays)
    pushes = max(1, len(tasks) * 10 * (good + hostile))
    return Figures(delays, cpu / len(tasks), cpu / pushes, missing)


async def measure(seconds: float) -> list[Row]:
    """All figures."""
    rows = []
    for good, hostile, rate in ((40, 10, 5.0), (4, 1, 50.0)):
        alone = await run(good, 0, rate, seconds)
        beside = await run(good, hostile, rate, seconds)
        what = f"{good} receivers at {rate:g} calls/s"
        for name, figures in ((what, alone), (f"{what}, {hostile} hostile ones beside", beside)):
            rows.append(
                Row(
                    name,
                    f"p50 {figures.at(0.5):.1f} ms, p99 {figures.at(0.99):.1f} ms, {figures.missing} missing",
                    "none missing",
                )
            )
        added = beside.at(0.99) - alone.at(0.99)
        rows.append(Row("  added to the p99 by them", f"{added:.1f} ms", "below 10 ms"))
        rows.append(
            Row(
                "  CPU for one call, for one push",
                f"{alone.per_call * 1000:.1f} ms, {alone.per_push * 1e6:.0f} us",
            )
        )
    one = await run(1, 0, 5.0, seconds)
    none = await run(0, 0, 5.0, seconds)
    rows.append(Row("CPU for one call, one receiver, 5 calls/s", f"{one.per_call * 1000:.2f} ms"))
    rows.append(Row("CPU for one call, no receiver (journal)", f"{none.per_call * 1000:.2f} ms"))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    print_rows(asyncio.run(measure(parser.parse_args().seconds)))
