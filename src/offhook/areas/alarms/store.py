"""The alarm `store`: that nothing could be written. It can be stored when that is over, and then it is."""

from __future__ import annotations

import asyncio
import logging

from offhook.areas.alarms.service import Alarms
from offhook.store.unit import Store
from offhook.tasks import stop

log = logging.getLogger(__name__)

KEY = "store"
_LOOK_SECONDS = 1.0


class StoreWatch:
    """Raises the alarm when writes fail, and clears it when one succeeds."""

    def __init__(self, store: Store, alarms: Alarms, *, seconds: float = _LOOK_SECONDS) -> None:
        self._store = store
        self._alarms = alarms
        self._seconds = seconds
        self._seen = store.outages
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="store alarm")

    async def close(self) -> None:
        """End."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            if self._store.outages != self._seen:
                await self._tell(self._store.failing or "for a moment nothing could be written")

    async def _tell(self, text: str) -> None:
        """Say it in the log at once, and store it as soon as that is possible, which is its end."""
        log.error("alarm %s: %s; calls go on, changes are refused", KEY, text)
        while not await self._alarms.note(KEY, f"nothing could be written: {text}"):  # noqa: ASYNC110
            await asyncio.sleep(self._seconds)
        self._seen = self._store.outages
        self._alarms.clear(KEY, "the store can be written again")
