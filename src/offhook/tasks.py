"""Tasks that look again after a while or when they are woken, until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
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
