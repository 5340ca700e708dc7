"""One webhook at work: the events of a call in order, calls side by side, each until it was taken.

    read a page ─► a lane for each call ─► sign ─► send ─► taken: the next one of the lane
                                                       └► not: pause, again, until it is no longer kept

The position follows what is taken without a hole; after a kill the rest of the page comes once more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from offhook.areas.webhooks.model import (
    ALARM_SECONDS,
    FAIL_SECONDS,
    Delivery,
    Progress,
    Settings,
    State,
    delivery_of,
    failing_before,
)
from offhook.areas.webhooks.pacing import Pacing
from offhook.areas.webhooks.sender import Answer, Sender
from offhook.areas.webhooks.signing import signature_headers
from offhook.clock import Clock
from offhook.events.feed import GAP, Feed, FeedItem
from offhook.events.target import absolute_target
from offhook.tasks import stop

log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0
_STORE_PAUSE = 5.0
_NOTE_SECONDS = 5.0
_AT_ONCE = 8


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
        self.delivered = 0
        self.pacing = Pacing(clock)
        self._feed = feed
        self._sender = sender
        self._clock = clock
        self._moved = moved
        self._alarm = alarm
        self._noted = float("-inf")
        self._failing_since = clock.monotonic() - failing_before(progress, clock.now())
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._ending = False
        self._in_flight = 0
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
        if self._task is None:
            return
        if self._in_flight:
            await asyncio.wait([self._task], timeout=_GRACE_SECONDS)
        await stop(self._task)

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
        if items and not await self._deliver_all(items):
            return
        if reader.position != self.progress.position:
            self._skip_to(reader.position)
        if not items:
            await reader.grown()

    async def _deliver_all(self, items: Sequence[FeedItem]) -> bool:
        """Deliver a page; False when something of it no longer can be."""
        waiting = dict.fromkeys(item.id for item in items)
        lanes: dict[str, list[FeedItem]] = {}
        for item in items:
            lanes.setdefault(item.lane, []).append(item)

        async def deliver(lane: Sequence[FeedItem]) -> bool:
            for item in lane:
                if not await self._deliver(item):
                    return False
                first = next(iter(waiting))
                del waiting[item.id]
                if item.id == first:
                    upto = next(iter(waiting), items[-1].id + 1) - 1
                    self._set(position=max(upto, self.progress.position))
            return True

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(deliver(lane)) for lane in lanes.values()]
        return all(task.result() for task in tasks)

    async def _deliver(self, item: FeedItem) -> bool:
        """Send until it was taken; False when there is no use in it any more."""
        delivery, tries = delivery_of(self.settings.id, item), 0
        while self._has_use(item):
            async with self._slots, self.pacing.turn() as turn:
                if not self._has_use(item):
                    break
                self._in_flight += 1
                try:
                    answer = await self.try_once(delivery)
                finally:
                    self._in_flight -= 1
            tries += 1
            if answer.taken:
                self.delivered += 1
                self._well(answer)
                return True
            if answer.at_once and tries == 1:
                continue  # a connection that was kept open may be closed at any time
            self.pacing.failed(turn, answer.again)
            self._failing(answer)
        return False

    def _has_use(self, item: FeedItem) -> bool:
        going = self.progress.state is State.ACTIVE and not self._ending
        return going and (item.kind == GAP or self._feed.keeps(item.id))

    def _well(self, answer: Answer) -> None:
        self.pacing.well()
        if self.progress.failing_since:
            log.info("webhook %s: %s takes events again", self.settings.name, self.authority)
            self._alarm("")
        self._set(failing_since=0.0, answer=answer.says)

    def _failing(self, answer: Answer) -> None:
        """Note a failed try, which may be the last one."""
        since, lasts = self.progress.failing_since, self._clock.monotonic() - self._failing_since
        if not since:
            log.warning("webhook %s: %s: %s", self.settings.name, self.authority, answer.says)
            since, lasts = self._clock.now(), 0.0
            self._failing_since = self._clock.monotonic()
        self._set(failing_since=since, answer=answer.says)
        if answer.gone or lasts >= FAIL_SECONDS:
            self._set(state=State.FAILED)
            log.error("webhook %s: %s: given up: %s", self.settings.name, self.authority, answer.says)
            self._alarm(f"{self.authority} gets no more events: {answer.says}")
        elif lasts >= ALARM_SECONDS:
            self._alarm(f"{self.authority} takes no events: {answer.says}")

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
