"""Every event on its way: to the journal, and to each receiver's own worker.

publish(unit, event) ─► journal, in the transaction of the fact ─► after the commit ┐
publish_soon(event)  ─┬─────────────────────────────────────────────────────────────┴► workers, TCP
                      └► journal, some ms later, with others
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from offhook.clock import Clock
from offhook.events.addresses import Addresses
from offhook.events.api import FEED_ONLY, BootUp, Event
from offhook.events.delivery import HttpDelivery, OnReceiver
from offhook.events.dialect import Dialect
from offhook.events.item import DURABLE, Item, item_of
from offhook.events.journal import Journal
from offhook.events.receivers import HERE_MAX, Receivers
from offhook.events.retention import Retention
from offhook.events.settings import EventSettings, Replay, ReportMethod
from offhook.events.target import Target
from offhook.events.tcp_push import CheckLogin, TcpPush
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 2.0


class Dispatcher:
    """Make it once. `gate` tells whether an event may leave; `alive` whether a session's token lives."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        sn: Callable[[], str],
        gate: Callable[[Event], bool],
        alive: Callable[[str], bool],
        check_login: CheckLogin,
        addresses: Addresses,
    ) -> None:
        self._clock = clock
        self._sn = sn
        self._gate = gate
        self.addresses = addresses
        self.settings = EventSettings()
        self.receivers = Receivers(store, clock, alive)
        self.journal = Journal(store, self._seen)
        self.http = HttpDelivery(
            store,
            clock,
            sn=sn,
            receivers=self.receivers,
            journal=self.journal,
            addresses=addresses,
            settings=lambda: self.settings,
        )
        self.retention = Retention(store, clock, self.journal, self.receivers, lambda: self.settings)
        self.tcp = TcpPush(check_login, sn)
        self._method = ReportMethod.HTTP

    async def start(self, bind: str, method: ReportMethod, event_port: int) -> None:
        """Load receivers and what they have not got yet. Raises OSError when the event port is taken."""
        await self.receivers.load()
        await self.journal.start()
        await self.http.start()
        await self._open(bind, method, event_port)
        if method is ReportMethod.HTTP:
            # nobody logs in: what operators did not want replayed then is not replayed now
            everything = self.settings.replay is Replay.ALL
            self.http.go_on(Replay.ALL if everything else Replay.RECORDS)
        self.retention.start()

    async def set_method(self, bind: str, method: ReportMethod, event_port: int) -> None:
        """Push over HTTP or TCP from now on; what is in the journal stays there."""
        before, self._method = self._method, method
        if method is ReportMethod.TCP:
            self.http.pause()
        elif before is not method:
            self.http.go_on(Replay.RECORDS)
        await self._open(bind, method, event_port)

    async def _open(self, bind: str, method: ReportMethod, event_port: int) -> None:
        self._method = method
        await self.tcp.close()
        if method is ReportMethod.TCP:
            self.addresses.own_ports.add(event_port)
            await self.tcp.start(bind, event_port)

    async def close(self) -> None:
        """Deliver for a moment what is under way, note it, and end."""
        await self.journal.close()
        await self.http.close(_CLOSE_SECONDS)
        await self.retention.close()
        await self.tcp.close()
        self.addresses.close()

    def configure(self, settings: EventSettings) -> None:
        """Keep and replay from now on as operators have chosen."""
        self.settings = settings

    def on_receiver(self, hook: OnReceiver) -> None:
        """Have `hook` called with an authority, whether it is down, and a sentence, when a receiver has been
        failing for five minutes, and when it answers again."""
        self.http.on_receiver(hook)

    def publish(self, unit: UnitOfWork, *events: Event) -> None:
        """Send events when `unit` is committed; they are stored in the same transaction."""
        items = [self._item(event) for event in events if self._gate(event)]
        if items:
            self.journal.append(unit, *items)

    def publish_soon(self, event: Event, lane: str = "") -> None:
        """Send an event at once. `lane` is the call in whose order an event without a callid belongs."""
        if not self._gate(event):
            return
        item = self._item(event, lane)
        self._send(item)
        self.journal.add(item)

    def _item(self, event: Event, lane: str = "") -> Item:
        told = self._clock.monotonic()
        return item_of(event, self._clock.now(), lane=lane, owed=self._owed(event), told=told)

    def boot_up(self) -> None:
        """Tell every stored target that the PBX has restarted; the one event that needs no living token."""
        self.publish_soon(BootUp())

    async def register(self, session: str, target: Target | None, dialect: Dialect) -> None:
        """Have a session's events go to `target`. Our own listeners are no target: they would loop."""
        if target is not None and (why := self.addresses.refuses(target.host, target.port)) is not None:
            log.warning("events: %s gets no events: %s", target.authority, why)
            target = None
        known = self.receivers.find(target) if target is not None else None
        was_alive = known is not None and self.receivers.is_alive(known)
        if target is not None and not was_alive and len(self.receivers.living()) >= HERE_MAX:
            log.warning("events: %s gets no events: there are %d receivers", target.authority, HERE_MAX)
            target = None
        missed = known is not None and known.id in self.receivers.owed()
        receiver = await self.receivers.register(session, target, dialect)
        if receiver is not None and not was_alive:
            # who left, or never was here, has missed nothing
            await self.http.returned(receiver, self.settings.replay if missed else Replay.RECORDS)
        elif receiver is not None:
            self.http.same(receiver)

    async def end_session(self, session: str) -> None:
        """A token ended; its receiver gets nothing more on its account."""
        await self.receivers.end_session(session)

    def disconnect(self) -> None:
        """Close the connections that applications have opened for events: they have to log in again."""
        self.tcp.disconnect()

    def target_of(self, session: str) -> Target | None:
        """Where this session's events go."""
        return self.receivers.target_of(session)

    def _owed(self, event: Event) -> tuple[int, ...]:
        """Who has to get a durable event over HTTP: also what happens while events go over TCP and no
        application is there to take it, as else nobody would ever get it."""
        if not isinstance(event, DURABLE) or (self._method is ReportMethod.TCP and self.tcp.connections):
            return ()
        return self.receivers.owed()

    def _seen(self, items: Sequence[Item]) -> None:
        """Items are committed: those of a transaction leave now, live ones have left already."""
        for item in items:
            if not item.sent:
                self._send(item)
            if item.early:
                self.http.seen(item)

    def _send(self, item: Item) -> None:
        item.sent = True
        if isinstance(item.event, FEED_ONLY):
            return
        if self._method is ReportMethod.TCP:
            self.tcp.send(item.event)
        if self._method is ReportMethod.HTTP or item.owed:
            self.http.send(item)
