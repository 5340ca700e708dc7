"""Received faxes: `fax/` of the data folder holds whole ones only, `fax/part/` those that are coming in.

The engine writes a fax page by page, so one that was interrupted looks whole. Whether it is, the call's
record says, and with the record it is mailed and moved, also when the control plane was away while it came.

    part/x.tif ─► mail queued, its reference is x.tif ─► fax/x.tif ─► the server has the mail ─► deleted

A fax for which a mail is queued already is not mailed again, so it does not matter where this is broken off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook import disk
from offhook.areas.extensions.queries import one_extension
from offhook.areas.mail.model import Attachment, MailRefused, OutgoingMail
from offhook.areas.mail.service import Mailer
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.records.tables import cdr
from offhook.asterisk.config import private_folder
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

MAIL_KIND = "fax"


@dataclass(frozen=True, slots=True)
class _Fax:
    file: str
    pages: int  # 0: it was interrupted
    sender: str
    started: float

    @property
    def owner(self) -> str:
        """The extension for which it came; the dialplan ends the file's name with it."""
        return self.file.removesuffix(".tif").rpartition("-")[2]


def part_folder(data: Path) -> Path:
    """Where the engine writes the faxes of the data folder `data`."""
    return data / "fax" / "part"


class FaxInbox:
    """The faxes of one data folder."""

    def __init__(
        self, store: Store, data: Path, mailer: Mailer, settings: SettingsService, zone: ZoneInfo
    ) -> None:
        self._store = store
        self._whole = private_folder(data / "fax")
        self._part = private_folder(self._whole / "part")
        self._mailer = mailer
        self._settings = settings
        self._zone = zone
        mailer.on_sent(MAIL_KIND, self._sent)

    async def settle(self) -> None:
        """Mail and move the faxes whose records say that they are whole; delete those that are not."""
        names = await asyncio.to_thread(lambda: [path.name for path in self._part.glob("*.tif")])
        if not names:
            return
        for fax in await self._store.read(lambda connection: _ended(connection, names)):
            if not fax.pages:
                log.warning("fax: %s was interrupted", fax.file)
                await asyncio.to_thread((self._part / fax.file).unlink, missing_ok=True)
                continue
            log.info("fax: %s has %d pages", fax.file, fax.pages)
            await asyncio.to_thread(self._keep, fax)
            await self._store.write("fax: mail", partial(self._mail, fax=fax))
            await asyncio.to_thread(self._move, fax)

    def _keep(self, fax: _Fax) -> None:
        disk.sync(self._part / fax.file)
        disk.sync(self._part)

    def _move(self, fax: _Fax) -> None:
        try:
            (self._part / fax.file).replace(self._whole / fax.file)
            disk.sync(self._whole)
        except FileNotFoundError:
            log.debug("fax: %s was mailed before it was moved", fax.file)

    def _mail(self, unit: UnitOfWork, fax: _Fax) -> None:
        """Queue the mail, unless there is one already."""
        connection = unit.connection
        if self._mailer.knows(connection, MAIL_KIND, fax.file):
            return
        extension = one_extension(connection, fax.owner)
        if extension is None or not extension.email or not self._mailer.is_set_up(connection):
            log.warning(
                "fax: %s stays in its folder: its owner has no address, or mail is not set up", fax.file
            )
            return
        at = datetime.fromtimestamp(fax.started, self._zone).strftime("%Y-%m-%d %H:%M:%S")
        sender = fax.sender or "an unknown number"
        mail = OutgoingMail(
            to=extension.email,
            subject=f"Fax from {sender}",
            text=f"A fax of {fax.pages} page{'s' if fax.pages > 1 else ''} came from {sender} at {at}.\n",
            attachments=(Attachment(fax.file, "image/tiff", self._part / fax.file),),
            kind=MAIL_KIND,
            reference=fax.file,
        )
        try:
            self._mailer.queue(unit, mail)
        except MailRefused as refused:
            log.warning("fax: %s stays in its folder and is not mailed: %s", fax.file, refused)

    async def _sent(self, file: str) -> None:
        """The server has the mail: the file goes, unless the operator keeps them."""
        if (await self._settings.get(MAIL))["keepfaxes"]:
            return

        def remove() -> None:
            # It lies in one of the two, and goes from the first to the second only.
            for folder in (self._part, self._whole):
                (folder / file).unlink(missing_ok=True)

        await asyncio.to_thread(remove)


def _ended(connection: sa.Connection, names: list[str]) -> Sequence[_Fax]:
    """Those of these files whose call is over."""
    query = sa.select(cdr.c.fax, cdr.c.fax_pages, cdr.c.callfrom, cdr.c.started).where(cdr.c.fax.in_(names))
    return [_Fax(*row) for row in connection.execute(query)]
