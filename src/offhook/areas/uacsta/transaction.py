"""Client transactions over UDP: a request is sent again until it is answered (RFC 3261, section 17.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.areas.uacsta.sip import Message

T1, T2 = 0.5, 4.0


class NoAnswer(Exception):
    """The phone did not answer in time."""


class Transaction:
    """One request under way. `send` puts it on the wire; answers come in by `take`.

    `abandoned` says that nobody waits any more; the owner then undoes what a late answer would begin.
    """

    def __init__(self, request: Message, send: Callable[[], None]) -> None:
        self.request = request
        self.final: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.rings: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.provisional = False
        self.abandoned = False
        self._send = send
        self._pause = T1
        self._timer: asyncio.TimerHandle | None = None
        self._again()

    def _again(self) -> None:
        self._send()
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._again)
        self._pause = self._pause * 2 if self.request.method == "INVITE" else min(self._pause * 2, T2)

    def take(self, answer: Message) -> None:
        """Take in an answer of the phone."""
        if answer.status >= 200:
            self.stop()
            if not self.final.done():
                self.final.set_result(answer)
            return
        self.provisional = True
        self._pause = T2
        if self.request.method == "INVITE":
            self.stop()
            if answer.status > 100 and not self.rings.done():
                self.rings.set_result(None)

    def stop(self) -> None:
        """Send the request no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def answer(self, seconds: float) -> Message:
        """Wait for the final answer. Raises NoAnswer."""
        done, _ = await asyncio.wait({self.final}, timeout=seconds)
        if not done:
            raise NoAnswer(f"no answer within {seconds:g} s")
        return self.final.result()
