"""The mail queue: what is in it is sent, however often the PBX is killed meanwhile.

    queue (in the transaction of what the mail tells) ─► waiting ─► sent ─► done
                                                           │  ▲      hook awaited, then text and files go
                                                           ▼  │ operator
                                                          dead

`Mailer` is the queue as the rest of the PBX sees it; `offhook.areas.mail.sender` works it off.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.mail import queries
from offhook.areas.mail.addresses import checked_address
from offhook.areas.mail.message import Content, one_line
from offhook.areas.mail.model import MailRefused, OutgoingMail, State
from offhook.areas.mail.sender import Sender, is_set_up
from offhook.areas.mail.smtp import Outcome, Patience
from offhook.areas.mail.spool import Spool
from offhook.areas.mail.tables import mail_attachments, mails
from offhook.areas.objects.errors import Missing
from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)
_MB = 1 << 20
_HOUR = 3600.0
_NO_SUCH_MAIL = "there is no such mail"


class Mailer:
    """The mail of one PBX. It can be queued at any time; it is sent between `start` and `close`."""

    def __init__(
        self,
        store: Store,
        settings: SettingsService,
        clock: Clock,
        folder: Path,
        *,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._spool = Spool(folder)
        self._sender = Sender(store, settings, clock, self._spool, patience or Patience())

    # -- for whoever has something to tell ---------------------------------------------------------------

    def is_set_up(self, connection: sa.Connection) -> bool:
        """Whether a server and our address are set."""
        return is_set_up(self._settings.get_in(connection, MAIL))

    def queue(self, unit: UnitOfWork, mail: OutgoingMail) -> int:
        """Queue a mail within `unit`; returns its id.

        Its attachments are linked or copied, so the originals may go once the transaction is committed.
        Raises MailRefused for an address that is none and for attachments that are too large or cannot be
        read; then nothing was done.
        """
        connection = unit.connection
        section = self._settings.get_in(connection, MAIL)
        recipient = checked_address(mail.to)
        taken: list[str] = []
        try:
            size = 0
            for attachment in mail.attachments:
                file, more = self._spool.take(attachment.path)
                taken.append(file)
                size += more
            if size > section["maxsize"] * _MB:
                raise MailRefused(f"the attachments have more than {section['maxsize']} MB")
        except MailRefused:
            self._spool.remove(taken)
            raise
        query = sa.insert(mails).values(self._row(section, mail, recipient)).returning(mails.c.id)
        identity = int(connection.execute(query).scalar_one())
        for file, attachment in zip(taken, mail.attachments, strict=True):
            connection.execute(
                sa.insert(mail_attachments).values(
                    mail=identity, name=attachment.name, content_type=attachment.content_type, file=file
                )
            )
        unit.after_commit(self._sender.wake)
        return identity

    def queue_many(self, unit: UnitOfWork, many: Sequence[OutgoingMail]) -> None:
        """As `queue`, for mails without attachments, and a hundred times quicker.

        Raises MailRefused when one of the addresses is none; then nothing was done.
        """
        section = self._settings.get_in(unit.connection, MAIL)
        rows = [self._row(section, mail, checked_address(mail.to)) for mail in many]
        if rows:
            unit.connection.execute(sa.insert(mails), rows)
            unit.after_commit(self._sender.wake)

    def _row(self, section: Row, mail: OutgoingMail, recipient: str) -> Row:
        now = self._clock.now()
        return {
            "message_id": f"<{secrets.token_hex(16)}@{section['fromaddress'].rpartition('@')[2] or 'pbx'}>",
            "kind": mail.kind,
            "reference": mail.reference,
            "recipient": recipient,
            "subject": one_line(mail.subject),
            "text": mail.text,
            "state": State.WAITING,
            "attempts": 0,
            "queued_at": now,
            "tried_until": now + section["retryhours"] * _HOUR,
            "next_try": now,
            "finished_at": None,
            "answer": "",
        }

    def knows(self, connection: sa.Connection, kind: str, reference: str) -> bool:
        """Whether a mail of a kind about something is in the queue, or was not long ago."""
        return bool(queries.ids_of(connection, kind, (reference,), tuple(State)))

    def withdraw(self, unit: UnitOfWork, kind: str, references: Sequence[str]) -> None:
        """Take back the mails of a kind about these things that have not been sent."""
        ids = queries.ids_of(unit.connection, kind, references, (State.WAITING, State.DEAD))
        files = queries.delete(unit.connection, ids)
        unit.after_commit(lambda: self._spool.remove(files))

    def on_sent(self, kind: str, hook: Callable[[str], Awaitable[None]]) -> None:
        """Have `hook` awaited with the reference of each mail of a kind that the server has taken.

        It may be awaited twice for one mail, when the PBX ends in the middle or the hook fails.
        """
        self._sender.hooks[kind] = hook

    def on_sending(self, kind: str, write: Callable[[str], Content]) -> None:
        """Have `write` make the content of each mail of a kind when it is sent.

        It gets the text that the mail was queued with, is called in a thread, at each try anew, and has to
        make the same of the same text each time. When it raises StoreError the mail is dead.
        """
        self._sender.writers[kind] = write

    def on_server(self, hook: Callable[[bool, str], None]) -> None:
        """Have `hook` called when the server cannot be used for minutes (False), and when it takes mail."""
        self._sender.on_server = hook

    # -- running ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to send; deletes attachments that no mail names."""
        # In the writer's thread, where mail is queued: no file lies there whose row is still to come.
        await self._store.write(
            "mail: clean", lambda unit: self._spool.clean(queries.known_files(unit.connection))
        )
        self._sender.start()

    async def close(self) -> None:
        """End. What was not sent is in the store."""
        await self._sender.close()

    def wake(self) -> None:
        """Look at the queue now, whatever was waited for."""
        self._sender.wake()

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """The settings for mail have changed: what the server refused is tried with the new ones."""
        if "mail" in parts:
            self._sender.try_now()

    # -- for the operator ---------------------------------------------------------------------------------

    async def listed(self, state: State | None = None, limit: int = 500) -> Sequence[sa.RowMapping]:
        """The newest mails, without their text."""
        return await self._store.read(lambda connection: queries.listed(connection, state, limit))

    async def try_again(self, mail: int) -> None:
        """Send a mail that waits or is dead as if it were new. Raises Missing."""

        def work(unit: UnitOfWork) -> None:
            row = queries.one(unit.connection, mail)
            if row is None or row["state"] not in {State.WAITING, State.DEAD}:
                raise Missing(Errno.PARAMETER_EMPTY, _NO_SUCH_MAIL)
            now = self._clock.now()
            until = now + self._settings.get_in(unit.connection, MAIL)["retryhours"] * _HOUR
            queries.set_state(
                unit.connection,
                mail,
                state=State.WAITING,
                attempts=0,
                next_try=now,
                tried_until=until,
                finished_at=None,
            )
            unit.after_commit(self._sender.try_now)

        await self._store.write("mail: try again", work)

    async def delete(self, mail: int) -> None:
        """Delete a mail. Raises Missing."""

        def work(unit: UnitOfWork) -> None:
            if queries.one(unit.connection, mail) is None:
                raise Missing(Errno.PARAMETER_EMPTY, _NO_SUCH_MAIL)
            files = queries.delete(unit.connection, [mail])
            unit.after_commit(lambda: self._spool.remove(files))

        await self._store.write("mail: delete", work)

    async def test(self, address: str) -> Outcome:
        """Send a mail at once, past the queue; tells what the server said.

        Raises ContractError 10004 for an address that is none, 10135 when no server is set up.
        """
        try:
            recipient = checked_address(address)
        except MailRefused as refused:
            raise ContractError(Errno.PARAMETER_EMPTY, str(refused)) from None
        if not await self._store.read(self.is_set_up):
            raise ContractError(Errno.NO_MAIL_SERVER, "set host and fromaddress of the settings mail first")
        return await self._sender.test(recipient, f"<{secrets.token_hex(16)}@test>")
