"""One event to one HTTP receiver: a fresh connection, one write, a bounded look at the answer.

Receivers in the field read once from the socket, so head and body leave in one segment (spec 15-events
`delivery`, 19-tolerances `push`). This is where most of what events cost is spent, so plain HTTP is a state
machine on a bare socket; asyncio's streams cost more than twice as much, a general client ten times.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from offhook.events.addresses import Addresses, AddressRefused, is_numeric
from offhook.events.target import Target

CONNECT_SECONDS = 3.0
_ANSWER_MAX = 4096
_TURN_SECONDS = 0.002
_LAST_AT_ONCE = 4


class Outcome(StrEnum):
    """What became of one try."""

    OK = "ok"  # 2xx
    REFUSED = "refused"  # 4xx: the receiver does not want it, a repeat would not help
    TAKEN = "taken"  # the bytes were taken, and no sensible answer came
    FAILED = "failed"  # another status
    UNREACHABLE = "unreachable"  # no connection
    FORBIDDEN = "forbidden"  # an address to which nothing is sent


@dataclass(frozen=True, slots=True)
class Try:
    """The outcome and, for the log, what happened; `silent`: it was waited for an answer in vain."""

    outcome: Outcome
    says: str = ""
    silent: bool = False


Done = Callable[[Try], None]


def request_head(target: Target) -> bytes:
    """Everything before the length of the body, as the appliances send it, in their order of headers."""
    return (
        f"POST {target.path} HTTP/1.1\r\n"
        f"Host: {target.authority}\r\n"
        "Accept: application/json\r\n"
        "User-Agent: WebAPI\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: "
    ).encode("ascii")


def tls_context() -> ssl.SSLContext:
    """Receivers by https have certificates of their own making; the appliances never looked at them."""
    # not the default context: it would read every authority of the machine, for nothing
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Pusher:
    """Sends requests to receivers. `in_flight` counts those that are under way."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._tls = tls_context()
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: deque[Callable[[], None]] = deque()
        self.in_flight = 0

    def push(
        self, target: Target, data: bytes, answer_seconds: float, done: Done, *, last: bool = False
    ) -> None:
        """Send one request once; `done` is called, never before this returns, with what became of it. What
        is `last` leaves some milliseconds later, a few at a time, so that a burst to others goes first."""
        self.in_flight += 1

        def ended(result: Try) -> None:
            self.in_flight -= 1
            done(result)

        if not last:
            self._begin(target, data, answer_seconds, ended)
            return
        if not self._last:
            asyncio.get_running_loop().call_later(_TURN_SECONDS, self._turn)
        self._last.append(lambda: self._begin(target, data, answer_seconds, ended))

    def _turn(self) -> None:
        for _ in range(min(_LAST_AT_ONCE, len(self._last))):
            self._last.popleft()()
        if self._last:
            asyncio.get_running_loop().call_later(_TURN_SECONDS, self._turn)

    def _begin(self, target: Target, data: bytes, answer_seconds: float, ended: Done) -> None:
        if target.scheme == "http" and is_numeric(target.host):
            reason = self._addresses.refusal(target.host, target.port)
            if reason is None:
                _Connection([target.host], target.port, data, answer_seconds, ended).connect()
            else:
                asyncio.get_running_loop().call_soon(ended, Try(Outcome.FORBIDDEN, reason))
            return
        task = asyncio.create_task(self._resolve_and_push(target, data, answer_seconds, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resolve_and_push(self, target: Target, data: bytes, answer_seconds: float, done: Done) -> None:
        try:
            places = await self._addresses.resolve(target.host, target.port)
        except AddressRefused as refused:
            done(Try(Outcome.FORBIDDEN, str(refused)))
        except (OSError, TimeoutError) as failure:
            done(Try(Outcome.UNREACHABLE, f"no address: {failure or 'time-out'}"))
        except asyncio.CancelledError:
            done(Try(Outcome.UNREACHABLE, "ended"))
            raise
        else:
            if target.scheme == "http":
                _Connection(places, target.port, data, answer_seconds, done).connect()
            else:
                done(await _push_tls(target, places[0], data, answer_seconds, self._tls))

    async def close(self) -> None:
        """Give up what is still waiting, looked up or sent by TLS."""
        self._last.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Connection:
    """One request over plain TCP, driven by the event loop's callbacks."""

    __slots__ = ("_answer", "_data", "_done", "_loop", "_patience", "_places", "_port", "_sock", "_timer")

    def __init__(
        self, places: Sequence[str], port: int, data: bytes, answer_seconds: float, done: Done
    ) -> None:
        self._places = list(places)
        self._port = port
        self._data = data
        self._patience = answer_seconds
        self._done = done
        self._answer = b""
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._timer = self._loop.call_later(CONNECT_SECONDS, self._late)

    def connect(self) -> None:
        """Begin with the next address."""
        place = self._places.pop(0)
        try:
            family = socket.AF_INET6 if ":" in place else socket.AF_INET
            self._sock = sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            code = sock.connect_ex((place, self._port))
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
            # a receiver on this machine is connected by now, which saves the wait for it
            sent = sock.send(self._data)
        except BlockingIOError:
            # by its number: a lookup that misses would write out the whole socket as text
            self._loop.add_writer(sock.fileno(), self._writable)
        except OSError as failure:
            self._loop.call_soon(self._failed, failure)
        else:
            self._sent(sent)
            if self._data:
                self._loop.add_writer(sock.fileno(), self._writable)

    def _writable(self) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code))
            sent = sock.send(self._data)
        except BlockingIOError:
            return
        except OSError as failure:
            self._failed(failure)
            return
        self._sent(sent)
        if not self._data:
            self._loop.remove_writer(sock.fileno())

    def _sent(self, count: int) -> None:
        self._data = self._data[count:]
        self._places = []  # somebody has taken something: no other address is tried
        if not self._data and self._sock is not None:
            self._loop.add_reader(self._sock.fileno(), self._readable)
            self._timer.cancel()
            self._timer = self._loop.call_later(self._patience, self._late)

    def _readable(self) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            data = sock.recv(_ANSWER_MAX)
        except BlockingIOError:
            return
        except OSError as failure:
            self._end(Try(Outcome.TAKEN, f"no answer: {failure}"))
            return
        self._answer += data
        if not data or b"\n" in data or len(self._answer) >= _ANSWER_MAX:
            self._end(judge(self._answer))

    def _late(self) -> None:
        if self._data:
            self._failed(OSError("time-out"))
        else:
            result = judge(self._answer)
            self._end(
                result
                if result.outcome is not Outcome.TAKEN
                else Try(Outcome.TAKEN, "no answer in time", True)
            )

    def _failed(self, failure: OSError) -> None:
        if self._places:
            self._let_go()
            self.connect()
        else:
            self._end(Try(Outcome.UNREACHABLE, f"no connection: {failure.strerror or failure}"))

    def _let_go(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
            sock.close()

    def _end(self, result: Try) -> None:
        self._timer.cancel()
        self._let_go()
        self._done(result)


async def _push_tls(
    target: Target, place: str, data: bytes, answer_seconds: float, tls: ssl.SSLContext
) -> Try:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                place, target.port, ssl=tls, server_hostname=target.host, limit=_ANSWER_MAX
            )
    except (OSError, TimeoutError) as failure:
        return Try(Outcome.UNREACHABLE, f"no connection: {failure or 'time-out'}")
    try:
        writer.write(data)
        async with asyncio.timeout(answer_seconds):
            await writer.drain()
            return judge(await reader.readline())
    except TimeoutError:
        return Try(Outcome.TAKEN, "no answer in time", True)
    except (OSError, ValueError) as failure:
        return Try(Outcome.TAKEN, f"no answer: {failure}")
    finally:
        writer.transport.abort()


def judge(answer: bytes) -> Try:
    """What the begin of an answer means. Pure."""
    parts = answer[:_ANSWER_MAX].split(b"\n", 1)[0].split(None, 2)
    status = parts[1] if len(parts) > 1 and parts[0].upper().startswith(b"HTTP/") else b""
    if len(status) == 3 and status.isdigit():
        if status[:1] == b"2":
            return Try(Outcome.OK)
        outcome = Outcome.REFUSED if status[:1] == b"4" else Outcome.FAILED
        return Try(outcome, f"status {status.decode('ascii')}")
    if status:
        return Try(Outcome.FAILED, "no status")
    return Try(Outcome.TAKEN, "closed without an answer" if not answer else "no HTTP answer")
