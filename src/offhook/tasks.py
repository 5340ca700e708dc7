"""Tasks: such as look again after a while or when they are woken, until they are stopped, and such as end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any


async def woken(event: asyncio.Event, seconds: float) -> None:
    """Wait until an event is set, at most so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def stop(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait for their end; what one raises then is of no interest. None: it never began."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)


class Background:
    """Work that nobody waits for, as tasks that are kept until they end: the loop alone would forget them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, object], name: str | None = None) -> None:
        """Begin it, as a task of this name."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what is under way; what it raises is of no interest."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
