"""Attacks on the event port and the feed. A client of each has to get every event in time meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from tests.support.pbx import STRONG, Client
from tests.support.process import UpProcess, up_process
from tests.support.waiting import eventually

from attack.attempt import Attempt

LOGIN = b"Action: login\r\nUsername: api\r\nSecret: %b\r\nVersion: 2.0.0\r\n\r\n"
IN_TIME = 1.0
"""Seconds within which the clients that belong here have to get an event."""


class _Belongs:
    """A client that belongs here: how late it got each event, in seconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.told: dict[bytes, float] = {}

    def got(self, line: bytes) -> None:
        """Take a line that may tell of a change."""
        number = line.partition(b'"extid":"')[2].partition(b'"')[0]
        if b'"ConfigChange"' in line and number in self.told:
            self.late.append(time.monotonic() - self.told[number])


class House:
    """A PBX whose events two clients follow, one of each kind, while it is attacked."""

    def __init__(self, up: UpProcess, client: Client, short: bool) -> None:
        self.up, self.client, self.short = up, client, short
        self.port = up.ports["event"]
        self.clients = (_Belongs(), _Belongs())
        self._number = 1000

    async def figures(self) -> tuple[str, bool]:
        """Let ten events happen: how late the clients got them, and whether all came in time."""
        for one in self.clients:
            one.late.clear()
        for _ in range(10):
            self._number += 1
            number = str(self._number)
            for one in self.clients:
                one.told[number.encode()] = time.monotonic()
            extension = {"number": number, "username": number, "registername": number}
            await self.client.ok("extension/add", {**extension, "registerpassword": STRONG})
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: all(len(one.late) >= 10 for one in self.clients), "all came", 10)
        late = [max(one.late, default=99.0) for one in self.clients]
        whole = all(len(one.late) == 10 for one in self.clients)
        return f"port {late[0] * 1e3:.0f} ms, feed {late[1] * 1e3:.0f} ms", whole and max(late) < IN_TIME

    async def attempt(self, what: str, tries: int, got_in: int) -> Attempt:
        """A line of the table, with what the clients felt of it."""
        figures, kept = await self.figures()
        promise = f"every event within {IN_TIME:g} s"
        return Attempt(what=what, tries=tries, got_in=got_in, figures=figures, promise=promise, kept=kept)

    async def follow_port(self) -> None:
        """Log in to the event port and read."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(LOGIN % b"ApiTest2019")
        while line := await reader.readline():
            self.clients[0].got(line)

    async def follow_feed(self) -> None:
        """Read the feed."""
        url = f"http://127.0.0.1:{self.up.http_port}/api/events?token={self.client.token}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as http,
            http.get(url) as got,
        ):
            async for line in got.content:
                self.clients[1].got(line)


@asynccontextmanager
async def house(short: bool) -> AsyncIterator[House]:
    """A PBX that pushes by TCP."""
    async with up_process() as up:
        await up.start()
        client = await up.client()
        await client.login()
        status, said = await up.command("apply", "-", stdin="api: {report_method: TCP}")
        assert status == 0, said
        made = House(up, client, short)
        tasks = [asyncio.create_task(made.follow_port()), asyncio.create_task(made.follow_feed())]
        try:
            await asyncio.sleep(0.5)
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()


async def _say(port: int, packet: bytes, source: str, *, seconds: float = 2.0) -> bytes:
    """Send bytes to the event port; what it says to them."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            try:
                writer.write(packet)
                return await reader.read(100)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return b""


async def garbage(h: House) -> Attempt:
    """Everything but a login."""
    dice = random.Random(1)
    login = LOGIN % b"ApiTest2019"
    packets = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(500),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b'{"action":"login","username":{"a":[' + b"[" * 3000,
        b"Action: login\r\nUsername: api\r\nSecret: " + b"A" * 100_000,
        b"\r\n" * 5000,
        login[:-2],
        login.replace(b"ApiTest2019", b""),
        login.replace(b"Action: login", b"Action: logoff"),
    ]
    tries = 100 if h.short else 1000
    got_in = 0
    for _ in range(tries // 20):
        chosen = [dice.choice([*packets, dice.randbytes(2000)]) for _ in range(20)]
        tried = (_say(h.port, one, f"127.0.1.{1 + at}", seconds=0.5) for at, one in enumerate(chosen))
        said = await asyncio.gather(*tried)
        got_in += sum(b"Success" in one for one in said)
    return await h.attempt("event port: garbage", tries, got_in)


async def silence(h: House) -> Attempt:
    """More connections than there is room for, from many addresses, that say nothing."""
    tries = 200
    silent = []
    for at in range(tries):
        with contextlib.suppress(OSError):
            place = f"127.0.2.{1 + at % 100}"
            silent.append(await asyncio.open_connection("127.0.0.1", h.port, local_addr=(place, 0)))
    begin = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", h.port)
    writer.write(LOGIN % b"ApiTest2019")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await reader.readline()
    took = time.monotonic() - begin
    line = await h.attempt("event port: silent connections", tries, 0)
    for _, one in (*silent, (reader, writer)):
        one.transport.abort()
    return Attempt(
        what=line.what,
        tries=tries,
        got_in=0,
        figures=f"a login {took * 1e3:.0f} ms, {line.figures}",
        promise=line.promise,
        kept=line.kept and took < IN_TIME,
    )


async def passwords(h: House) -> Attempt:
    """Guesses; when the address is locked, the right one too."""
    tries = 30
    guesses = [*(secrets.token_hex(4).encode() for _ in range(tries - 1)), b"ApiTest2019"]
    said = [await _say(h.port, LOGIN % guess, "127.0.3.1") for guess in guesses]
    return await h.attempt("event port: passwords", tries, sum(b"Success" in one for one in said))


async def credentials(h: House) -> Attempt:
    """Tokens and keys that nobody gave."""
    tries = 100 if h.short else 1000
    got_in = 0
    connector = aiohttp.TCPConnector(local_addr=("127.0.4.1", 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        for at in range(tries):
            guess = secrets.token_hex(16) if at % 2 else f"ohk_{secrets.token_urlsafe(32)}"
            if at % 10 == 0:
                guess = secrets.choice(["' OR 1=1 --", "\u0000", h.client.token[:-1], "*", "null"])
            url = f"http://127.0.0.1:{h.up.http_port}/api/events"
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url, params={"token": guess, "after": "0"}) as got:
                    got_in += got.status == 200
    return await h.attempt("feed: tokens and keys", tries, got_in)


async def unread(h: House) -> Attempt:
    """Streams that are opened and not read, while much happens."""
    tries = 40
    socks = []
    head = f"GET /api/events?after=0&token={h.client.token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    for at in range(tries):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", h.up.http_port if at % 2 else h.port))
        sock.sendall(head if at % 2 else LOGIN % b"ApiTest2019")
        socks.append(sock)
    line = await h.attempt("streams that are not read", tries, 0)
    for sock in socks:
        sock.close()
    return line


async def run(short: bool) -> Sequence[Attempt]:
    """All of them."""
    async with house(short) as h:
        return [await one(h) for one in (garbage, silence, unread, passwords, credentials)]
