"""Killed -9 while events are told: every acknowledged record arrives, unchanged, in the order of its call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.support.pbx import Receiver
from tests.support.waiting import eventually

LIVES = 3


@contextlib.asynccontextmanager
async def a_life(folder: Path, port: int, life: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.events_process",
        str(folder),
        str(port),
        life,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def acknowledged(process: asyncio.subprocess.Process, enough: int) -> list[str]:
    """What it has said so far, at least so many lines, and what is still in the pipe after its death."""
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(enough)]
    assert all(lines), "it has died by itself"
    process.kill()
    rest = (await process.stdout.read()).decode()
    return [*lines, *(line for line in rest.split("\n")[:-1] if line)]


def check(events: Sequence[dict[str, str]]) -> None:
    """The events of a call: in order, and each that comes twice the same."""
    order = ["CallStatus", "satisfaction", "NewCdr"]
    calls: dict[str, list[str]] = {}
    for event in events:
        calls.setdefault(event["callid"], []).append(event["event"])
        if event["event"] == "NewCdr":
            assert event["pincode"] == event["callid"]
    for callid, told in calls.items():
        first = [told.index(name) for name in order if name in told]
        assert first == sorted(first), (callid, told)
        # what is sent again after a death is durable, and begins where it was left off
        assert told.count("CallStatus") <= 1, (callid, told)


async def test_what_was_acknowledged_arrives_whoever_dies(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    receiver, promised = Receiver(), set[str]()
    await receiver.start()
    for life in range(LIVES):
        if life == 1:
            await receiver.close()  # nobody is there for a whole life
        if life == 2:
            await receiver.start(receiver.port)
        async with a_life(tmp_path, receiver.port, f"life{life}") as process:
            promised.update(await acknowledged(process, chance.randrange(20, 60)))
    async with a_life(tmp_path, receiver.port, "last"):

        def come() -> bool:
            return promised <= {event["callid"] for event in receiver.named("NewCdr")}

        await eventually(come, "every record arrives", 20)
    await receiver.close()
    check(receiver.events)
