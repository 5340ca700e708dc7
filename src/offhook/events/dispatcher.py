"""Every event on its way: to the journal if it must not be lost, and to each receiver's own worker.

publish(unit, event) ─► journal, in the transaction of the fact ─► after the commit ┐
publish_soon(event)  ─┬─────────────────────────────────────────────────────────────┴► workers, TCP
                      └► journal, some ms later, with others
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from offhook.clock import Clock
from offhook.events.api import FEED_ONLY, BootUp, Event
from offhook.events.deliveries import Deliveries
from offhook.events.dialect import Dialect
from offhook.events.http_push import tls_context
from offhook.events.item import DURABLE, Item, item_of
from offhook.events.journal import Journal
from offhook.events.receivers import Receiver, Receivers
from offhook.events.retention import Retention
from offhook.events.settings import EventSettings, ReportMethod
from offhook.events.target import Target
from offhook.events.tcp_push import CheckLogin, TcpPush
from offhook.events.worker import Worker
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
        own_address: Callable[[Target], bool],
    ) -> None:
        self._clock = clock
        self._sn = sn
        self._gate = gate
        self._own_address = own_address
        self.receivers = Receivers(store, clock, alive)
        self.settings = EventSettings()
        self.journal = Journal(store, self._seen)
        self._retention = Retention(store, clock, self.journal, lambda: self.settings)
        self._deliveries = Deliveries(store)
        self.tcp = TcpPush(check_login, sn)
        self._tls = tls_context()
        self._workers: dict[int, Worker] = {}
        self._delivered: list[tuple[int, int]] = []
        self._to_note = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._notes: set[asyncio.Task[None]] = set()
        self._method = ReportMethod.HTTP

    async def start(self, bind: str, method: ReportMethod, event_port: int) -> None:
        """Load receivers and what they have not got yet. Raises OSError when the event port is taken."""
        await self.receivers.load()
        await self.set_method(bind, method, event_port)
        await self.journal.start()
        for receiver_id, item in await self._deliveries.undelivered():
            receiver = self.receivers.get(receiver_id)
            if receiver is not None:
                self._worker(receiver).enqueue(item)
        self._retention.start()
        self._tasks = [asyncio.create_task(self._note_deliveries(), name="events-delivered")]

    async def set_method(self, bind: str, method: ReportMethod, event_port: int) -> None:
        """Push over HTTP or TCP from now on; what is in the journal stays there."""
        self._method = method
        await self.tcp.close()
        if method is ReportMethod.TCP:
            await self.tcp.start(bind, event_port)

    async def close(self) -> None:
        """Deliver for a moment what is under way, note it, and end."""
        await asyncio.gather(*(worker.close(_CLOSE_SECONDS) for worker in self._workers.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._notes, return_exceptions=True)
        await self._flush()
        await self._retention.close()
        await self.journal.close()
        await self.tcp.close()

    def configure(self, settings: EventSettings) -> None:
        """Keep and replay from now on as operators have chosen."""
        self.settings = settings

    def publish(self, unit: UnitOfWork, event: Event) -> None:
        """Send `event` when `unit` is committed; it is stored in the same transaction."""
        if self._gate(event):
            self.journal.append(unit, item_of(event, self._clock.now(), owed=self._owed(event)))

    def publish_soon(self, event: Event, lane: str = "") -> None:
        """Send an event at once. `lane` is the call in whose order an event without a callid belongs."""
        if not self._gate(event):
            return
        item = item_of(event, self._clock.now(), lane=lane, owed=self._owed(event))
        self.journal.add(item)
        self._send(item)

    def boot_up(self) -> None:
        """Tell every stored target that the PBX has restarted; the one event that needs no living token."""
        self.publish_soon(BootUp())

    def _owed(self, event: Event) -> tuple[int, ...]:
        if self._method is not ReportMethod.HTTP or not isinstance(event, DURABLE):
            return ()
        return self.receivers.owed()

    async def register(self, session: str, target: Target | None, dialect: Dialect) -> None:
        """Have a session's events go to `target`. Our own listeners are no target: they would loop."""
        if target is not None and self._own_address(target):
            log.warning("events: %s is our own address and gets no events", target.authority)
            target = None
        receiver = await self.receivers.register(session, target, dialect)
        if receiver is not None and receiver.id in self._workers:
            self._workers[receiver.id].dialect = dialect

    async def end_session(self, session: str) -> None:
        """A token ended; its receiver gets nothing more on its account."""
        await self.receivers.end_session(session)

    def disconnect(self) -> None:
        """Close the connections that applications have opened for events: they have to log in again."""
        self.tcp.disconnect()

    def target_of(self, session: str) -> Target | None:
        """Where this session's events go."""
        return self.receivers.target_of(session)

    def _seen(self, items: Sequence[Item]) -> None:
        """Items are committed: those of a transaction leave now, live ones have left already."""
        for item in items:
            if not item.sent:
                self._send(item)
            for receiver_id in item.early:
                self._has_got(item, receiver_id)

    def _send(self, item: Item) -> None:
        item.sent = True
        if isinstance(item.event, FEED_ONLY):
            return
        if self._method is ReportMethod.TCP:
            self.tcp.send(item.event)
            return
        for receiver in self._receivers_of(item):
            self._worker(receiver).enqueue(item)

    def _receivers_of(self, item: Item) -> Sequence[Receiver]:
        if item.durable:
            wanted = item.owed
        elif isinstance(item.event, BootUp):
            wanted = self.receivers.owed()
        else:
            return self.receivers.living()
        return [receiver for one in wanted if (receiver := self.receivers.get(one)) is not None]

    def _worker(self, receiver: Receiver) -> Worker:
        worker = self._workers.get(receiver.id)
        if worker is None:
            worker = self._workers[receiver.id] = Worker(
                receiver.target,
                receiver.dialect,
                sn=self._sn,
                clock=self._clock,
                answers=receiver.answers,
                may_deliver=lambda item: self._may_deliver(receiver, item),
                done=lambda item: self._has_got(item, receiver.id),
                keep_seconds=lambda: self.settings.keep_seconds,
                first_answer=lambda: self._note(receiver),
                tls=self._tls,
            )
        return worker

    def _may_deliver(self, receiver: Receiver, item: Item) -> bool:
        if self._method is not ReportMethod.HTTP:
            return False
        return isinstance(item.event, BootUp) or self.receivers.is_alive(receiver)

    def _note(self, receiver: Receiver) -> None:
        task = asyncio.create_task(self.receivers.has_answered(receiver), name="receiver-answers")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    def _has_got(self, item: Item, receiver_id: int) -> None:
        if not item.seq:
            item.early.append(receiver_id)
            return
        self._delivered.append((item.seq, receiver_id))
        self._to_note.set()

    async def _note_deliveries(self) -> None:
        # At once: what was delivered and not noted when we are killed is delivered again.
        while True:
            await self._to_note.wait()
            self._to_note.clear()
            await self._flush()

    async def _flush(self) -> None:
        if not self._delivered:
            return
        pairs, self._delivered = self._delivered, []
        try:
            await self._deliveries.delivered(pairs)
        except Exception:
            # They stay in the journal and are sent again after a restart: twice is better than never.
            log.exception("events: deliveries could not be noted")
