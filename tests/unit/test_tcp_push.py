"""The event port on real sockets: who logs in, who does not, and who must not slow the others."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest
import pytest_asyncio

from offhook.events import tcp_push
from offhook.events.api import ConfigChange
from offhook.events.tcp_login import LoginPacketError, complete_packet, parse_login
from offhook.events.tcp_push import TcpPush, TlsMode
from offhook.web.tls import ensure_certificate, server_context
from tests.support.pbx import free_port
from tests.support.phone import eventually

LINES = b"Action: login\r\nUsername: api\r\nSecret: right\r\nVersion: 2.0.0\r\n\r\n"
OBJECT = b'{"action":"login","username":"api","secret":"right","version":"2.0.0"}\r\n\r\n'
CHANGE = ConfigChange("extension", "1000", "add")
TOLD = b'{"event":"ConfigChange","type":"extension","extid":"1000","operation":"add","sn":"1"}\r\n'


class Port:
    """A listening event port; the secret is `right`."""

    def __init__(self) -> None:
        self.number = free_port()
        self.logins: list[tuple[str, str, str]] = []
        self.may_check = asyncio.Event()
        self.may_check.set()
        self.push = TcpPush(self._check, lambda: "1")
        self._writers: list[asyncio.StreamWriter] = []

    async def close(self) -> None:
        self.may_check.set()
        await self.push.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _check(self, username: str, secret: str, address: str, _port: int) -> bool:
        self.logins.append((username, secret, address))
        await self.may_check.wait()
        return secret == "right"

    async def connect(
        self, packet: bytes = LINES, *, tls: bool = False, source: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.number, ssl=context, local_addr=(source, 0)
        )
        self._writers.append(writer)
        writer.write(packet)
        return reader, writer

    async def client(self, packet: bytes = LINES, *, tls: bool = False) -> asyncio.StreamReader:
        """A connection that is logged in."""
        reader, _ = await self.connect(packet, tls=tls)
        assert await line(reader) == b"Login Success\r\n"
        return reader

    def leave(self, at: int) -> None:
        """Close the client's side of a connection."""
        self._writers[at].close()


async def line(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readline(), 5)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the connection was closed."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""


@pytest_asyncio.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    made = Port()
    now = datetime.datetime.now(datetime.UTC)
    made.push.tls = server_context(*ensure_certificate(tmp_path / "tls", now))
    await made.push.start("127.0.0.1", made.number)
    yield made
    await made.close()


