"""Something asynchronous that runs in a thread of its own, for tests that are not, as those of hypothesis."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WAIT_SECONDS = 60.0


class Threaded(Generic[T]):
    """`it` lives in the thread's event loop; `do` awaits something there."""

    def __init__(self, it: T, loop: asyncio.AbstractEventLoop) -> None:
        self.it = it
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        """Await `work` in the thread. Raises what it raises, and TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_SECONDS)


@contextlib.contextmanager
def threaded(manager: AbstractAsyncContextManager[T]) -> Iterator[Threaded[T]]:
    """What `manager` gives, running in a thread for the time of a block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="threaded")
    thread.start()
    try:
        it = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(WAIT_SECONDS)
        try:
            yield Threaded(it, loop)
        finally:
            asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(WAIT_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
