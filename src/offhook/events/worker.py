"""One worker per receiver: events of one call in order, calls in parallel, bounded in everything.

    enqueue ─► queue ─► a task per event, which waits for the event before it with the same key
                            └► push ─► ok / refused / taken: done
                                    └► failed: pause, again; at most `_LIVE_TRIES` for live events,
                                       until it expires for those of the journal

A key is a callid or an extension. A receiver that does not answer holds up only itself: its queue is
bounded, and while it is down its events wait on one shared pause instead of each trying by itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Iterable

from offhook.clock import Clock
from offhook.events.api import NewCdr
from offhook.events.dialect import Dialect
from offhook.events.http_push import ANSWER_SECONDS, FIRST_ANSWER_SECONDS, Outcome, Try, push
from offhook.events.item import Item
from offhook.events.target import Target

log = logging.getLogger(__name__)

QUEUE_MAX = 2000
PARALLEL = 16
_LIVE_TRIES = 4
_LIVE_SECONDS = 60.0
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Worker:
    """Delivers to one target. `done` hears of each journal event that needs no further try."""

    def __init__(
        self,
        target: Target,
        dialect: Dialect,
        *,
        sn: Callable[[], str],
        clock: Clock,
        answers: bool,
        may_deliver: Callable[[Item], bool],
        done: Callable[[Item], None],
        keep_seconds: Callable[[], float],
        first_answer: Callable[[], None],
        tls: ssl.SSLContext,
    ) -> None:
        self.target = target
        self.dialect = dialect
        self._sn = sn
        self._clock = clock
        self._answers = answers
        self._may_deliver = may_deliver
        self._done = done
        self._keep_seconds = keep_seconds
        self._first_answer = first_answer
        self._tls = tls
        self._tails: dict[str, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(PARALLEL)
        self._down_until = 0.0
        self._failures = 0
        self._dropped = 0

    @property
    def waiting(self) -> int:
        """How many events are under way."""
        return len(self._tasks)

    def enqueue(self, item: Item) -> None:
        """Take an event. A live one is dropped when the queue is full; journal events stay in the store."""
        if len(self._tasks) >= QUEUE_MAX and not item.durable:
            self._dropped += 1
            if self._dropped & (self._dropped - 1) == 0:
                log.warning("events: %s takes none; %d dropped so far", self.target.authority, self._dropped)
            return
        if isinstance(item.event, NewCdr):
            # The last word on a call: the states of its extensions have no callid, and still come before it.
            before = list(set(self._tails.values()))
        else:
            before = [self._tails[key] for key in item.keys if key in self._tails]
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for key in item.keys:
            self._tails[key] = end
        task = asyncio.create_task(self._deliver(item, before, end), name=f"push {self.target.authority}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _patience(self) -> float:
        """How long to wait for an answer: one that never answered must not hold up its own next event."""
        return ANSWER_SECONDS if self._answers else FIRST_ANSWER_SECONDS

    async def close(self, seconds: float = 0.0) -> None:
        """End; what is under way gets `seconds` to arrive."""
        if seconds and self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(
        self, item: Item, before: Iterable[asyncio.Future[None]], end: asyncio.Future[None]
    ) -> None:
        try:
            for earlier in before:
                await asyncio.shield(earlier)
            for body in item.bodies(self.dialect, self._sn()):
                await self._until_done(item, body)
            if item.durable:
                self._done(item)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("events: %s to %s", type(item.event).__name__, self.target.authority)
        finally:
            end.set_result(None) if not end.done() else None
            for key in item.keys:
                if self._tails.get(key) is end:
                    del self._tails[key]

    async def _until_done(self, item: Item, body: bytes) -> None:
        tries = 0
        while not self._expired(item, tries):
            if (pause := self._down_until - self._clock.monotonic()) > 0:
                await asyncio.sleep(pause)
                continue
            if not self._may_deliver(item):
                if not item.durable:
                    return
                await asyncio.sleep(1.0)
                continue
            async with self._slots:
                result = await push(self.target, body, self._tls, answer_seconds=self._patience)
            tries += 1
            if self._settles(result):
                return
            self._back_off(result)

    def _expired(self, item: Item, tries: int) -> bool:
        age = self._clock.now() - item.created
        if item.durable:
            return age > self._keep_seconds()
        return tries >= _LIVE_TRIES or age > _LIVE_SECONDS

    def _settles(self, result: Try) -> bool:
        """Whether the event counts as delivered (spec 19: held to the 200 from its first on)."""
        if result.outcome is Outcome.OK:
            if not self._answers:
                self._answers = True
                self._first_answer()
            self._failures = 0
            return True
        return result.outcome is Outcome.REFUSED or (result.outcome is Outcome.TAKEN and not self._answers)

    def _back_off(self, result: Try) -> None:
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)] * random.uniform(0.8, 1.2)  # noqa: S311
        until = self._clock.monotonic() + pause
        if until > self._down_until:
            if self._down_until < self._clock.monotonic():
                self._failures += 1
                log.warning("events: %s: %s; next try in %.1f s", self.target.authority, result.says, pause)
            self._down_until = until
