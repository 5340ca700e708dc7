"""What reading the engine's events costs us: CPU per event, by stage and by how they arrive.

    PYTHONPATH=src python -m bench.ami_reader

A feeder in a process of its own plays a captured call over a socket; only this process's CPU is counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import multiprocessing
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from offhook.asterisk.ami.client import AmiClient, Timing
from offhook.asterisk.ami.wire import Cutter, Message

CAPTURED = Path(__file__).parents[1] / "tests/data/ami/call.raw"
EVENTS = 20_000
ROUNDS = 5
_ANSWER = b"Response: Success\r\nActionID: %s\r\nChallenge: 1\r\n\r\n"
_BOOTED = b"Event: FullyBooted\r\n\r\n"


def captured_events() -> tuple[bytes, list[bytes]]:
    """The greeting, and every event of the captured call as it stood on the wire."""
    banner, _, rest = CAPTURED.read_bytes().partition(b"\r\n")
    return banner + b"\r\n", [part + b"\r\n\r\n" for part in rest.split(b"\r\n\r\n") if part[:6] == b"Event:"]


# -- the codec alone --------------------------------------------------------------------------------------


def _cut(_messages: list[Message]) -> None:
    return


def _name(messages: list[Message]) -> None:
    for message in messages:
        message.get("Event")


def _action_and_name(messages: list[Message]) -> None:
    for message in messages:
        if not message.action_id:
            message.get("Event")


def _open(messages: list[Message]) -> None:
    for message in messages:
        message.get("Uniqueid")


def codec(read: Callable[[list[Message]], None]) -> float:
    """Microseconds of CPU per event; the best of some rounds."""
    banner, events = captured_events()
    chunk = b"".join(events)
    best = float("inf")
    for _ in range(ROUNDS):
        cutter = Cutter()
        cutter.feed(banner)
        count = 0
        begin = time.process_time()
        while count < EVENTS:
            messages = cutter.feed(chunk)
            read(messages)
            count += len(messages)
        best = min(best, (time.process_time() - begin) / count)
    return best * 1e6


# -- the whole link ---------------------------------------------------------------------------------------


def feed(pipe: Connection, rate: int, total: int, together: int) -> None:
    """Be an engine: let the client in, then send `total` events at `rate` a second, `together` at a time."""
    banner, events = captured_events()
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(banner)
    _let_in(stream)
    pipe.recv()
    begin, sent = time.monotonic(), 0
    while sent < total:
        wait = begin + sent / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        stream.sendall(b"".join(events[(sent + number) % len(events)] for number in range(together)))
        sent += together
    pipe.recv()


def _let_in(stream: socket.socket) -> None:
    for _ in ("Challenge", "Login"):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += stream.recv(4096)
        key = request.partition(b"ActionID: ")[2].partition(b"\r\n")[0]
        stream.sendall(_ANSWER % key)
    stream.sendall(_BOOTED)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """CPU per event in microseconds, and how many events came at a time."""

    cpu: float
    batch: float


async def link(rate: int, together: int, gather: float, seconds: float = 4.0) -> Cost:
    """Read events as they come, asking each for its name."""
    ours, theirs = multiprocessing.Pipe()
    total = int(rate * seconds) // together * together
    feeder = multiprocessing.get_context("spawn").Process(target=feed, args=(theirs, rate, total, together))
    feeder.start()
    port = await asyncio.to_thread(ours.recv)
    seen, batches, finished = 0, 0, asyncio.Event()

    def take(events: Sequence[Message]) -> None:
        nonlocal seen, batches
        for event in events:
            if event.get("Event") != "FullyBooted":
                seen += 1
        batches += 1
        if seen >= total:
            finished.set()

    connected = asyncio.Event()

    async def on_connected() -> None:
        connected.set()

    client = AmiClient(
        lambda: ("127.0.0.1", port, "bench", "bench"),
        on_events=take,
        on_connected=on_connected,
        on_lost=lambda: None,
        timing=Timing(gather=gather, ping_rest=3600),
    )
    client.start()
    await connected.wait()
    begin = time.process_time()
    ours.send("go")
    await finished.wait()
    cpu = time.process_time() - begin
    ours.send("end")
    await client.close()
    await asyncio.to_thread(feeder.join)
    return Cost(cpu / total * 1e6, total / batches)


def main() -> None:
    """Print both tables."""
    print("| codec, per event | CPU, us |\n|---|---|")
    for name, read in (
        ("cut the stream", _cut),
        ("and ask for the name", _name),
        ("and look for an ActionID", _action_and_name),
        ("and open every header", _open),
    ):
        print(f"| {name} | {codec(read):.2f} |")
    print(
        "\n| link: events/s, sent together | gather, ms | CPU per event, us | events per batch |"
        "\n|---|---|---|---|"
    )
    gathers = (0.0, Timing().gather, 0.01)
    for rate, together in ((200, 1), (1500, 1), (1500, 5), (5000, 1)):
        for gather in gathers:
            cost = asyncio.run(link(rate, together, gather))
            print(
                f"| {rate}, {together} | {gather * 1000:g} | {cost.cpu:.1f} | {cost.batch:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
