"""The port: http and https told apart by the first byte, the request line repaired, everything bounded.

    accept ─► wait until readable ─► peek one byte ─► 0x16 is a TLS handshake (RFC 8446, section 5.1)
                                                   └► the parser gets a repaired request line

The parser itself is aiohttp's; a request that even that refuses gets a JSON answer under /api/ all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from offhook.contract.errors import Errno
from offhook.sockets import TLS_HANDSHAKE, accepted, first_byte
from offhook.source import source_of
from offhook.web.reading import normalise_request_line

log = logging.getLogger(__name__)

HEAD_SECONDS = 15.0
HEAD_BYTES = 32 << 10
KEEPALIVE_SECONDS = 30.0
STALL_SECONDS = 90
CONNECTIONS_MAX = 2000

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Parser(RequestHandler):
    """aiohttp's parser, with our answer to what it cannot read."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that is no HTTP: clients of the API only ever understand JSON."""
        wire = {"status": "Failed", "errno": str(int(Errno.NOT_JSON)), "errmsg": "the request cannot be read"}
        if status >= 500:
            log.error("web: a request failed inside", exc_info=exc)
            wire = {"status": "Failed", "errno": str(int(Errno.NOT_HANDLED)), "errmsg": "failed inside"}
        response = web.Response(
            text=json.dumps(wire), content_type="application/json", headers={"Server": "offhook"}
        )
        response.force_close()
        return response


class _Server(web.Server):
    """Makes a parser for each connection."""

    def __init__(self, handler: Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self._options = options

    def __call__(self) -> RequestHandler:
        """A parser for one more connection."""
        return _Parser(self, loop=asyncio.get_running_loop(), **self._options)


class _Head(asyncio.Protocol):
    """Repairs the first request line of a connection (and a missing Host), then stands aside.

    Later requests on the same connection are left as they are: only browsers keep one open, and they
    write proper lines.
    """

    def __init__(self, inner: asyncio.Protocol, closed: Callable[[], None]) -> None:
        self._inner = inner
        self._closed = closed
        self._head = bytearray()
        self._repaired = False
        self._complete = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.BaseTransport | None = None

    @property
    def connected(self) -> bool:
        """Whether there was a connection, whose end is told to `closed`."""
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._too_slow)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._complete:
            self._inner.data_received(data)
            return
        self._head += data
        if len(self._head) > HEAD_BYTES and b"\r\n\r\n" not in self._head and b"\n\n" not in self._head:
            self._too_slow()
            return
        if b"\r\n\r\n" not in self._head and b"\n\n" not in self._head:
            return
        self._complete = True
        if self._timer is not None:
            self._timer.cancel()
        line, end, rest = bytes(self._head).lstrip(b"\r\n").partition(b"\n")
        if b"\nhost:" not in b"\n" + self._head.lower():
            rest = b"Host: localhost\r\n" + rest
        self._head.clear()
        self._inner.data_received(normalise_request_line(line.rstrip(b"\r")) + b"\r" + end + rest)

    def _too_slow(self) -> None:
        if self._transport is not None:
            self._transport.abort()  # type: ignore[attr-defined]

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._closed()
        self._inner.connection_lost(exc)


class Front:
    """Listens on one port for http and https. `tls` may be None: then there is only http.

    `connections` gives how many one address may have at a time; `refused` counts those that were closed.
    """

    def __init__(
        self, handler: Handler, tls: ssl.SSLContext | None, *, connections: Callable[[], int]
    ) -> None:
        self._server = _Server(
            handler,
            access_log=None,
            keepalive_timeout=KEEPALIVE_SECONDS,
            max_line_size=16 << 10,
            max_field_size=16 << 10,
        )
        self._tls = tls
        self._connections = connections
        self.refused = 0
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._per_address: Counter[str] = Counter()

    async def start(self, bind: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        sock = socket.create_server((bind, port), family=family, backlog=512)
        sock.setblocking(False)
        self._sockets.append(sock)
        self._keep(asyncio.create_task(self._accept(sock), name="web-accept"))

    async def close(self) -> None:
        """Stop listening, give requests under way a moment, end."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._sockets:
            sock.close()
        await self._server.shutdown(2.0)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        async for sock, peer in accepted(listener, log):
            address = source_of(str(peer[0]))
            most = self._connections()
            if self._per_address.total() >= CONNECTIONS_MAX or self._per_address[address] >= most:
                self.refused += 1
                sock.close()
                continue
            self._per_address[address] += 1
            self._keep(asyncio.create_task(self._connect(sock, address), name="web-connect"))

    def _left(self, address: str) -> None:
        self._per_address[address] -= 1
        if self._per_address[address] <= 0:
            del self._per_address[address]

    async def _connect(self, sock: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        heads: list[_Head] = []

        def make() -> _Head:
            heads.append(_Head(self._server(), lambda: self._left(address)))
            return heads[0]

        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A client that takes nothing of its answer is let go by the kernel (tcp(7)).
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_SECONDS * 1000)
            async with asyncio.timeout(HEAD_SECONDS):
                first = await first_byte(sock)
                if not first:
                    return
                secure = first == TLS_HANDSHAKE and self._tls is not None
                await loop.connect_accepted_socket(make, sock, ssl=self._tls if secure else None)
        except (OSError, TimeoutError, ssl.SSLError) as failure:
            log.debug("web: %s: %s", address, failure)
        finally:
            # a handshake that fails has made the protocol, and never tells it that the connection is lost
            if not heads or not heads[0].connected:
                self._left(address)
            if not heads:
                with contextlib.suppress(OSError):
                    sock.close()
