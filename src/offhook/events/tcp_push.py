"""Events over long TCP connections that applications open (spec 00-access, `push_tcp`).

    accept ─► peek one byte ─► TLS or plain, as the operator allows ─► login packet ─► Login Success
                ◄── one JSON object per event, each followed by CR LF ──

A connection gets what happens while it is up: the contract takes everything else as lost, NewCdr too, as
nothing tells one client from another. Whoever must not miss records fetches them, or uses the event feed.

Nobody waits for anybody: writing never blocks, a reader that is too slow is cut off, a peer that has gone is
found by the system, and of those who have not logged in the oldest gives way when there are too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import StrEnum

from offhook.events.api import Event
from offhook.events.dialect import Dialect, dialect_of
from offhook.events.encoding import encode
from offhook.events.tcp_login import LoginPacketError, complete_packet, parse_login
from offhook.sockets import TLS_HANDSHAKE, accepted, find_dead_peer, first_byte
from offhook.source import source_of

log = logging.getLogger(__name__)

LOGIN_SECONDS = 10.0
BUFFER_BYTES = 1 << 20
CONNECTIONS_MAX = 200
CONNECTIONS_PER_ADDRESS = 20
WAITING_MAX = 50
DEAD_SECONDS = 60
_SEND_BYTES = 128 << 10
_CLOSE_SECONDS = 1.0
_SUCCESS = b"Login Success\r\n"
_FAILED = b"Login Failed\r\n"

CheckLogin = Callable[[str, str, str, int], Awaitable[bool]]


class TlsMode(StrEnum):
    """Whether the event port speaks TLS: never, only, or both, told apart by the first byte."""

    OFF = "off"
    ON = "on"
    BOTH = "both"

    def lets(self, *, secure: bool) -> bool:
        """Whether a connection of this sort may go on."""
        return self is TlsMode.BOTH or (self is TlsMode.ON) is secure


class _Connection(asyncio.Protocol):
    """One connection: collects the login packet, then only writes."""

    def __init__(self, address: str, ended: Callable[[_Connection], None]) -> None:
        self.address = address
        self.dialect = Dialect.V1_0_0
        self.packet: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self._ended = ended
        self._received = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.packet.done():
            return  # what an application says after its login has no meaning
        self._received += data
        try:
            packet = complete_packet(bytes(self._received))
        except LoginPacketError as wrong:
            self.packet.set_exception(wrong)
            return
        if packet is not None:
            self._received.clear()
            self.packet.set_result(packet)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.packet.done():
            self.packet.cancel()
        self.gone.set()
        self._ended(self)

    def send(self, body: bytes) -> bool:
        """Write without waiting; False when the buffer is full and the connection was cut off for it."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return True
        transport.write(body)
        if transport.get_write_buffer_size() <= BUFFER_BYTES:
            return True
        transport.abort()
        return False


class TcpPush:
    """The event port; it can be closed and started again.

    `check_login` gets username, clear password, address and port, and counts failures. `tls` and `mode` are
    set by who made it; without `tls` there is only plain text.
    """

    def __init__(self, check_login: CheckLogin, sn: Callable[[], str]) -> None:
        self._check_login = check_login
        self._sn = sn
        self.tls: ssl.SSLContext | None = None
        self.mode = TlsMode.BOTH
        self.cut_off = 0
        self.refused = 0
        self._clients: set[_Connection] = set()
        self._waiting: dict[asyncio.Task[None], str] = {}  # the oldest first
        self._per_address: Counter[str] = Counter()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many applications are logged in."""
        return len(self._clients)

    async def start(self, bind: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._listener = socket.create_server((bind, port), family=family, backlog=128)
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._listener), name="events-accept")

    async def close(self) -> None:
        """End the port and every connection, with a moment for what is on its way."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        clients = list(self._clients)
        self._clients.clear()
        for client in clients:
            if client.transport is not None:
                client.transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                for client in clients:
                    await client.gone.wait()
        for client in clients:
            if client.transport is not None and not client.gone.is_set():
                client.transport.abort()

    def disconnect(self) -> None:
        """Cut off whoever has logged in: an account, or the port, is not any more what it was."""
        for client in list(self._clients):
            if client.transport is not None:
                client.transport.abort()

    def send(self, event: Event) -> None:
        """Tell every connection."""
        bodies: dict[Dialect, bytes] = {}
        for client in list(self._clients):
            if client.dialect not in bodies:
                parts = encode(event, client.dialect, self._sn())
                bodies[client.dialect] = b"".join(part + b"\r\n" for part in parts)
            if not client.send(bodies[client.dialect]):
                self.cut_off += 1
                self._clients.discard(client)
                log.warning("events: %s reads too slowly and is cut off", client.address)

    # -- coming in --------------------------------------------------------------------------------------

    async def _accept(self, listener: socket.socket) -> None:
        async for sock, peer in accepted(listener, log):
            address = str(peer[0]).removeprefix("::ffff:")
            source = source_of(address)
            if self._per_address[source] >= CONNECTIONS_PER_ADDRESS or self.connections >= CONNECTIONS_MAX:
                self.refused += 1
                sock.close()
                continue
            while len(self._waiting) >= WAITING_MAX:
                oldest = next(iter(self._waiting))
                del self._waiting[oldest]
                oldest.cancel()
                self.refused += 1
            self._per_address[source] += 1
            task = asyncio.create_task(self._admit(sock, address, int(peer[1])), name="events-login")
            self._waiting[task] = address
            task.add_done_callback(lambda done: self._waiting.pop(done, None))

    def _left(self, address: str) -> None:
        source = source_of(address)
        self._per_address[source] -= 1
        if self._per_address[source] <= 0:
            del self._per_address[source]

    def _ended(self, connection: _Connection) -> None:
        self._clients.discard(connection)
        self._left(connection.address)

    async def _admit(self, sock: socket.socket, address: str, port: int) -> None:
        made: list[_Connection] = []

        def make() -> _Connection:
            made.append(_Connection(address, self._ended))
            return made[0]

        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await self._log_in(sock, make, address, port)
        except LoginPacketError as wrong:
            log.info("events: %s did not log in: %s", address, wrong)
            if made and made[0].transport is not None:
                made[0].transport.write(_FAILED)
        except (OSError, TimeoutError) as failure:
            log.info("events: %s did not log in: %s", address, failure or "time-out")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        finally:
            connection = made[0] if made else None
            if connection is None or connection.transport is None:
                self._left(address)
                sock.close()
            elif connection not in self._clients:
                connection.transport.close()

    async def _log_in(
        self, sock: socket.socket, make: Callable[[], _Connection], address: str, port: int
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        find_dead_peer(sock, DEAD_SECONDS, send_buffer=_SEND_BYTES)
        first = await first_byte(sock)
        secure = first == TLS_HANDSHAKE and self.tls is not None
        if not first or not self.mode.lets(secure=secure):
            return
        transport, connection = await asyncio.get_running_loop().connect_accepted_socket(
            make,
            sock,
            ssl=self.tls if secure else None,
            ssl_shutdown_timeout=_CLOSE_SECONDS if secure else None,
        )
        packet = await connection.packet
        transport.pause_reading()
        login = parse_login(packet)
        if not await self._check_login(login.username, login.secret, address, port):
            transport.write(_FAILED)
            return
        if transport.is_closing():
            return
        connection.dialect = dialect_of(login.version)
        transport.write(_SUCCESS)
        transport.resume_reading()
        self._clients.add(connection)
