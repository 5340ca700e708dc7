"""Alarms: what the operator has to know of, logged, listed and mailed.

An alarm is raised while something is wrong and cleared when it is not. Only what is new is mailed: that it
came to be, that it is over, or that it came again. Of each kind at most one mail goes out in the minutes set;
what happens meanwhile is counted and told by the next one. Where each is a thing of its own that somebody has
to see to, such as a guest who was not woken, it is news each time, and mailed within a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook.areas.alarms.tables import alarm_mails, alarms
from offhook.areas.mail.message import one_line
from offhook.areas.mail.model import MailRefused, OutgoingMail
from offhook.areas.mail.service import Mailer
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.clock import Clock
from offhook.contract.rules import split_list
from offhook.events.api import Alarm, Event
from offhook.store.errors import StoreError
from offhook.store.parts import parts
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import Background, stop

log = logging.getLogger(__name__)

MAIL_KIND = "alarm"
_LOOK_SECONDS = 15.0
_SOON_SECONDS = {"wakeup": 60.0}
"""Kinds of which each is news: seconds between two mails, at most."""
_A, _M = alarms.c, alarm_mails.c


class Alarms:
    """The alarms of one PBX, which calls itself `name()` in its mails; `publish` tells of each that begins or
    ends, in the transaction that notes it."""

    def __init__(
        self,
        store: Store,
        settings: SettingsService,
        clock: Clock,
        zone: ZoneInfo,
        mailer: Mailer,
        name: Callable[[], str],
        publish: Callable[[UnitOfWork, Event], None],
    ) -> None:
        self._publish = publish
        self._store = store
        self._settings = settings
        self._clock = clock
        self._zone = zone
        self._mailer = mailer
        self._name = name
        self._told: dict[str, bool] = {}  # by key, what was said last and is, or soon is, in the store
        self._tasks = Background()
        self._loop: asyncio.Task[None] | None = None

    def raise_(self, key: str, text: str) -> None:
        """Something is wrong. `key` is its kind, such as `disk`, or kind and subject, such as `trunk:berlin`.

        Returns at once and never fails. May be called again and again while it lasts.
        """
        text = one_line(text)
        log.warning("alarm %s: %s", one_line(key), text)
        self._told[key] = True
        self._begin(self._write(key, text, active=True))

    def clear(self, key: str, text: str) -> None:
        """It is right again; `text` says so. Does nothing when it was not wrong; as often as one likes."""
        if self._told.get(key) is False:
            return  # unlike one that is not known of here, which an earlier process may have raised
        self._told[key] = False
        self._begin(self._write(key, one_line(text), active=False))

    def raise_in(self, unit: UnitOfWork, key: str, text: str) -> None:
        """As `raise_`, in the transaction of what is told: it is stored with it or not at all."""
        text = one_line(text)
        self._note(unit, key, text, active=True)
        unit.after_commit(partial(self._told.__setitem__, key, True))
        unit.after_commit(partial(log.warning, "alarm %s: %s", one_line(key), text))

    def settle_in(self, unit: UnitOfWork, keys: Sequence[str], text: str) -> None:
        """These need nobody any more; within `unit`, and no news for a mail."""
        for some in parts(keys):
            self._settle(unit, _A.key.in_(some), text)

    def settle_old_in(self, unit: UnitOfWork, kind: str, before: float, text: str) -> None:
        """As `settle_in`, of those of a kind that were raised last before a moment."""
        self._settle(unit, sa.and_(_A.kind == kind, _A.last_at < before), text)

    def _settle(self, unit: UnitOfWork, which: sa.ColumnElement[bool], text: str) -> None:
        values = {"active": False, "since": self._clock.now()}
        query = sa.update(alarms).where(which, _A.active).values(**values).returning(_A.key)
        for key in unit.connection.execute(query).scalars().all():
            self._publish(unit, Alarm(key, "cleared", text))
            unit.after_commit(partial(self._told.__setitem__, key, False))
            unit.after_commit(partial(log.info, "alarm %s is over: %s", one_line(key), text))

    def disk(self, full: bool, free: int) -> None:
        """Hear whether the disk is nearly full, and how many bytes are free; as often as one likes."""
        if not full:
            self.clear("disk", f"the disk has room again: {free >> 20} MB are free")
        elif not self._told.get("disk"):
            self.raise_("disk", f"the disk is nearly full: {free >> 20} MB are free, and nothing is recorded")

    def mail_server(self, usable: bool, answer: str) -> None:
        """Hear whether the mail server takes mail; while it does not, the alarm is only logged and listed."""
        if usable:
            self.clear("mail", "the mail server can be used again")
        else:
            self.raise_("mail", f"the mail server cannot be used: {answer}")

    @property
    def active(self) -> Counter[str]:
        """How many alarms of each kind last."""
        return Counter(key.partition(":")[0] for key, lasts in self._told.items() if lasts)

    async def listed(self) -> Sequence[sa.RowMapping]:
        """All alarms: those that last first, then by their last time."""
        query = sa.select(alarms).order_by(_A.active.desc(), _A.last_at.desc())
        return await self._store.read(lambda connection: connection.execute(query).mappings().all())

    async def start(self) -> None:
        """Begin to mail what was held back. Alarms that an earlier process raised and nobody cleared last."""
        lasting = sa.select(_A.key).where(_A.active)
        for key in await self._store.read(lambda connection: connection.execute(lasting).scalars().all()):
            self._told.setdefault(key, True)
        self._loop = asyncio.create_task(self._run(), name="alarms")

    async def close(self) -> None:
        """Wait until what was raised is in the store."""
        await stop(self._loop)
        await self._tasks.finish()

    def _begin(self, work: Coroutine[Any, Any, bool]) -> None:
        self._tasks.begin(work, name="alarm")

    async def note(self, key: str, text: str) -> bool:
        """As `raise_`, and wait: whether it is in the store."""
        self._told[key] = True
        return await self._write(key, one_line(text), active=True)

    async def _write(self, key: str, text: str, *, active: bool) -> bool:
        try:
            news = await self._store.write(
                f"alarm: {key}", lambda unit: self._note(unit, key, text, active=active)
            )
        except Exception as failure:
            log.error(
                "alarm %s: cannot be stored: %s", key, failure, exc_info=not isinstance(failure, StoreError)
            )
            if not active:
                self._told.pop(key, None)  # so that it is said again
            return False
        if news and not active:
            log.info("alarm %s is over: %s", one_line(key), text)
        return True

    def _note(self, unit: UnitOfWork, key: str, text: str, *, active: bool) -> bool:
        connection, now = unit.connection, self._clock.now()
        kind = key.partition(":")[0]
        old = connection.execute(sa.select(alarms).where(_A.key == key)).mappings().one_or_none()
        if not active and (old is None or not old["active"]):
            return False
        pause = self._pause(connection, kind)
        news = old is None or old["active"] != active or now - old["last_at"] > pause or kind in _SOON_SECONDS
        values = {
            "kind": kind,
            "text": text,
            "active": active,
            "since": now if old is None or old["active"] != active else old["since"],
            "last_at": now,
            "count": (0 if old is None else old["count"]) + active,
        }
        if old is None:
            connection.execute(sa.insert(alarms).values(key=key, **values))
        else:
            connection.execute(sa.update(alarms).where(_A.key == key).values(**values))
        if old is None or old["active"] != active:
            self._publish(unit, Alarm(key, "raised" if active else "cleared", text))
        if news:
            self._mail(unit, kind, pause, more=1)
        return news

    def _pause(self, connection: sa.Connection, kind: str) -> float:
        """Seconds between two mails of a kind."""
        pause: float = self._settings.get_in(connection, MAIL)["alarmminutes"] * 60.0
        return min(pause, _SOON_SECONDS.get(kind, pause))

    def _mail(self, unit: UnitOfWork, kind: str, pause: float, *, more: int) -> None:
        """Mail what is new of a kind, or count it when the last mail is not long ago."""
        connection, now = unit.connection, self._clock.now()
        row = connection.execute(sa.select(alarm_mails).where(_M.kind == kind)).one_or_none()
        mailed_at, unmailed = (0.0, 0) if row is None else (row.mailed_at, row.unmailed)
        unmailed += more
        if not mailed_at <= now < mailed_at + pause:  # a clock that was put back must not silence us
            self._queue(unit, kind, since=mailed_at if mailed_at <= now else 0.0, count=unmailed)
            mailed_at, unmailed = now, 0
        connection.execute(sa.delete(alarm_mails).where(_M.kind == kind))
        connection.execute(sa.insert(alarm_mails).values(kind=kind, mailed_at=mailed_at, unmailed=unmailed))

    def _queue(self, unit: UnitOfWork, kind: str, *, since: float, count: int) -> None:
        connection = unit.connection
        recipients = split_list(self._settings.get_in(connection, MAIL)["alarmrecipients"])
        if not recipients or not self._mailer.is_set_up(connection):
            return
        query = sa.select(alarms).where(_A.kind == kind, _A.last_at >= since).order_by(_A.last_at.desc())
        rows = connection.execute(query).all()
        for recipient in recipients:
            mail = OutgoingMail(
                to=recipient,
                subject=f"[{self._name()}] {rows[0].text}",
                text=self._text(rows, count),
                kind=MAIL_KIND,
                reference=kind,
            )
            try:
                self._mailer.queue(unit, mail)
            except MailRefused as refused:
                log.warning("alarm: cannot be mailed: %s", refused)

    def _text(self, rows: Sequence[sa.Row[Any]], count: int) -> str:
        lines = [
            f"{datetime.fromtimestamp(row.last_at, self._zone):%Y-%m-%d %H:%M:%S}  {row.text}" for row in rows
        ]
        if count > 1:
            lines += ["", f"{count} times since the last mail of this kind."]
        return "\n".join(lines) + "\n"

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.mail_what_waits()
            except Exception:
                log.exception("alarms: what was held back cannot be mailed")

    async def mail_what_waits(self) -> None:
        """Mail what was only counted, once its time has come."""
        query = sa.select(_M.kind).where(_M.unmailed > 0)
        if not await self._store.read(lambda connection: connection.execute(query).all()):
            return

        def work(unit: UnitOfWork) -> None:
            for kind in unit.connection.execute(query).scalars().all():
                self._mail(unit, kind, self._pause(unit.connection, kind), more=0)

        await self._store.write("alarms: mail", work)
