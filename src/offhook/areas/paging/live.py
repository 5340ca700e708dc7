"""Pages that are running: a paged phone presses * and talks with who pages (spec 08, `enabledialtoanswer`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from offhook.asterisk.switch import Switch, SwitchError

log = logging.getLogger(__name__)


class PageAnswers:
    """Puts who presses * through to who pages; the page ends for the others as its pager leaves it."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._tasks: set[asyncio.Task[None]] = set()

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take the requests out of a batch of events."""
        for event in events:
            if event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookPageAnswer":
                task = asyncio.create_task(self._bridge(event.get("Pager", ""), event.get("Channel", "")))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _bridge(self, pager: str, member: str) -> None:
        try:
            await self._switch.bridge(pager, member)
        except SwitchError as failure:
            log.info("paging: %s cannot talk with %s: %s", member, pager, failure)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
