"""One webhook at work: event by event in order, each until its receiver has taken it.

read ─► sign ─► send ─► taken: the next one
                    └► not: pause, again; until it is no longer kept, then on with what is, and a `gap`
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from offhook.areas.webhooks.model import (
    ALARM_SECONDS,
    FAIL_SECONDS,
    Delivery,
    Progress,
    Settings,
    State,
    delivery_of,
    pause_after,
)
from offhook.areas.webhooks.sender import Answer, Sender
from offhook.areas.webhooks.signing import signature_headers
from offhook.clock import Clock
from offhook.events.feed import GAP, Feed, FeedItem
from offhook.events.target import absolute_target

log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0
_STORE_PAUSE = 5.0
_NOTE_SECONDS = 5.0


class Worker:
    """Delivers to one receiver. `moved` hears that the progress has changed, `alarm` of a receiver that has
    failed for long (a text) and that it takes events again (empty)."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        *,
        feed: Feed,
        sender: Sender,
        clock: Clock,
        moved: Callable[[], None],
        alarm: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.progress = progress
        self.next_try = 0.0
        self.delivered = 0
        self._feed = feed
        self._sender = sender
        self._clock = clock
        self._moved = moved
        self._alarm = alarm
        self._noted = float("-inf")
        self._woken = asyncio.Event()
        self._ending = False
        self._trying: asyncio.Task[Answer] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def authority(self) -> str:
        """Host and port of the receiver, for people and logs."""
        return absolute_target(self.settings.url).authority

    def start(self) -> None:
        """Begin, unless it is paused or has failed."""
        if self.progress.state is State.ACTIVE:
            self._task = asyncio.create_task(self._run(), name=f"webhook {self.settings.name}")

    async def close(self) -> None:
        """End; what is under way gets a moment to arrive."""
        self._ending = True
        if self._trying is not None:
            await asyncio.wait([self._trying], timeout=_GRACE_SECONDS)
            await asyncio.sleep(0)  # so that its end is taken note of
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Try again at once."""
        self._woken.set()

    async def try_once(self, delivery: Delivery) -> Answer:
        """Send one request now."""
        now = self._clock.now()
        headers = signature_headers(delivery.identity, int(now), delivery.body, self.settings.keys_at(now))
        return await self._sender.send(self.settings.url, delivery.body, headers, verify=self.settings.verify)

    async def _run(self) -> None:
        while not self._ending and self.progress.state is State.ACTIVE:
            try:
                await self._deliver_page()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("webhook %s: cannot go on for now", self.settings.name)
                await asyncio.sleep(_STORE_PAUSE)

    async def _deliver_page(self) -> None:
        reader = self._feed.open(self.progress.position, self.settings.kinds, self.settings.extension)
        items = await reader.read()
        for item in items:
            if not await self._deliver(item):
                return
        if reader.position != self.progress.position:
            self._skip_to(reader.position)
        if not items:
            await reader.grown()

    async def _deliver(self, item: FeedItem) -> bool:
        """Send until it was taken; False when there is no use in it any more."""
        delivery, tries = delivery_of(self.settings.id, item), 0
        while not self._ending and (item.kind == GAP or self._feed.keeps(item.id)):
            self._woken.clear()
            self._trying = asyncio.create_task(self.try_once(delivery))
            try:
                answer = await self._trying
            finally:
                self._trying = None
            tries += 1
            if answer.taken:
                self.delivered += 1
                self._well(item.id, answer)
                return True
            if answer.at_once and tries == 1:
                continue  # a connection that was kept open may be closed at any time
            if not self._failing(answer):
                return False
            await self._rest(pause_after(tries, answer.again, random.random()))  # noqa: S311
        return False

    async def _rest(self, seconds: float) -> None:
        self.next_try = self._clock.now() + seconds
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self.next_try = 0.0

    def _well(self, number: int, answer: Answer) -> None:
        if self.progress.failing_since:
            log.info("webhook %s: %s takes events again", self.settings.name, self.authority)
            self._alarm("")
        self._set(position=number, failing_since=0.0, answer=answer.says)

    def _failing(self, answer: Answer) -> bool:
        """Note a failed try; False when it was the last one."""
        now, since = self._clock.now(), self.progress.failing_since
        if not since:
            log.warning("webhook %s: %s: %s", self.settings.name, self.authority, answer.says)
            since = now
        self._set(failing_since=since, answer=answer.says)
        if answer.gone or now - since >= FAIL_SECONDS:
            self._set(state=State.FAILED)
            log.error("webhook %s: %s: given up: %s", self.settings.name, self.authority, answer.says)
            self._alarm(f"{self.authority} gets no more events: {answer.says}")
            return False
        if now - since >= ALARM_SECONDS:
            self._alarm(f"{self.authority} takes no events: {answer.says}")
        return True

    def _skip_to(self, position: int) -> None:
        """Note what was not wanted; now and then is enough, as it would only be read again."""
        self.progress.position = position
        now = self._clock.monotonic()
        if now - self._noted >= _NOTE_SECONDS:
            self._moved()
            self._noted = now

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self.progress, name, value)
        self._moved()
