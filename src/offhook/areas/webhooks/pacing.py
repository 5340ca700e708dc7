"""How a receiver that fails is tried: by one request at a time, after pauses that grow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook.areas.webhooks.model import pause_after
from offhook.clock import Clock


class Pacing:
    """What the requests to one receiver share. `next_try` is when it is tried again, 0 while it is well."""

    def __init__(self, clock: Clock) -> None:
        self.next_try = 0.0
        self._clock = clock
        self._failures = 0
        self._until = 0.0  # the event loop's time
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """Around a try; while the receiver fails it waits for its turn. What it gives is for `failed`."""
        if not self._failures:
            yield 0
            return
        async with self._alone:
            pause = self._until - asyncio.get_running_loop().time()
            if self._failures and pause > 0:
                await asyncio.sleep(pause)
            yield self._failures

    def well(self) -> None:
        """A try has succeeded."""
        self._failures, self.next_try = 0, 0.0

    def failed(self, turn: int, asked: float) -> None:
        """A try has failed; `asked` is for how many seconds the receiver wants to be left alone.

        Of tries that were under way together only the first counts.
        """
        if turn != self._failures:
            return
        self._failures += 1
        pause = pause_after(self._failures, asked, random.random())  # noqa: S311
        self._until = asyncio.get_running_loop().time() + pause
        self.next_try = self._clock.now() + pause
