"""Waiting for what has to come, with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

WAIT_SECONDS = 8.0
_QUICK = 0.005


async def eventually(condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait until `condition()` is true. Raises TimeoutError."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"in {seconds:g} s it did not come to this: {what}")
        await asyncio.sleep(_QUICK)
