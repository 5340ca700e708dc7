"""Mails messages to their extensions, each once, and deletes what is to be deleted.

    message in a box ─► skipped               its extension wants no mail
                     ├► kept                  queued, in one transaction with its mail
                     └► leaving ─► sent ─► deleted, the same where the box is set so

What was seen is in the store, and every box is looked at when the link to the engine comes up: a message that
was left meanwhile, and one before whose mail the PBX was killed, is mailed then.
"""

from __future__ import annotations

import asyncio
import datetime
import enum
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.mail.model import Attachment, MailRefused, OutgoingMail
from offhook.areas.mail.service import Mailer
from offhook.areas.objects.field import Row
from offhook.areas.voicemail.model import Message
from offhook.areas.voicemail.service import VoicemailService
from offhook.areas.voicemail.tables import mailboxes, voicemail_seen
from offhook.asterisk.switch import SwitchError
from offhook.clock import Clock
from offhook.contract.errors import ContractError
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

KIND = "voicemail"
_WORDS_ONLY = "\nIts audio could not be sent along; it is in the mailbox.\n"
_DAY = 86400.0
_FORGET_DAYS = 30
_SWEEP_SECONDS = 3600.0
_LATER_SECONDS = 5.0
_TROUBLE_SECONDS = 60.0
_SEEN = voicemail_seen.c


class State(enum.StrEnum):
    """What became of a message: KEPT and LEAVING are mailed, SENT was taken by the mail server and goes."""

    SKIPPED = "skipped"
    KEPT = "kept"
    LEAVING = "leaving"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an extension wants done with messages: where they are mailed, empty for nowhere; delete after."""

    address: str
    delete: bool


class VoicemailMail:
    """Works in a task of its own; `settings` gives the settings of voicemail."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        zone: datetime.tzinfo,
        service: VoicemailService,
        mailer: Mailer,
        settings: Callable[[sa.Connection], Row],
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._service = service
        self._mailer = mailer
        self._settings = settings
        self._due: set[str] = set()
        self._every = True
        self._kept: dict[str, frozenset[str]] = {}  # by box, the ids of messages that are on disk
        self._waiting: set[str] = set()  # for a mail server, and the operator was told
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        mailer.on_sent(KIND, self._mailed)

    def start(self) -> None:
        """Begin: every box is looked at."""
        self._task = asyncio.create_task(self._run(), name="voicemail")

    async def close(self) -> None:
        """End. What was not done is seen at the next start."""
        await stop(self._task)

    def look(self, number: str = "") -> None:
        """Something may have changed in a box, or in any."""
        if number:
            self._due.add(number)
        else:
            self._every = True
        self._woken.set()

    async def _run(self) -> None:
        swept = float("-inf")
        while True:
            self._woken.clear()
            wait = _SWEEP_SECONDS
            try:
                if self._clock.monotonic() - swept >= _SWEEP_SECONDS:
                    self._every, swept = True, self._clock.monotonic()
                if self._every:
                    self._due.update(await self._service.boxes())
                    await self._store.write("voicemail: forget", _forget_boxes)
                    self._every = False
                for number in sorted(self._due):
                    self._due.discard(number)
                    if not await self._work(number):
                        wait = _LATER_SECONDS
            except Exception:
                log.exception("voicemail: the boxes could not be looked at")
                self._every, wait = True, _TROUBLE_SECONDS
            await woken(self._woken, wait)

    async def _work(self, number: str) -> bool:
        """Do what is due in one box; whether all of it could be done."""
        messages = await self._service.messages(number)
        seen, wish, keepdays = await self._store.read(
            lambda c: (_seen_in(c, number), wish_of(c, number), self._settings(c)["keepdays"])
        )
        kept = self._kept.get(number, frozenset())
        if new := [one for one in messages if one.msg_id not in seen and one.msg_id not in kept]:
            await self._service.keep(number, new)
        self._kept[number] = frozenset(one.msg_id for one in messages)
        for message in messages:
            if message.msg_id not in seen:
                await self._see(number, message, wish)
        here = {message.msg_id for message in messages}
        now = self._clock.settled()
        old = now - _FORGET_DAYS * _DAY
        if gone := [one for one, (_, since) in seen.items() if one not in here and since < old]:
            await self._store.write("voicemail: forget", lambda unit: _forget(unit, number, gone))
        keep = keepdays * _DAY
        over = [
            one
            for one in messages
            if seen.get(one.msg_id, ("", 0.0))[0] == State.SENT or (keep and now - one.left > keep)
        ]
        return not over or await self._delete(number, over)

    async def _delete(self, number: str, messages: Iterable[Message]) -> bool:
        try:
            if await self._service.open_on({number}):
                self._due.add(number)
                return False
            await self._service.remove(number, messages)
        except SwitchError as failure:
            log.warning("voicemail: box %s: messages could not be deleted: %s", number, failure)
            self._due.add(number)
            return False
        return True

    async def _see(self, number: str, message: Message, wish: Wish) -> None:
        if wish.address and not await self._store.read(self._mailer.is_set_up):
            if message.msg_id not in self._waiting:
                log.warning("voicemail: a message of %s waits, as no mail server is set up", number)
                self._waiting.add(message.msg_id)
            return
        audio: Path | None = None
        try:
            if wish.address:
                audio = await self._service.audio(number, message.msg_id)
            mail = None if audio is None else _mail(number, message, wish, audio, self._zone)
            await self._store.write(
                "voicemail: mail",
                lambda unit: self._queue(unit, number, message, mail, delete=wish.delete),
            )
        except ContractError:
            return  # deleted meanwhile
        finally:
            if audio is not None:
                await asyncio.to_thread(audio.unlink, missing_ok=True)

    def _queue(
        self, unit: UnitOfWork, number: str, message: Message, mail: OutgoingMail | None, *, delete: bool
    ) -> None:
        state = self._queued(unit, number, mail, delete=delete)
        row = {"mailbox": number, "msg_id": message.msg_id, "state": state, "since": self._clock.now()}
        unit.connection.execute(sa.insert(voicemail_seen).values(row))

    def _queued(self, unit: UnitOfWork, number: str, mail: OutgoingMail | None, *, delete: bool) -> State:
        if mail is None:
            return State.SKIPPED
        try:
            self._mailer.queue(unit, mail)
            return State.LEAVING if delete else State.KEPT
        except MailRefused as refused:
            log.warning("voicemail: a message of %s is not mailed with its audio: %s", number, refused)
        try:
            self._mailer.queue(unit, replace(mail, attachments=(), text=mail.text + _WORDS_ONLY))
        except MailRefused:
            return State.SKIPPED
        return State.KEPT

    async def _mailed(self, reference: str) -> None:
        """The mail server has taken a message."""
        number, _, msg_id = reference.partition("/")

        def work(unit: UnitOfWork) -> None:
            own = (_SEEN.mailbox == number, _SEEN.msg_id == msg_id, _SEEN.state == State.LEAVING)
            unit.connection.execute(sa.update(voicemail_seen).where(*own).values(state=State.SENT))
            unit.after_commit(lambda: self.look(number))

        await self._store.write("voicemail: mailed", work)