@pytest.mark.parametrize(
    "packet",
    [
        LINES,
        b"action: Login\nusername:api\nSECRET: right\nVersion: 2.0.0\n\n",
        b"\r\n\r\nVersion: 2.0.0\r\nSecret: right\r\nUsername: api\r\nAction: login\r\n\r\n",
        OBJECT,
        OBJECT.rstrip(),
        b'{\r\n"action": "login", "username": "api",\r\n"secret": "right", "version": "2.0.0"\r\n}\r\n',
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_who_logs_in_gets_events(port: Port, packet: bytes, tls: bool) -> None:
    reader = await port.client(packet, tls=tls)
    port.push.send(CHANGE)
    assert await line(reader) == TOLD
    assert port.logins == [("api", "right", "127.0.0.1")]


async def test_a_packet_may_come_byte_by_byte(port: Port) -> None:
    reader, writer = await port.connect(b"")
    for at in range(len(LINES)):
        writer.write(LINES[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0)
    assert await line(reader) == b"Login Success\r\n"
    writer.close()


async def test_several_clients_each_in_their_dialect(port: Port) -> None:
    new, writer = await port.connect()
    assert await line(new) == b"Login Success\r\n"
    old = await port.client(LINES.replace(b"2.0.0", b"1.0.0"))
    writer.write(b"Action: Ping\r\n\r\n" * 1000)  # has no meaning
    for _ in range(3):
        port.push.send(CHANGE)
    assert [await line(new) for _ in range(3)] == [TOLD] * 3
    assert b'{"action":"ConfigChange"' in await line(old)
    writer.close()
    await eventually(lambda: port.push.connections == 1, "one has left")
    port.push.send(CHANGE)


@pytest.mark.parametrize(
    "packet",
    [
        LINES.replace(b"right", b"wrong"),
        OBJECT.replace(b"right", b"wrong"),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"Action: logout\r\n\r\n",
        b'{"action": 1}\r\n\r\n',
        b"{broken\r\n\r\n",
        b"\xff\x00\xfe\r\n\r\n",
        b"x" * 10000,
        b"Action: login\r\n" + b"X: y\r\n" * 2000,
        b"Action: login\r\nSecret: " + b"y" * 5000 + b"\r\n\r\n",
    ],
)
async def test_who_does_not_log_in_is_closed(port: Port, packet: bytes) -> None:
    reader, _writer = await port.connect(packet)
    said = await ended(reader)
    assert said in {b"Login Failed\r\n", b""}
    assert port.push.connections == 0
    await port.client()


@pytest.mark.parametrize("packet", [b"", b"hello", b"{", b"[]", b"Action: logout", b'{"action": 1}'])
def test_what_is_no_login(packet: bytes) -> None:
    with pytest.raises(LoginPacketError):
        parse_login(packet)


@pytest.mark.parametrize("part", [b"", b"\r\n", b"Action: login\r\n", b'{"action":', b'{"a":{}', b"{}}"])
def test_half_a_packet(part: bytes) -> None:
    assert complete_packet(part) is None


async def test_who_says_nothing_is_closed_in_time(port: Port) -> None:
    with mock.patch.object(tcp_push, "LOGIN_SECONDS", 0.2):
        for packet in (b"", b"Action: lo", b"\x16\x03\x01"):
            reader, _writer = await port.connect(packet)
            assert await ended(reader) == b""
    await eventually(lambda: not port.push._per_address, "nobody is counted any more")


async def test_those_who_say_nothing_give_way(port: Port) -> None:
    with mock.patch.object(tcp_push, "WAITING_MAX", 5):
        silent = [await port.connect(b"", source=f"127.0.0.{2 + at}") for at in range(8)]
        reader = await port.client()
        assert await ended(silent[0][0]) == b""
        port.push.send(CHANGE)
        assert await line(reader) == TOLD


async def test_an_address_has_so_many_connections(port: Port) -> None:
    with mock.patch.object(tcp_push, "CONNECTIONS_PER_ADDRESS", 3):
        for _ in range(3):
            await port.client()
        reader, writer = await port.connect()
        assert await ended(reader) == b""
        writer.close()
        _, other = await port.connect(source="127.0.0.9")
        await eventually(lambda: port.push.connections == 4, "another address is let in")
        other.close()
        port.leave(0)
        await eventually(lambda: port.push.connections == 2, "two have left")
        await port.client()


async def test_a_slow_reader_is_cut_off_and_delays_nobody(port: Port) -> None:
    with mock.patch.object(tcp_push, "BUFFER_BYTES", 64 << 10):
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", port.number))
        await loop.sock_sendall(slow, LINES)
        await eventually(lambda: port.push.connections == 1, "it has logged in")
        quick = await port.client()
        for _ in range(200):
            for _ in range(50):
                port.push.send(CHANGE)
            for _ in range(50):
                assert await line(quick) == TOLD
        assert port.push.connections == 1
        assert port.push.cut_off == 1
        slow.close()


async def test_tls_only_and_plain_only(port: Port) -> None:
    port.push.mode = TlsMode.ON
    reader, writer = await port.connect()
    assert await ended(reader) == b""
    writer.close()
    await port.client(tls=True)
    port.push.mode = TlsMode.OFF
    with pytest.raises((OSError, ssl.SSLError)):
        await port.connect(tls=True)
    await port.client()


async def test_a_broken_handshake_counts_no_longer(port: Port) -> None:
    for _ in range(30):
        reader, _writer = await port.connect(b"\x16\x03\x01\x00\x05hello" + b"\x00" * 100)
        await ended(reader)
    await eventually(lambda: not port.push._per_address, "nobody is counted")
    await port.client()


async def test_a_client_that_leaves_while_it_is_checked(port: Port) -> None:
    port.may_check.clear()
    _, writer = await port.connect()
    await eventually(lambda: port.logins, "it is being checked")
    writer.transport.abort()
    await asyncio.sleep(0.05)
    port.may_check.set()
    await eventually(lambda: not port.push._per_address and not port.push._waiting, "it is forgotten")
    port.push.send(CHANGE)
    assert port.push.connections == 0


async def test_closing_ends_connections_and_starting_again_takes_new_ones(port: Port) -> None:
    reader = await port.client()
    port.push.send(CHANGE)
    _, silent = await port.connect(b"Action")
    await port.push.close()
    assert await ended(reader) == TOLD
    silent.close()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await port.connect()
    await port.push.start("127.0.0.1", port.number)
    await port.client()


async def test_the_system_looks_for_dead_peers(port: Port) -> None:
    await port.client()
    (client,) = port.push._clients
    assert client.transport is not None
    sock = client.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    idle = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    repeats = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
    assert idle + repeats * sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) <= 60
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
