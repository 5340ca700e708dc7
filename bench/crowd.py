"""Receivers of events in a process of their own: good ones that note when what came, and hostile ones.

`python -m bench.crowd <good> <hostile>` prints the ports, and what the good ones got once its input ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_CALLID = re.compile(rb'"callid":"([0-9.]+)"')


class Good(asyncio.Protocol):
    """Answers at once, and notes the event."""

    def __init__(self, got: list[tuple[str, float]]) -> None:
        self._got = got

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Head and body come in one piece."""
        now = time.monotonic()
        found = _CALLID.search(data)
        if found is not None:
            self._got.append((found[1].decode(), now))
        self._transport.write(_OK)  # type: ignore[attr-defined]
        self._transport.close()


class Hostile(asyncio.Protocol):
    """Does something with each connection, and keeps some of them for ever."""

    def __init__(self, answer: Callable[[asyncio.Transport], None]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """It wants to be answered."""
        self._answer(self._transport)  # type: ignore[arg-type]


def never(_transport: asyncio.Transport) -> None:
    """Say nothing."""


def late(transport: asyncio.Transport) -> None:
    """Answer as it should be, after three seconds."""
    asyncio.get_running_loop().call_later(3.0, lambda: transport.is_closing() or transport.write(_OK))


def garbage(transport: asyncio.Transport) -> None:
    """Answer nonsense."""
    transport.write(b"\x00\xff" * 3000)


def byte_by_byte(transport: asyncio.Transport, rest: bytes = _OK) -> None:
    """Answer a byte each half second."""
    if rest and not transport.is_closing():
        transport.write(rest[:1])
        asyncio.get_running_loop().call_later(0.5, byte_by_byte, transport, rest[1:])


def early(transport: asyncio.Transport) -> None:
    """Close without a word."""
    transport.abort()


def huge(transport: asyncio.Transport) -> None:
    """A status line of a megabyte."""
    transport.write(b"HTTP/1.1 200 " + b"x" * (1 << 20))


def redirect(transport: asyncio.Transport) -> None:
    """Send it somewhere else."""
    transport.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")


def once_then_never() -> Callable[[asyncio.Transport], None]:
    """Answer once, so that it is held to it, and never again."""
    answered = False

    def answer(transport: asyncio.Transport) -> None:
        nonlocal answered
        if not answered:
            answered = True
            transport.write(_OK)

    return answer


HOSTILE = (never, late, garbage, byte_by_byte, early, huge, redirect, once_then_never())
"""All kinds; a dead address is one more, which nobody listens on."""


async def main(good: int, hostile: int) -> None:
    """Listen until the input ends."""
    loop = asyncio.get_running_loop()
    got: list[list[tuple[str, float]]] = [[] for _ in range(good)]
    servers = [
        await loop.create_server(lambda one=one: Good(one), "127.0.0.1", 0, backlog=1000) for one in got
    ]  # type: ignore[misc]
    bad = [
        await loop.create_server(
            lambda kind=kind: Hostile(kind),
            "127.0.0.1",
            0,
            backlog=1000,  # type: ignore[misc]
        )
        for kind in (HOSTILE * hostile)[:hostile]
    ]
    ports = [[server.sockets[0].getsockname()[1] for server in some] for some in (servers, bad)]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    sys.stdout.write(json.dumps(got) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
