"""How a running PBX is watched: metrics, health, and alarms of what nobody else raises. Made and wired here.

`offhook.protection` makes one `Watching`; `serve` puts it on the web port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from offhook import __version__, metrics
from offhook.areas.bans.watch import BanWatch
from offhook.areas.control.live import LiveCalls
from offhook.areas.downloads.addresses import is_listed
from offhook.areas.mail.tables import mails
from offhook.areas.pbxsettings.metrics_settings import METRICS
from offhook.areas.spending.service import Spending
from offhook.areas.webhooks.model import State
from offhook.areas.webhooks.worker import Worker
from offhook.asterisk.process import EngineProcess, call_capacity
from offhook.asterisk.switch import Switch
from offhook.core import Core
from offhook.events.delivery import ReceiverState
from offhook.health import Health
from offhook.ledger import CallRecord
from offhook.ledger.rows import CelRow
from offhook.messages import Messages
from offhook.metrics import Figures, Metrics, ReceiverFigures
from offhook.store.errors import StoreError
from offhook.store.migrate import current_revision
from offhook.store.unit import UnitOfWork
from offhook.subscriptions import Subscriptions
from offhook.tasks import stop
from offhook.web.feed import FeedSite
from offhook.web.front import Front
from offhook.web.site import Site
from offhook.web.watch import WatchSite

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_COUNT_SECONDS = 15.0
AWAY = "away"
"""A receiver that nobody is logged in for: that it gets nothing is no fault."""
_QUIET_SECONDS = 900.0
"""An alarm of something that happens at a moment is over when so long nothing more has."""


class Watching:
    """Makes the figures, and keeps none but of calls."""

    def __init__(
        self,
        core: Core,
        switch: Switch,
        live: LiveCalls,
        messages: Messages,
        bans: BanWatch,
        spending: Spending,
        subscriptions: Subscriptions,
    ) -> None:
        self._bans = bans
        self._spending = spending
        self._webhooks = subscriptions.webhooks
        self._core = core
        self._switch = switch
        self._live = live
        self._messages = messages
        self._engine: EngineProcess | None = None
        self._feed: FeedSite | None = None
        self._front: Front | None = None
        self._ready: Callable[[], bool] = lambda: False
        self._ended: Counter[tuple[str, str]] = Counter()
        self._mails: dict[str, int] = {}
        self._schema = ""
        self._loop_lag = 0.0
        self._violations = 0
        self._violated = core.clock.monotonic()
        self._readers = _Readers(core)
        self.metrics = Metrics(self.figures, lambda: self._engine.pid if self._engine is not None else None)
        self.health = Health(
            core.store, core.clock, {"started": lambda: self._ready(), "engine": lambda: switch.healthy}
        )
        core.records.with_record(self._count)
        core.on_parts_changed(self._parts_changed)
        core.dispatcher.on_receiver(self._receiver_is)
        self._task: asyncio.Task[None] | None = None

    def serve(
        self, site: Site, engine: EngineProcess, feed: FeedSite, front: Front, ready: Callable[[], bool]
    ) -> None:
        """Answer on the web port; `ready` tells whether the start is over."""
        self._engine, self._feed, self._front, self._ready = engine, feed, front, ready
        watch = WatchSite(
            self.health.parts, lambda: (self.metrics.render(), metrics.CONTENT_TYPE), self._readers
        )
        site.add("/health", watch.health)
        site.add("/ready", watch.ready)
        site.add("/metrics", watch.metrics)

    async def start(self) -> None:
        """Begin to look."""
        await self._readers.load()
        self._schema = await self._core.store.read(lambda connection: current_revision(connection) or "")
        self._violations = self._core.records.violations
        await self._count_mails()
        self._task = asyncio.create_task(self._run(), name="watching")

    async def close(self) -> None:
        """End."""
        await stop(self._task)
        await self.health.close()

    async def _parts_changed(self, parts: frozenset[str]) -> None:
        if parts & METRICS.parts:
            await self._readers.load()

    def _count(self, unit: UnitOfWork, record: CallRecord, _rows: Sequence[CelRow]) -> None:
        labels = (record.status, record.type)
        unit.after_commit(lambda: self._ended.update([labels]))

    # -- looking ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop, counted = asyncio.get_running_loop(), 0.0
        while True:
            due = loop.time() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            self._loop_lag = max(0.0, loop.time() - due)
            self.look()
            counted += _LOOK_SECONDS
            if counted >= _COUNT_SECONDS:
                counted = 0.0
                with contextlib.suppress(StoreError):  # which others tell
                    await self._count_mails()

    def look(self) -> None:
        """Raise the alarm of violations of the ledger, and clear it when there were none for long."""
        alarms, now = self._messages.alarms, self._core.clock.monotonic()
        violations = self._core.records.violations
        if violations > self._violations:
            more = violations - self._violations
            alarms.raise_("records", f"of {more} calls the engine's two ways of telling do not agree")
            self._violations, self._violated = violations, now
        elif now - self._violated > _QUIET_SECONDS:
            alarms.clear("records", "calls and their records agree again")

    def _receiver_is(self, authority: str, down: bool, says: str) -> None:
        tell = self._messages.alarms.raise_ if down else self._messages.alarms.clear
        tell(f"receiver:{authority}", f"receiver {authority}: {says}")

    async def _count_mails(self) -> None:
        query = sa.select(mails.c.state, sa.func.count().label("number")).group_by(mails.c.state)
        rows = await self._core.store.read(lambda connection: connection.execute(query).all())
        self._mails = {row.state: row.number for row in rows}

    # -- telling ------------------------------------------------------------------------------------------

    def figures(self) -> Figures:
        """What is so at this moment."""
        core, picture = self._core, self._live.picture
        store, journal = core.store, core.dispatcher.journal
        tcp, feed = core.dispatcher.tcp, self._feed
        file = core.settings.data / "offhook.db"
        room = os.statvfs(core.settings.data)
        contacts = [len(phones.contacts) for phones in picture.phones.values()]
        return Figures(
            version=__version__,
            schema=self._schema,
            ready=self._ready() and self._switch.healthy,
            calls=len(picture.calls),
            channels=len(picture.channels),
            rooms=len(picture.rooms),
            extensions_registered=sum(count > 0 for count in contacts),
            contacts=sum(contacts),
            call_capacity=call_capacity(core.settings.rtp_ports),
            calls_ended=self._ended,
            records_open=len(core.records.open_calls()),
            record_violations=core.records.violations,
            recordings_running=len(self._messages.recordings.follower.channels),
            events=journal.told,
            journal_first=journal.first(),
            journal_last=journal.last(),
            journal_bytes=journal.bytes,
            events_lost=journal.lost,
            receivers=self._receivers(),
            store_bytes=_size(file),
            store_log_bytes=_size(file.with_name(f"{file.name}-wal")),
            store_waiting=store.waiting,
            store_refused=store.refused,
            store_times=store.write_times,
            engine_up=self._switch.healthy,
            engine_latency=self._switch.latency,
            alarms=self._messages.alarms.active,
            bans=self._bans.active,
            banned=self._bans.banned,
            attempts=self._bans.attempts + self._bans.garbage,
            calls_limited=self._spending.refused,
            api_refused=self._refused(),
            connections={"tcp": tcp.connections, "feed": feed.streams if feed is not None else 0},
            cut_off={"tcp": tcp.cut_off, "feed": feed.cut_off if feed is not None else 0},
            mails=self._mails,
            disk_free=room.f_bavail * room.f_frsize,
            disk_size=room.f_blocks * room.f_frsize,
            loop_lag=self._loop_lag,
        )

    def _refused(self) -> dict[str, int]:
        at_front = self._front.refused if self._front is not None else 0
        at_port = self._core.dispatcher.tcp.refused
        return {**self._core.access.limits.refused, "connections": at_front, "event connections": at_port}

    def _receivers(self) -> list[ReceiverFigures]:
        told = [_receiver(state) for state in self._core.dispatcher.http.states() if state.state != AWAY]
        return told + [self._webhook(worker) for worker in self._webhooks.workers]

    def _webhook(self, worker: Worker) -> ReceiverFigures:
        since, now = worker.progress.failing_since, self._core.clock.now()
        return ReceiverFigures(
            f"webhook {worker.settings.name}",
            up=worker.progress.state is State.ACTIVE and not since,
            waiting=self._webhooks.behind(worker),
            lag=max(0.0, now - since) if since else 0.0,
            events={"delivered": worker.delivered},
        )


def _receiver(state: ReceiverState) -> ReceiverFigures:
    events = {"delivered": state.delivered, "failed": state.failed, "given up": state.given_up}
    up = state.down_since is None
    return ReceiverFigures(state.receiver.target.authority, up, state.waiting, state.lag, events)


class _Readers:
    """Who may read the metrics: whom the operator lists, his accounts, keys of API accounts that may read."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._listed = ""

    async def load(self) -> None:
        """Read the setting."""
        self._listed = (await self._core.pbx_settings.get(METRICS))["addresses"]

    def is_listed(self, address: str) -> bool:
        return bool(self._listed) and is_listed(address, self._listed)

    async def check_operator(self, username: str, password: str, address: str, port: int) -> bool:
        return await self._core.check_operator(username, password, address, port)

    async def check_key(self, credential: str, address: str) -> None:
        access = self._core.access
        access.may_read(await access.authenticate_bearer(credential, address))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
