"""Every event on its way: to the journal if it must not be lost, and to each receiver's own worker.

publish(unit, event) ─► journal, in the transaction of the fact ─► after the commit ┐
publish_soon(event)  ───────────────────────────────────────────────────────────────┴► workers, TCP
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from enum import StrEnum

from offhook.clock import Clock
from offhook.events.api import BootUp, CallStatus, Event, ExtensionStatus, NewCdr, UacstaCall
from offhook.events.dialect import Dialect
from offhook.events.http_push import tls_context
from offhook.events.journal import Journal, append
from offhook.events.receivers import Receiver, Receivers
from offhook.events.target import Target
from offhook.events.tcp_push import CheckLogin, TcpPush
from offhook.events.worker import Item, Worker
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

_THIN_SECONDS = 3600.0
_CLOSE_SECONDS = 2.0


class ReportMethod(StrEnum):
    """How events are pushed: one of the two at a time (spec 00-access, `settings.basic`)."""

    HTTP = "HTTP"
    TCP = "TCP"


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
        self._journal = Journal(store)
        self._tcp = TcpPush(check_login, sn)
        self._check_login = check_login
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
        for owed in await self._journal.undelivered():
            receiver = self.receivers.get(owed.receiver_id)
            if receiver is not None:
                self._worker(receiver).enqueue(Item(owed.event, _keys(owed.event), owed.created, owed.seq))
        self._tasks = [
            asyncio.create_task(self._note_deliveries(), name="events-delivered"),
            asyncio.create_task(self._thin(), name="events-thin"),
        ]

    async def set_method(self, bind: str, method: ReportMethod, event_port: int) -> None:
        """Push over HTTP or TCP from now on; what is in the journal stays there."""
        self._method = method
        await self._tcp.close()
        if method is ReportMethod.TCP:
            self._tcp = TcpPush(self._check_login, self._sn)
            await self._tcp.start(bind, event_port)

    async def close(self) -> None:
        """Deliver for a moment what is under way, note it, and end."""
        await asyncio.gather(*(worker.close(_CLOSE_SECONDS) for worker in self._workers.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._notes, return_exceptions=True)
        await self._flush()
        await self._tcp.close()

    def publish(self, unit: UnitOfWork, event: Event) -> None:
        """Send `event` when `unit` is committed; what must not be lost goes into the same transaction."""
        now = self._clock.now()
        if not isinstance(event, NewCdr):
            unit.after_commit(lambda: self.publish_soon(event))
            return
        owed = self.receivers.owed() if self._method is ReportMethod.HTTP else ()
        seq = append(unit, event, now, owed)
        unit.after_commit(lambda: self._send_stored(event, now, seq, owed))

    def publish_soon(self, event: Event, lane: str = "") -> None:
        """Send a live event at once. `lane` is the call in whose order an event without a callid belongs."""
        if not self._gate(event):
            return
        if self._method is ReportMethod.TCP:
            self._tcp.send(event)
            return
        item = Item(event, (*_keys(event), *((lane,) if lane else ())), self._clock.now())
        for receiver in self.receivers.living():
            self._worker(receiver).enqueue(item)

    def boot_up(self) -> None:
        """Tell every stored target that the PBX has restarted; the one event that needs no living token."""
        if self._method is ReportMethod.TCP:
            self._tcp.send(BootUp())
            return
        item = Item(BootUp(), ("boot",), self._clock.now())
        owed = set(self.receivers.owed())
        for receiver in self.receivers.all():
            if receiver.id in owed:
                self._worker(receiver).enqueue(item)

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

    def target_of(self, session: str) -> Target | None:
        """Where this session's events go."""
        return self.receivers.target_of(session)

    def _send_stored(self, event: NewCdr, created: float, seq: int, owed: tuple[int, ...]) -> None:
        if self._method is ReportMethod.TCP:
            self._tcp.send(event)
        for receiver_id in owed:
            receiver = self.receivers.get(receiver_id)
            if receiver is not None:
                self._worker(receiver).enqueue(Item(event, _keys(event), created, seq))

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
                done=lambda seq: self._has_got(seq, receiver.id),
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

    def _has_got(self, seq: int, receiver_id: int) -> None:
        self._delivered.append((seq, receiver_id))
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
            await self._journal.delivered(pairs)
        except Exception:
            # They stay in the journal and are sent again after a restart: twice is better than never.
            log.exception("events: deliveries could not be noted")

    async def _thin(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self._journal.thin(self._clock.now())
            await asyncio.sleep(_THIN_SECONDS)


def _keys(event: Event) -> tuple[str, ...]:
    """What an event must stay in order with: its call, its extension."""
    match event:
        case CallStatus(callid=callid):
            return (callid, *(f"ext {m.number}" for m in event.members if m.number))
        case ExtensionStatus(extension=extension) | UacstaCall(extension=extension):
            return (f"ext {extension}",)
        case _:
            callid = getattr(event, "callid", "")
            return (callid,) if callid else ("config",)
