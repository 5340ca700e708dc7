"""Received faxes: `fax/` of the data folder holds whole ones only, `fax/part/` those that are coming in.

The engine writes a fax page by page, so one that was interrupted looks whole. Whether it is, the call's
record says, and with the record it is moved, also when the control plane was away while it came.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.records.tables import cdr
from offhook.asterisk.config import private_folder
from offhook.store.unit import Store

log = logging.getLogger(__name__)


def part_folder(data: Path) -> Path:
    """Where the engine writes the faxes of the data folder `data`."""
    return data / "fax" / "part"


class FaxInbox:
    """The faxes of one data folder."""

    def __init__(self, store: Store, data: Path) -> None:
        self._store = store
        self._part = private_folder(private_folder(data / "fax") / "part")

    async def settle(self) -> None:
        """Move the faxes out whose records say that they are whole, and delete those that are not."""
        names = await asyncio.to_thread(lambda: [path.name for path in self._part.glob("*.tif")])
        if names:
            pages = await self._store.read(lambda connection: _pages(connection, names))
            await asyncio.to_thread(self._place, pages)

    def _place(self, pages: Mapping[str, int]) -> None:
        for name, count in pages.items():
            path = self._part / name
            if not count:
                log.warning("fax: %s was interrupted", name)
                path.unlink()
                continue
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(self._part.parent / name)
            log.info("fax: %s has %d pages", name, count)


def _pages(connection: sa.Connection, names: list[str]) -> Mapping[str, int]:
    """How many whole pages those of these files have whose call is over."""
    query = sa.select(cdr.c.fax, cdr.c.fax_pages).where(cdr.c.fax.in_(names))
    return {row.fax: row.fax_pages for row in connection.execute(query)}
