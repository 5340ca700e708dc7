"""Many calls recorded at once: what that costs, and whether the audio has gaps.

`python -m bench.recording --calls 120 --seconds 30` lets so many pairs of phones talk, both sides with a
tone, and looks at every 20 ms of each side of each recording while all were up. One loop sends for all.
How late it is itself is told, as a tone that comes late is a gap that no recording could avoid.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import socket
import struct
import time
from typing import Any, cast

import numpy as np
import soundfile  # type: ignore[import-untyped]
from tests.support.pbx import STRONG, Client, Receiver, free_range
from tests.support.phone import Call, Phone, eventually
from tests.support.process import UpProcess, up_process

from bench.__main__ import cpu_seconds
from bench.table import Row, print_rows

FRAME = 0.02
SAMPLES = 160  # of a packet
HEAD = struct.Struct("!BBHII")
LATE = 0.06  # of the sender: more than the engine's jitter can bear


class Talker:
    """Sends the tones of all phones in one loop, and notes how late it was at worst."""

    def __init__(self) -> None:
        self.senders: list[tuple[socket.socket, list[bytes], bytearray]] = []
        self.worst = 0.0

    def take(self, call: Call) -> None:
        """Send for a phone from now on, and let what it hears be dropped by the kernel."""
        rtp = call.rtp
        rtp.stop()
        if rtp._transport is None:
            raise AssertionError("the phone has no audio")
        number = rtp._transport.get_extra_info("socket").fileno()
        cast(Any, asyncio.get_running_loop())._remove_reader(number)
        sender = socket.socket(fileno=os.dup(number))
        sender.connect(rtp._peer)
        head = bytearray(HEAD.pack(0x80, 0, rtp._sequence & 0xFFFF, rtp._stamp, 4711))
        self.senders.append((sender, rtp._frames, head))

    async def run(self) -> None:
        """Send until cancelled."""
        begin, frame = time.perf_counter(), 0
        while True:
            self.worst = max(self.worst, time.perf_counter() - begin - frame * FRAME)
            for sender, frames, head in self.senders:
                _, _, sequence, stamp, _ = HEAD.unpack(head)
                HEAD.pack_into(
                    head, 0, 0x80, 0, (sequence + 1) & 0xFFFF, (stamp + SAMPLES) & 0xFFFFFFFF, 4711
                )
                with contextlib.suppress(OSError):  # a call that has ended
                    sender.send(head + frames[frame % len(frames)])
            frame += 1
            await asyncio.sleep(max(0.0, begin + frame * FRAME - time.perf_counter()))


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


def gaps(audio: bytes, seconds: float) -> tuple[int, int, float]:
    """Silent stretches in both sides of the last `seconds`, the frames in them, the whole length."""
    samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    stretches = silent = 0
    for side in samples[-int(seconds * rate) :].T:
        frame = int(rate * FRAME)
        frames = side[: len(side) // frame * frame].reshape(-1, frame)
        loud = np.sqrt((frames**2).mean(axis=1)) > 0.02
        at = np.flatnonzero(loud)
        if not len(at):
            return 1, len(frames), len(samples) / rate
        quiet = ~loud[at[0] : at[-1] + 1]
        silent += int(quiet.sum())
        stretches += int((np.diff(quiet.astype(int)) == 1).sum())
    return stretches, silent, len(samples) / rate


async def fetch(client: Client, name: str) -> bytes:
    """A recording as applications get it."""
    random = (await client.ok("recording/get_random", {"recording": name}))["random"]
    audio, _ = await client.download("recording/download", recording=name, random=random)
    return audio


async def measure(calls: int, seconds: float) -> list[Row]:
    """The rows of the table."""
    receiver, talker = Receiver(), Talker()
    await receiver.start()
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
        sending = asyncio.create_task(talker.run())
        for caller, callee in zip(phones[::2], phones[1::2], strict=True):
            call = await caller.call(callee.number)
            await call.answered()
            await eventually(lambda phone=callee: any(c.is_up for c in phone.calls), "up")  # type: ignore[misc]
            talker.take(call)
            talker.take(callee.calls[0])
        running = up.data / "recordings" / "running"
        await eventually(lambda: len(list(running.iterdir())) == 2 * calls, "all are recorded")
        talker.worst = 0.0
        before, begin = (cpu_seconds(up.engine_pid), cpu_seconds(up.pid)), time.perf_counter()
        await asyncio.sleep(seconds)
        taken = time.perf_counter() - begin
        engine, ours = cpu_seconds(up.engine_pid) - before[0], cpu_seconds(up.pid) - before[1]
        worst = talker.worst
        end = time.perf_counter()
        for phone in phones[::2]:
            await phone.calls[0].hangup()
        sending.cancel()
        await eventually(lambda: len(receiver.named("NewCdr")) == calls, "all records", 30)
        await eventually(lambda: not list(running.iterdir()), "all are closed", 60)
        closed = time.perf_counter() - end
        found = [gaps(await fetch(client, cdr["recording"]), seconds) for cdr in receiver.named("NewCdr")]
        await client.close()
        await receiver.close()
    stretches, silent = sum(one[0] for one in found), sum(one[1] for one in found)
    return [
        Row("calls recorded at once, both sides", f"{calls} for {taken:.0f} s"),
        Row("CPU of the engine", f"{100 * engine / taken:.0f} % of a core"),
        Row("CPU of the control plane", f"{100 * ours / taken:.0f} % of a core"),
        Row("all closed after the first hang-up", f"{closed:.1f} s"),
        Row("the sender's own worst lateness", f"{worst * 1000:.0f} ms", f"below {LATE * 1000:.0f} ms"),
        Row("seconds of the shortest recording", f"{min(one[2] for one in found):.1f}"),
        Row(
            "gaps",
            f"{stretches} of together {silent * FRAME:.2f} s in {2 * calls * seconds:.0f} s",
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
