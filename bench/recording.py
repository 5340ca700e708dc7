"""Many calls recorded at once: what that costs, and whether the audio has gaps.

`python -m bench.recording --calls 120 --seconds 30` lets so many pairs of phones talk, both sides with a
tone, and looks at every 20 ms of each side of each recording while all were up. One process sends for all.
Where it was late itself no recording could avoid a gap: those are told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]
from tests.support.pbx import STRONG, Client, Receiver, free_range
from tests.support.phone import Call, Phone, eventually
from tests.support.process import UpProcess, up_process
from tests.support.rtp import RtpPort

from bench.__main__ import cpu_seconds
from bench.table import Row, print_rows
from offhook.asterisk.scheduling import is_real_time

FRAME = 0.02
LATE = 0.02  # of the sender: as much as the engine's reading bears
NEAR = 0.15  # seconds between a late frame and a gap that is its


class Talker:
    """The process that sends the tones of all phones (bench/sender.py)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Talker:
        """Begin; the phones of this process send nothing themselves."""
        RtpPort.send_to = _only_note  # type: ignore[method-assign]
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.sender"),
                stdin=pipe,
                stdout=pipe,
                cwd=Path(__file__).parents[1],
            )
        )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def take(self, call: Call) -> None:
        """Send for a phone from now on."""
        address, port = call.rtp._peer
        if self._process.stdin is None:
            raise AssertionError("the sender has no input")
        self._process.stdin.write(f"{address} {port} {call.phone.frequency}\n".encode())

    async def end(self) -> list[tuple[float, float]]:
        """Stop; returns each batch that was sent late: when, and how late."""
        told, _ = await self._process.communicate(b"")
        return [(at, late) for at, late in json.loads(told)["late"]]


def _only_note(port: RtpPort, peer: tuple[str, int]) -> None:
    port._peer = peer


def number(index: int) -> str:
    """The number of the n-th extension."""
    return str(3000 + index)


async def declare(up: UpProcess, count: int) -> None:
    """Make the extensions, all recorded with a side for each party."""
    lines = ["recording: {extensions: all, stereo: on, minfreemegabytes: 0}", "extensions:"]
    for index in range(count):
        n = number(index)
        lines.append(
            f'- {{number: "{n}", username: "U{n}", registername: "{n}", registerpassword: "{STRONG}"}}'
        )
    path = up.data / "declared.yaml"
    path.write_text("\n".join(lines) + "\n")
    status, output = await up.command("apply", str(path))
    if status:
        raise SystemExit(output)


def gaps(audio: bytes, seconds: float) -> tuple[list[tuple[float, int]], float]:
    """The silent stretches in both sides of the last `seconds`, and the whole length.

    Of each how many seconds before the end it begins, and how many frames it has.
    """
    samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    frame = int(rate * FRAME)
    stretches: list[tuple[float, int]] = []
    for side in samples[-int(seconds * rate) :].T:
        frames = side[: len(side) // frame * frame].reshape(-1, frame)
        loud = np.sqrt((frames**2).mean(axis=1)) > 0.02
        at = np.flatnonzero(loud)
        if not len(at):
            return [(seconds, len(frames))], len(samples) / rate
        steps = np.diff(at)
        for before in np.flatnonzero(steps > 1):
            begins = at[before] + 1
            stretches.append(((len(frames) - begins) * FRAME, int(steps[before]) - 1))
    return stretches, len(samples) / rate


async def fetch(client: Client, name: str) -> bytes:
    """A recording as applications get it."""
    random = (await client.ok("recording/get_random", {"recording": name}))["random"]
    audio, _ = await client.download("recording/download", recording=name, random=random)
    return audio


async def measure(calls: int, seconds: float) -> list[Row]:
    """The rows of the table."""
    receiver = Receiver()
    await receiver.start()
    talker = await Talker.start()
    async with up_process() as up, contextlib.AsyncExitStack() as stack:
        up.rtp = free_range(4 * calls + 100)
        await up.start()
        client = await up.client()
        await client.login(version="2.0.0", port=str(receiver.port))
        await declare(up, 2 * calls)
        phones = []
        for index in range(2 * calls):
            phone = Phone(
                number(index), STRONG, ("127.0.0.1", up.sip_port), frequency=500 if index % 2 else 900
            )
            phones.append(await stack.enter_async_context(phone))
            await phone.register()
            phone.auto_answer = True
        for caller, callee in zip(phones[::2], phones[1::2], strict=True):
            call = await caller.call(callee.number)
            await call.answered()
            await eventually(lambda phone=callee: any(c.is_up for c in phone.calls), "up")  # type: ignore[misc]
            talker.take(call)
            talker.take(callee.calls[0])
        running = up.data / "recordings" / "running"
        await eventually(lambda: len(list(running.iterdir())) == 2 * calls, "all are recorded")
        pids = (up.engine_pid, up.pid, talker.pid)
        real_time = is_real_time(up.engine_pid)
        before, begin, since = [cpu_seconds(pid) for pid in pids], time.perf_counter(), time.time()
        await asyncio.sleep(seconds)
        taken = time.perf_counter() - begin
        spent = [cpu_seconds(pid) - old for pid, old in zip(pids, before, strict=True)]
        end, ended = time.perf_counter(), {}
        for phone in phones[::2]:
            ended[phone.number] = time.time()
            await phone.calls[0].hangup()
        late = [(at, by) for at, by in await talker.end() if at >= since]
        await eventually(lambda: len(receiver.named("NewCdr")) == calls, "all records", 30)
        await eventually(lambda: not list(running.iterdir()), "all are closed", 60)
        closed = time.perf_counter() - end
        senders, mine, shortest = 0, list[int](), float("inf")
        for cdr in receiver.named("NewCdr"):
            stretches, length = gaps(await fetch(client, cdr["recording"]), seconds)
            shortest = min(shortest, length)
            for back, frames in stretches:
                at = ended[cdr["callfrom"]] - back
                if any(abs(at - when) < NEAR for when, by in late if by > LATE):
                    senders += 1
                else:
                    mine.append(frames)
        await client.close()
        await receiver.close()
    of_core = [f"{100 * one / taken:.0f} % of a core" for one in spent]
    return [
        Row("calls recorded at once, both sides", f"{calls} for {taken:.0f} s"),
        Row("the engine's scheduling", "real-time" if real_time else "ordinary"),
        Row("CPU of the engine", of_core[0]),
        Row("CPU of the control plane", of_core[1]),
        Row("CPU of the sender", of_core[2]),
        Row("all closed after the first hang-up", f"{closed:.1f} s"),
        Row("the sender's own worst lateness", f"{max((by for _, by in late), default=0.0) * 1000:.0f} ms"),
        Row("gaps where the sender was late", str(senders)),
        Row("seconds of the shortest recording", f"{shortest:.1f}"),
        Row(
            "gaps",
            f"{len(mine)} of together {sum(mine) * FRAME:.2f} s in {2 * calls * seconds:.0f} s",
            "none",
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    print_rows(asyncio.run(measure(arguments.calls, arguments.seconds)))


if __name__ == "__main__":
    main()
