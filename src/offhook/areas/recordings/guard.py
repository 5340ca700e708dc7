"""Tells the dialplan whether anything may be recorded, and ends recordings before the disk is full.

The dialplan reads the global variable OFFHOOK_RECORD. Calls go on whatever happens here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.conferences.tables import conferences
from offhook.areas.objects.field import Row
from offhook.areas.queues.tables import queues
from offhook.areas.trunks.tables import trunks
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)

SWITCH = "OFFHOOK_RECORD"
_PARTS = frozenset({"recordings", "trunks", "conferences", "queues"})
_LAST_PART = 5  # of what has to be free; with less than a fifth of it, recordings that run end
_BACK = 1.05  # so much more has to be free before recording begins again


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write where `folder` lies."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


class DiskGuard:
    """Keeps OFFHOOK_RECORD right; `free` is asked for the bytes that are free, `runs` whether anything is
    recorded at the moment, which `stop_all` ends.

    `on_full` is called at each look: whether the disk is nearly full, and the bytes that are free.
    """

    def __init__(
        self,
        store: Store,
        switch: Switch,
        folder: Path,
        settings: Callable[[], Awaitable[Row]],
        *,
        runs: Callable[[], bool],
        stop_all: Callable[[], Awaitable[None]],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._store = store
        self._switch = switch
        self._folder = folder
        self._settings = settings
        self._runs = runs
        self._stop_all = stop_all
        self.free = free
        self._wanted = True
        self._full = False
        self._sent = ""
        self.on_full: Callable[[bool, int], None] = lambda _full, _free: None

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Settings have changed: put in force whether anything is recorded at all."""
        if parts & _PARTS:
            await self._look_at_wishes()
            await self.look()

    async def on_connected(self) -> None:
        """The engine may be another one."""
        self._sent = ""
        await self._look_at_wishes()
        await self.look()

    @property
    def may_begin(self) -> bool:
        """Whether anything may be recorded now."""
        return self._wanted and not self._full

    async def look(self) -> None:
        """Look at the disk, and tell the dialplan when that changes what it may do."""
        least = (await self._settings())["minfreemegabytes"] << 20
        free = await asyncio.to_thread(self.free, self._folder)
        full = free < (least * _BACK if self._full else least)
        if full and not self._full:
            log.warning("recordings: only %d MB are free, so no recording begins", free >> 20)
        elif self._full and not full:
            log.warning("recordings: %d MB are free again, so calls are recorded again", free >> 20)
        self._full = full
        self.on_full(full, free)
        value = "1" if self.may_begin else "0"
        if value != self._sent and self._switch.healthy:
            try:
                await self._switch.act(actions.SetGlobal(variable=SWITCH, value=value))
                self._sent = value
            except SwitchError as failure:
                log.warning("recordings: the engine was not told: %s", failure)
        if free < least // _LAST_PART and self._runs():
            log.error("recordings: the disk is nearly full, so those that run end")
            await self._stop_all()

    async def _look_at_wishes(self) -> None:
        settings = await self._settings()
        self._wanted = bool(settings["extensions"] or settings["ondemand"]) or await self._store.read(
            _recorded
        )


def _recorded(connection: sa.Connection) -> bool:
    return any(
        connection.execute(sa.select(table.c.record).where(table.c.record).limit(1)).first() is not None
        for table in (trunks, queues, conferences)
    )
