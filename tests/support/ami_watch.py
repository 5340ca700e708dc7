"""A switch on a real engine that keeps all that it told, and what can come between the two."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from offhook.asterisk.ami.client import Timing
from offhook.asterisk.process import EngineProcess
from offhook.asterisk.static import AMI_USER
from offhook.asterisk.switch import EngineRefused, OriginateRequest, Snapshot, Switch
from offhook.clock import Clock
from tests.support.phone import eventually

FAST = Timing(pong=0.5, ping_busy=0.02, ping_rest=0.2, pauses=(0.02, 0.05))


class Watch:
    """A switch, and all that it told."""

    def __init__(self, engine: EngineProcess, port: Callable[[], int] | None = None) -> None:
        self.events: list[Mapping[str, str]] = []
        self.told: list[str] = []
        self.snapshots: list[Snapshot] = []
        self.switch = Switch(
            lambda: ("127.0.0.1", port() if port else engine.ami[0], AMI_USER, engine.ami[1]),
            Clock(),
            on_events=self._take,
            on_connected=self._connected,
            on_lost=lambda: self.told.append("lost"),
            rate=200,
            timing=FAST,
        )

    def _take(self, events: Sequence[Mapping[str, str]]) -> None:
        self.events += events

    async def _connected(self) -> None:
        self.told.append("connected")
        self.snapshots.append(await self.switch.snapshot())

    def of(self, uniqueid: str) -> list[str]:
        """The names of one channel's events."""
        return [event["Event"] for event in self.events if event.get("Uniqueid") == uniqueid]

    async def seen(self, name: str, **headers: str) -> Mapping[str, str]:
        """Wait for an event."""

        def found() -> list[Mapping[str, str]]:
            return [
                event
                for event in self.events
                if event["Event"] == name and all(event.get(key) == value for key, value in headers.items())
            ]

        await eventually(found, f"{name} {headers}")
        return found()[-1]

    async def call(self, exten: str = "stay", **variables: str) -> str:
        """Begin a call of a Local channel; returns its id when it has answered."""
        callid = self.switch.next_call_id()
        await self.switch.originate(request(self.switch, callid, exten, variables))
        await self.seen("OriginateResponse", Uniqueid=callid, Response="Success")
        return callid

    async def name(self, callid: str) -> str:
        """The name of a call's first channel."""
        return (await self.seen("Newchannel", Uniqueid=callid))["Channel"]


def request(
    switch: Switch, callid: str, exten: str, variables: Mapping[str, str] | None = None
) -> OriginateRequest:
    """A call of a Local channel to an extension of the context `ami`."""
    return OriginateRequest(
        callid=callid,
        channel="Local/listen@ami/n",
        other_channel_id=switch.next_call_id(),
        context="ami",
        exten=exten,
        timeout=5,
        variables=variables or {},
    )


@contextlib.asynccontextmanager
async def watching(engine: EngineProcess, port: Callable[[], int] | None = None) -> AsyncIterator[Watch]:
    """A switch on the engine, or behind another port; no channel is left behind."""
    watch = Watch(engine, port)
    watch.switch.start()
    try:
        await watch.switch.wait_healthy(20)
        yield watch
        if watch.switch.healthy:
            for channel in (await watch.switch.snapshot()).channels:
                with contextlib.suppress(EngineRefused):
                    await watch.switch.hangup(channel["Channel"], 16)
            await nothing_left(watch.switch)
    finally:
        await watch.switch.close()


async def nothing_left(switch: Switch) -> None:
    """Wait until the engine has no channel."""
    async with asyncio.timeout(20):
        while (await switch.snapshot()).channels:  # noqa: ASYNC110 - asking is the condition
            await asyncio.sleep(0.05)


async def freeze(pid: int) -> None:
    """Stop a process; returns when none of its threads runs any more."""
    os.kill(pid, signal.SIGSTOP)

    def still() -> bool:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)

    await eventually(still, "every thread has stopped")


class Proxy:
    """Stands between switch and engine and can stop forwarding without closing anything."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flow = asyncio.Event()
        self._flow.set()
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """From now on what comes in goes nowhere."""
        self._flow.clear()

    def flow(self) -> None:
        """Forward again."""
        self._flow.set()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        engine_reader, engine_writer = await asyncio.open_connection("127.0.0.1", self._engine.ami[0])
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, engine_writer))
                group.create_task(self._forward(engine_reader, writer))
        finally:
            writer.transport.abort()
            engine_writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flow.wait()
                writer.write(data)
        writer.close()