def wish_of(connection: sa.Connection, number: str) -> Wish:
    """What an extension wants done with its messages."""
    query = (
        sa.select(
            extensions.c.enablevmtoemail, extensions.c.email, mailboxes.c.address, mailboxes.c.deletemailed
        )
        .outerjoin(mailboxes, mailboxes.c.extension == extensions.c.number)
        .where(extensions.c.number == number)
    )
    row = connection.execute(query).one_or_none()
    if row is None or row.enablevmtoemail == "off":
        return Wish("", delete=False)
    address = row.email if row.enablevmtoemail == "on" else row.address or ""
    return Wish(address, delete=bool(row.deletemailed))


def _seen_in(connection: sa.Connection, number: str) -> Mapping[str, tuple[str, float]]:
    query = sa.select(_SEEN.msg_id, _SEEN.state, _SEEN.since).where(_SEEN.mailbox == number)
    return {row.msg_id: (row.state, row.since) for row in connection.execute(query)}


def _forget_boxes(unit: UnitOfWork) -> None:
    """Forget the messages of extensions that are deleted, and their boxes with them."""
    unit.connection.execute(
        sa.delete(voicemail_seen).where(_SEEN.mailbox.not_in(sa.select(extensions.c.number)))
    )


def _forget(unit: UnitOfWork, number: str, gone: Iterable[str]) -> None:
    for msg_id in gone:
        own = (_SEEN.mailbox == number, _SEEN.msg_id == msg_id)
        unit.connection.execute(sa.delete(voicemail_seen).where(*own))


def _mail(number: str, message: Message, wish: Wish, audio: Path, zone: datetime.tzinfo) -> OutgoingMail:
    left = datetime.datetime.fromtimestamp(message.left, zone)
    sender = message.sender or "an unknown number"
    text = (
        f"A message was left for extension {number}.\n\n"
        f"From: {sender}\nWhen: {left:%Y-%m-%d %H:%M:%S}\nLength: {message.seconds} seconds\n"
    )
    name = f"voicemail-{left:%Y%m%d-%H%M%S}.wav"
    return OutgoingMail(
        to=wish.address,
        subject=f"Voicemail from {sender}",
        text=text,
        attachments=(Attachment(name, "audio/wav", audio),),
        kind=KIND,
        reference=f"{number}/{message.msg_id}",
    )
