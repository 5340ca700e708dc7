"""Works the mail queue off: a few mails at a time, each in a task of its own.

A mail that the server refuses for now is tried again after pauses that grow. When the server itself cannot
be used, all mail waits, and one mail at a time tries whether it can be used again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.mail import queries
from offhook.areas.mail.message import Content, Envelope, Part, compose, needs_utf8
from offhook.areas.mail.model import State
from offhook.areas.mail.smtp import Outcome, Patience, Result, Server, deliver
from offhook.areas.mail.spool import Spool
from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.clock import Clock
from offhook.store.errors import StoreError
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

_AT_ONCE = 4
_LOOK_SECONDS = 60.0
_MAIL_PAUSE, _MAIL_PAUSE_MAX = 30.0, 3600.0
_SERVER_PAUSE, _SERVER_PAUSE_MAX = 10.0, 600.0
_FAULTS_TOLD = 5  # after some two minutes
_HOOK_PAUSE = 60.0
_STORE_PAUSE = 5.0
_CLOSE_SECONDS = 5.0
_DAY = 86400.0
_KEEP = {State.DONE: 7 * _DAY, State.DEAD: 30 * _DAY}
_TEST_TEXT = "This PBX can send mail.\n"


def pause(first: float, longest: float, tries: int) -> float:
    """Seconds before the next try after so many, a fifth more or less so that tries do not meet."""
    return min(longest, first * 2.0 ** min(tries - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311


def is_set_up(section: Row) -> bool:
    """Whether the settings for mail have a server and our address."""
    return bool(section["host"] and section["fromaddress"])


class Sender:
    """Sends what waits. `hooks` by kind are awaited after the server has taken a mail, `writers` by kind make
    its content before; `on_server` hears that the server cannot be used for a while already, and that it has
    taken a mail."""

    def __init__(
        self, store: Store, settings: SettingsService, clock: Clock, spool: Spool, patience: Patience
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._spool = spool
        self._patience = patience
        self.on_server: Callable[[bool, str], None] = lambda _usable, _answer: None
        self.hooks: dict[str, Callable[[str], Awaitable[None]]] = {}
        self.writers: dict[str, Callable[[str], Content]] = {}
        self._writing = asyncio.Lock()  # one at a time: it is work for the processor that calls need too
        self._woken = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._begun = 0  # how often what is known of the server was forgotten
        self._faults = 0
        self._closed_until = float("-inf")  # monotonic: the server is left alone until then
        self._swept = float("-inf")

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run(), name="mail")

    async def close(self) -> None:
        """End; a mail that is being handed over gets a moment."""
        await stop(self._loop)
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=_CLOSE_SECONDS)
        await stop(*self._under_way.values())

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()

    def try_now(self) -> None:
        """Look at the queue now, and forget that the server could not be used."""
        self._faults, self._closed_until = 0, float("-inf")
        self._begun += 1
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                wait = await self._look()
            except Exception:
                log.exception("mail: the queue could not be worked off")
                wait = _LOOK_SECONDS
            await woken(self._woken, max(0.05, min(wait, _LOOK_SECONDS)))

    async def _look(self) -> float:
        """Begin what is due; returns in how many seconds to look again."""
        now, busy = self._clock.now(), list(self._under_way)
        await self._sweep(busy)
        free = (_AT_ONCE if not self._faults else 1) - len(busy)
        if free <= 0:
            return _LOOK_SECONDS
        told = await self._store.read(lambda c: queries.due(c, State.SENT, now, busy, free))
        for mail in told:
            self._begin(mail, self._tell(mail))
        closed = self._closed_until - self._clock.monotonic()
        section = await self._store.read(lambda c: self._settings.get_in(c, MAIL))
        if not is_set_up(section) or closed > 0:
            return max(closed, 0.0) or _LOOK_SECONDS
        busy, free = list(self._under_way), free - len(told)
        if free > 0:
            for mail in await self._store.read(lambda c: queries.due(c, State.WAITING, now, busy, free)):
                self._begin(mail, self._send(mail, section))
        busy = list(self._under_way)
        following = await self._store.read(lambda c: queries.next_time(c, busy))
        return _LOOK_SECONDS if following is None else following - now

    def _begin(self, mail: int, work: Coroutine[Any, Any, None]) -> None:
        async def carefully() -> None:
            try:
                await work
            except Exception:
                log.exception("mail %d: could not be worked off", mail)
                await asyncio.sleep(_LOOK_SECONDS)  # or what is broken here would be tried without a pause

        task = asyncio.create_task(carefully(), name=f"mail {mail}")
        self._under_way[mail] = task

        def over(_task: asyncio.Task[None]) -> None:
            self._under_way.pop(mail, None)
            self._woken.set()

        task.add_done_callback(over)

    async def _sweep(self, busy: list[int]) -> None:
        """Give up what was tried for long enough, and forget what is long over."""
        if self._clock.monotonic() - self._swept < _LOOK_SECONDS:
            return
        self._swept = self._clock.monotonic()
        now = self._clock.settled()

        def work(unit: UnitOfWork) -> int:
            connection = unit.connection
            old = [
                mail
                for state, keep in _KEEP.items()
                for mail in queries.finished_before(connection, state, now - keep)
            ]
            files = queries.delete(connection, old)
            unit.after_commit(lambda: self._spool.remove(files))
            return queries.give_up(connection, now, busy)

        if count := await self._store.write("mail: sweep", work):
            log.warning("mail: %d mails could not be sent in time; the queue has their answers", count)

    async def _send(self, mail: int, section: Row) -> None:
        begun = self._begun
        row, files = await self._store.read(lambda c: (queries.one(c, mail), queries.attachments(c, mail)))
        if row is None:
            return
        try:
            parts = await asyncio.to_thread(
                lambda: [
                    Part(f["name"], f["content_type"], self._spool.path(f["file"]).read_bytes())
                    for f in files
                ]
            )
        except OSError as failure:
            await self._settle(row, Outcome(Result.GOOD, f"an attachment is lost: {failure.strerror}"), begun)
            return
        content = Content(row["text"], tuple(parts))
        if (write := self.writers.get(row["kind"])) is not None:
            try:
                async with self._writing:
                    content = await asyncio.to_thread(write, row["text"])
            except StoreError as failure:
                await self._settle(row, Outcome(Result.GOOD, f"it cannot be written: {failure}"), begun)
                return
        envelope = Envelope(
            sender=section["fromaddress"],
            sender_name=section["fromname"],
            recipient=row["recipient"],
            message_id=row["message_id"],
            subject=row["subject"],
            text=content.text,
            written_at=row["queued_at"],
        )
        await self._settle(row, await self._deliver(section, envelope, content.parts), begun)

    async def _deliver(self, section: Row, envelope: Envelope, parts: Sequence[Part]) -> Outcome:
        try:
            password = self._settings.opened(section["password"])
        except StoreError as failure:
            return Outcome(Result.SERVER, str(failure))
        try:
            message = await asyncio.to_thread(compose, envelope, parts)
        except ValueError as failure:
            return Outcome(Result.GOOD, f"the mail cannot be written: {failure}")
        server = Server(
            section["host"],
            section["port"],
            section["security"],
            section["verify"],
            section["cafile"],
            section["username"],
            password,
        )
        return await deliver(
            server,
            envelope.sender,
            envelope.recipient,
            message,
            utf8=needs_utf8(envelope.sender, envelope.recipient),
            patience=self._patience,
        )

    async def test(self, recipient: str, message_id: str) -> Outcome:
        """Send a mail past the queue."""
        section = await self._store.read(lambda c: self._settings.get_in(c, MAIL))
        envelope = Envelope(
            sender=section["fromaddress"],
            sender_name=section["fromname"],
            recipient=recipient,
            message_id=message_id,
            subject="Test",
            text=_TEST_TEXT,
            written_at=self._clock.now(),
        )
        outcome = await self._deliver(section, envelope, [])
        if outcome.result is Result.SENT:
            self.try_now()
        return outcome

    async def _settle(self, row: sa.RowMapping, outcome: Outcome, begun: int) -> None:
        mail, now, attempts = row["id"], self._clock.now(), row["attempts"] + 1
        values: dict[str, Any] = {"answer": outcome.answer, "attempts": attempts}
        match outcome.result:
            case Result.SENT:
                self._faults = 0
                self.on_server(True, outcome.answer)
                log.info("mail %d (%s): sent: %s", mail, row["kind"], outcome.answer)
                values |= {"state": State.SENT, "next_try": now, "finished_at": now}
            case Result.GOOD:
                self._faults = 0
                log.warning("mail %d (%s): refused: %s", mail, row["kind"], outcome.answer)
                values |= {"state": State.DEAD, "finished_at": now}
            case Result.NOW:
                self._faults = 0
                log.info("mail %d (%s): not now: %s", mail, row["kind"], outcome.answer)
                values["next_try"] = now + pause(_MAIL_PAUSE, _MAIL_PAUSE_MAX, attempts)
            case Result.SERVER:
                self._leave_alone(outcome.answer, begun)
        await self._write_surely(mail, values)
        if outcome.result is Result.SENT:
            await self._tell(mail)

    async def _write_surely(self, mail: int, values: Row) -> None:
        """Write what became of a mail, however long the disk is full: it must not be sent again meanwhile."""
        while True:
            try:
                await self._store.write(
                    "mail: tried", lambda unit: queries.set_state(unit.connection, mail, **values)
                )
            except StoreError as failure:
                log.error("mail %d: what became of it cannot be written: %s", mail, failure)
                await asyncio.sleep(_STORE_PAUSE)
            else:
                return

    def _leave_alone(self, answer: str, begun: int) -> None:
        if begun != self._begun or self._closed_until > self._clock.monotonic():
            return  # that was with older settings, or another mail has found it out at the same time
        self._faults += 1
        if self._faults >= _FAULTS_TOLD:
            self.on_server(False, answer)
        seconds = pause(_SERVER_PAUSE, _SERVER_PAUSE_MAX, self._faults)
        self._closed_until = self._clock.monotonic() + seconds
        log.warning("mail: the server cannot be used, next try in %.0f s: %s", seconds, answer)

    async def _tell(self, mail: int) -> None:
        """Have the hook hear of a mail that was sent; then nothing of it is needed any more."""
        row = await self._store.read(lambda connection: queries.one(connection, mail))
        if row is None:
            return
        hook = self.hooks.get(row["kind"])
        if hook is not None:
            try:
                await hook(row["reference"])
            except Exception:
                log.exception("mail %d: what has to follow its sending failed", mail)
                later = self._clock.now() + _HOOK_PAUSE
                await self._store.write(
                    "mail: hook", lambda unit: queries.set_state(unit.connection, mail, next_try=later)
                )
                return

        def work(unit: UnitOfWork) -> None:
            queries.set_state(unit.connection, mail, state=State.DONE)
            files = queries.drop_content(unit.connection, mail)
            unit.after_commit(lambda: self._spool.remove(files))

        await self._store.write("mail: done", work)
