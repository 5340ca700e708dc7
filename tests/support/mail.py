"""A mailer with a store, settings and a clock that a test moves, without the rest of a PBX."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from offhook.areas.mail.model import Attachment, OutgoingMail, State
from offhook.areas.mail.service import Mailer
from offhook.areas.mail.smtp import Patience
from offhook.areas.mail.tables import mails
from offhook.areas.numbers.service import Numbers
from offhook.areas.objects.references import References
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.clock import ManualClock
from offhook.store.migrate import open_store
from offhook.store.vault import Vault
from tests.support.mailserver import MailServer
from tests.support.waiting import eventually

QUICK = Patience(connect=2.0, answer=2.0, whole=4.0)


class MailBench:
    """A mailer that sends from pbx@example.com."""

    def __init__(self, data: Path, clock: ManualClock) -> None:
        self.data = data
        self.clock = clock
        self.store = open_store(data / "offhook.db", [])
        self.settings = SettingsService(
            self.store,
            Numbers(),
            Vault(data / "secret.key"),
            References(),
            lambda parts: self.mailer.on_parts_changed(parts),
        )
        self.mailer = Mailer(self.store, self.settings, clock, data / "mail", patience=QUICK)

    async def set(self, **values: str) -> None:
        """Change settings as an operator does."""
        await self.settings.update(MAIL, self.settings.read_changes(MAIL, values))

    async def use(self, server: MailServer, **more: str) -> None:
        """Send by this server."""
        base = {"host": "127.0.0.1", "port": str(server.port), "security": server.security}
        if server.certificate is not None:
            base["cafile"] = str(server.certificate)
        await self.set(**{**base, "fromaddress": "pbx@example.com", **more})

    async def queue(self, to: str = "ann@example.com", subject: str = "Hello", **more: Any) -> int:
        """Queue a mail in a transaction of its own."""
        mail = OutgoingMail(**{"to": to, "subject": subject, "text": "One line.\n", **more})
        return await self.store.write("test", lambda unit: self.mailer.queue(unit, mail))

    def file(self, name: str, content: bytes, kind: str = "audio/x-wav") -> Attachment:
        """A file to attach."""
        path = self.data / name
        path.write_bytes(content)
        return Attachment(name, kind, path)

    def row(self, mail: int) -> dict[str, Any]:
        """A mail of the queue, read past the mailer."""
        with contextlib.closing(sqlite3.connect(self.data / "offhook.db")) as base:
            base.row_factory = sqlite3.Row
            found = base.execute("SELECT * FROM mails WHERE id = ?", (mail,)).fetchone()
        return dict(found) if found else {}

    async def state(self, mail: int, state: State, attempts: int | None = None) -> dict[str, Any]:
        """Wait for the state of a mail."""

        def there() -> bool:
            row = self.row(mail)
            return row.get("state") == state and (attempts is None or row["attempts"] == attempts)

        await eventually(there, f"mail {mail} is {state}, {attempts}: {self.row(mail)}")
        return self.row(mail)

    async def later(self, seconds: float) -> None:
        """Let time pass and have the queue looked at."""
        self.clock.advance(seconds)
        self.mailer.wake()

    @property
    def spool(self) -> list[str]:
        """The files in the spool."""
        return [path.name for path in (self.data / "mail").iterdir()]

    async def count(self) -> int:
        """How many mails there are."""
        return await self.store.read(
            lambda c: c.execute(sa.select(sa.func.count()).select_from(mails)).scalar_one()
        )


@contextlib.asynccontextmanager
async def mail_bench(
    data: Path, clock: ManualClock | None = None, *, start: bool = True
) -> AsyncIterator[MailBench]:
    """A mailer for the time of a block."""
    bench = MailBench(data, clock or ManualClock())
    if start:
        await bench.mailer.start()
    try:
        yield bench
    finally:
        await bench.mailer.close()
        bench.store.close()
