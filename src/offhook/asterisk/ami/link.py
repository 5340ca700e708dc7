"""One AMI connection: bytes in, messages out in batches; knows nothing of what they mean.

An event after a rest is handed over at once. While events follow each other closely, reading pauses a few
milliseconds after each batch, so that several gather: being woken costs more than reading them. A pause costs
as much as being woken twice, so it is taken only where it gathers something.
Messages are handed over by a call that returns when they are taken in, so a consumer that lags makes the
kernel's buffer fill up and the engine wait; nothing piles up here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.asterisk.ami.wire import Cutter, Message, WireError

UNSENT_MAX = 1 << 20
"""Bytes of actions that may wait for the engine to read them."""

_WORTH = 3
"""Messages that a pause has to have gathered for another one to follow."""


class Link(asyncio.Protocol):
    """Reads until `lost`, a future whose result says why it ended."""

    def __init__(self, on_messages: Callable[[list[Message]], None], gather: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_messages = on_messages
        self._gather = gather
        self._cutter = Cutter()
        self._last_batch = 0.0
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._resume: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("an AMI link needs a stream")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self.lost.done():
            return
        try:
            messages = self._cutter.feed(data)
        except WireError as failure:
            self.end(str(failure))
            return
        if messages:
            self._on_messages(messages)
            self._pause(len(messages))

    def _pause(self, count: int) -> None:
        now = self._loop.time()
        worth = now - self._last_batch < self._gather / 2 or (self._paused and count >= _WORTH)
        self._last_batch = now
        self._paused = worth
        if worth and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._resume = self._loop.call_later(self._gather, self._go_on)

    def _go_on(self) -> None:
        self._resume = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self.end(str(exc) if exc else "the engine closed the connection")

    def write(self, data: bytes) -> bool:
        """Send an action; False when the connection is gone or the engine has stopped reading."""
        transport = self._transport
        if transport is None or self.lost.done() or transport.get_write_buffer_size() > UNSENT_MAX:
            return False
        transport.write(data)
        return True

    def end(self, reason: str) -> None:
        """Cut the connection at once; what was not sent is dropped, for it may be stalled."""
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()
