"""/api/events: what happens, as server-sent events or over a WebSocket, from any position that is still kept.

    GET /api/events?after=…&kinds=…&extension=…   Authorization: Bearer <token>, or ?token=

Unlike the contract's endpoints it answers failures with HTTP statuses, as browsers and libraries expect of a
stream; the body is the contract's envelope all the same. A stream ends when its token does, and as long as it
is open it counts as interaction, so that its token does not idle out. A reader that takes nothing for a while
is cut off; it comes back with the id of the last event that it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from offhook.contract.errors import ContractError, Errno
from offhook.contract.feed import Feed, FeedItem, FeedReader, as_message, as_sse
from offhook.sockets import find_dead_peer
from offhook.source import source_of
from offhook.web.api import failed

log = logging.getLogger(__name__)

PATH = "/api/events"
BEAT_SECONDS = 15.0
STALL_SECONDS = 20.0
DEAD_SECONDS = 60
STREAMS_MAX = 200
STREAMS_PER_ADDRESS = 50
_TICK_SECONDS = 0.5
_GOODBYE_SECONDS = 1.0
_RETRY_MS = 2000
_SEND_BYTES = 128 << 10
_BUFFER_BYTES = 64 << 10
_ID_DIGITS = 18
_FAILED = "something failed inside"
_STATUS = {
    Errno.TOKEN_EMPTY: 401,
    Errno.NO_SUCH_TOKEN: 401,
    Errno.TOKEN_EXPIRED: 401,
    Errno.SERVICE_NOT_RUNNING: 503,
    Errno.APPLIED_TOO_OFTEN: 429,
}


class _Refused(Exception):
    """The stream is refused, with a status."""

    def __init__(self, status: int, errno: Errno, detail: str = "") -> None:
        super().__init__(detail or errno.meaning)
        self.status = status
        self.errno = errno
        self.detail = detail


class Pass(Protocol):
    """What a client was let in with."""

    async def goes_on(self) -> None:
        """Prolong it. Raises ContractError when it has ended or may not read any more."""


class Door(Protocol):
    """Who may read the feed."""

    async def authorise(self, credential: str, address: str) -> Pass:
        """Let in who has a token or a key and comes from `address`. Raises ContractError."""


class FeedSite:
    """Serves PATH. `ready` is False until calls can be made; `allow_origin` is the CORS answer."""

    def __init__(self, feed: Feed, door: Door, *, ready: Callable[[], bool], allow_origin: str) -> None:
        self._feed = feed
        self._door = door
        self._ready = ready
        self._allow_origin = allow_origin
        self._per_address: Counter[str] = Counter()
        self._ending = False
        self.cut_off = 0

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._per_address.total()

    def end_streams(self) -> None:
        """End every stream within a moment; clients come back to whoever serves the port then."""
        self._ending = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request for PATH."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=self._headers())
        address = request.remote or ""
        source = source_of(address)
        try:
            granted, reader = await self._admitted(request, address)
        except _Refused as refused:
            log.info("feed: %s: %s", address, refused)
            return self._refusal(refused)
        self._per_address[source] += 1
        try:
            if _wants_websocket(request):
                return await self._websocket(request, granted, reader)
            return await self._events(request, granted, reader)
        finally:
            self._per_address[source] -= 1
            if not self._per_address[source]:
                del self._per_address[source]

    # -- who and what -----------------------------------------------------------------------------------

    async def _admitted(self, request: web.BaseRequest, address: str) -> tuple[Pass, FeedReader]:
        if request.method != "GET":
            raise _Refused(405, Errno.NOT_POST, "the feed is read by GET")
        if not self._ready() or self._ending:
            raise _Refused(503, Errno.SERVICE_NOT_RUNNING, "the PBX is starting or ending")
        token = _token(request)
        try:
            if not token:
                raise ContractError(Errno.TOKEN_EMPTY)
            granted = await self._door.authorise(token, address)
        except ContractError as refused:
            raise _Refused(_STATUS.get(refused.errno, 403), refused.errno, refused.detail) from None
        if self.streams >= STREAMS_MAX or self._per_address[source_of(address)] >= STREAMS_PER_ADDRESS:
            raise _Refused(429, Errno.NOT_HANDLED, "too many streams are open")
        try:
            reader = self._feed.open(
                _position(request), request.query.get("kinds", ""), request.query.get("extension", "")
            )
        except ValueError as wrong:
            raise _Refused(400, Errno.PARAMETER_EMPTY, str(wrong)) from None
        return granted, reader

    # -- streams ----------------------------------------------------------------------------------------

    async def _events(
        self, request: web.BaseRequest, granted: Pass, reader: FeedReader
    ) -> web.StreamResponse:
        headers = {**self._headers(), "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        response.force_close()
        async with self._bounded(request):
            await response.prepare(request)
            _tune(request)
            await response.write(b"retry: %d\nid: %d\n\n" % (_RETRY_MS, reader.position))

            async def send(items: Sequence[FeedItem]) -> None:
                # without events only the id, which moves a reader on that is filtered
                await response.write(as_sse(items) or b": still here\nid: %d\n\n" % reader.position)

            why = await self._pump(request, granted, reader, send)
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await response.write(b": %s\n\n" % why.encode())
                await response.write_eof()
        return response

    async def _websocket(
        self, request: web.BaseRequest, granted: Pass, reader: FeedReader
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=BEAT_SECONDS, max_msg_size=4096, compress=False)
        if not socket.can_prepare(request):
            return self._refusal(_Refused(400, Errno.NOT_JSON, "this is no WebSocket handshake"))
        socket.headers.update(self._headers())
        listening: asyncio.Task[None] | None = None
        async with self._bounded(request):
            await socket.prepare(request)
            _tune(request)
            listening = asyncio.create_task(_ignore(socket), name="feed-websocket")

            async def send(items: Sequence[FeedItem]) -> None:
                for item in items:
                    await socket.send_str(as_message(item))

            try:
                why = await self._pump(request, granted, reader, send, lambda: socket.closed)
                code = WSCloseCode.POLICY_VIOLATION
                if self._ending:
                    code = WSCloseCode.SERVICE_RESTART
                elif why == _FAILED:
                    code = WSCloseCode.INTERNAL_ERROR
                if not socket.closed:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
                    async with asyncio.timeout(_GOODBYE_SECONDS):
                        await socket.close(code=code, message=why.encode())
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        return socket

    @contextlib.asynccontextmanager
    async def _bounded(self, request: web.BaseRequest) -> AsyncIterator[None]:
        """A peer that goes away ends its stream quietly; one that takes nothing is cut off."""
        try:
            yield
        except TimeoutError:
            self.cut_off += 1
            log.warning("feed: %s takes nothing and is cut off", request.remote)
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError as failure:
            log.info("feed: %s went away: %s", request.remote, failure)

    async def _pump(
        self,
        request: web.BaseRequest,
        granted: Pass,
        reader: FeedReader,
        send: Callable[[Sequence[FeedItem]], Awaitable[None]],
        closed: Callable[[], bool] = lambda: False,
    ) -> str:
        """Send what comes until the stream ends; returns why. Raises TimeoutError for a stalled peer."""
        clock = asyncio.get_running_loop().time
        beat, look = clock() + BEAT_SECONDS, 0.0
        while not closed() and request.transport is not None and not request.transport.is_closing():
            if self._ending:
                return "the PBX restarts"
            try:
                if clock() >= look:
                    await granted.goes_on()
                    look = clock() + _TICK_SECONDS
                items = await reader.read()
            except ContractError as refused:
                return f"the token has ended: {refused.errno.meaning}"
            except Exception:
                log.exception("feed: the stream of %s cannot go on", request.remote)
                return _FAILED
            if items or clock() >= beat:
                async with asyncio.timeout(STALL_SECONDS):
                    await send(items)
                beat = clock() + BEAT_SECONDS
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await reader.grown()
        return "the other side has gone"

    # -- answers ----------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        headers = {"Server": "offhook", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self._allow_origin:
            headers["Access-Control-Allow-Origin"] = self._allow_origin
            headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
            headers["Access-Control-Allow-Headers"] = "Authorization, Last-Event-ID, Cache-Control"
        return headers

    def _refusal(self, refused: _Refused) -> web.Response:
        headers: dict[str, str] = self._headers()
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="offhook"'
        if refused.status in {429, 503}:
            headers["Retry-After"] = "2"
        body: Mapping[str, object] = failed(refused.errno, refused.detail)
        response = web.json_response(body, status=refused.status, headers=headers)
        response.force_close()
        return response


async def _ignore(socket: web.WebSocketResponse) -> None:
    """Take pings, pongs and the end; what else a client says has no meaning."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


def _wants_websocket(request: web.BaseRequest) -> bool:
    return request.headers.get("Upgrade", "").strip().lower() == "websocket"


def _token(request: web.BaseRequest) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return request.query.get("token", "").strip()


def _position(request: web.BaseRequest) -> int | None:
    """The last event that the client has; a reconnecting browser's header is newer than its address."""
    text = request.headers.get("Last-Event-ID", "").strip() or request.query.get("after", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _ID_DIGITS:
        raise ValueError("after and Last-Event-ID are the id of an event")
    return int(text)


def _tune(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=_BUFFER_BYTES)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        find_dead_peer(sock, DEAD_SECONDS, send_buffer=_SEND_BYTES)
