"""Events over long TCP connections that applications open (spec 00-access, `push_tcp`).

    application ── Action: login … (empty line), or the same as one JSON object ──► Login Success
                ◄── one JSON object per event, each followed by CR LF ──

A reader that is too slow for its events is cut off: it connects again, and no other has waited for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from offhook.events.api import Event
from offhook.events.dialect import Dialect, dialect_of
from offhook.events.encoding import encode

log = logging.getLogger(__name__)

LOGIN_SECONDS = 30.0
LOGIN_BYTES = 4096
BUFFER_BYTES = 1 << 20
CONNECTIONS_MAX = 200

CheckLogin = Callable[[str, str, str, int], Awaitable[bool]]


class LoginPacketError(ValueError):
    """The packet is no login."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login packet; `secret` is the API password in clear text."""

    username: str
    secret: str
    version: str


def parse_login(packet: bytes) -> Login:
    """Read a login packet in either form. Raises LoginPacketError."""
    text = packet.decode("utf-8", "replace").strip()
    fields = _json_fields(text) if text.startswith("{") else _line_fields(text)
    if fields.get("action", "").lower() != "login":
        raise LoginPacketError("the first packet has to be a login")
    return Login(fields.get("username", ""), fields.get("secret", ""), fields.get("version", ""))


def _line_fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _json_fields(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise LoginPacketError("the packet is no JSON") from None
    return {str(key).lower(): str(item) for key, item in value.items()}


class _Client:
    """One connection that has logged in."""

    def __init__(self, writer: asyncio.StreamWriter, dialect: Dialect, peer: str) -> None:
        self.writer = writer
        self.dialect = dialect
        self.peer = peer

    def send(self, event: Event, sn: str) -> None:
        """Write an event without waiting; a connection whose buffer is full is cut off."""
        transport = self.writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > BUFFER_BYTES:
            log.warning("events: %s reads too slowly and is cut off", self.peer)
            transport.abort()
            return
        for body in encode(event, self.dialect, sn):
            self.writer.write(body + b"\r\n")


class TcpPush:
    """The event port. `check_login` gets username, clear password, address and port, and counts failures."""

    def __init__(self, check_login: CheckLogin, sn: Callable[[], str]) -> None:
        self._check_login = check_login
        self._sn = sn
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()

    async def start(self, bind: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, bind, port, limit=LOGIN_BYTES)

    async def close(self) -> None:
        """End every connection and the port."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def send(self, event: Event) -> None:
        """Tell every connection."""
        for client in self._clients:
            client.send(event, self._sn())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername") or ("", 0)
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        client: _Client | None = None
        try:
            if len(self._serving) > CONNECTIONS_MAX:
                return
            client = await self._log_in(reader, writer, str(peer[0]), int(peer[1]))
            if client is not None:
                self._clients.add(client)
                while await reader.read(LOGIN_BYTES):
                    pass  # what an application says after its login has no meaning
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            log.info("events: %s did not log in or went away", peer[0])
        finally:
            if client is not None:
                self._clients.discard(client)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int
    ) -> _Client | None:
        _keep_alive(writer)
        async with asyncio.timeout(LOGIN_SECONDS):
            packet = await _packet(reader)
        login = parse_login(packet)
        if not await self._check_login(login.username, login.secret, address, port):
            writer.write(b"Login Failed\r\n")
            return None
        writer.write(b"Login Success\r\n")
        return _Client(writer, dialect_of(login.version), address)


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the first empty line; lines end with LF or CR LF."""
    packet = b""
    while True:
        line = await reader.readline()
        if not line or (packet and not line.strip()):
            return packet
        packet += line
        if len(packet) > LOGIN_BYTES:
            raise LoginPacketError("the login packet is too long")


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
