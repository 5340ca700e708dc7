"""Delivery over HTTP: a worker for each receiver, what it is owed, its dead letters, and how it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offhook.clock import Clock
from offhook.events.addresses import Addresses
from offhook.events.api import FEED_ONLY, BootUp
from offhook.events.backlog import Backlog
from offhook.events.dead_letters import BEGUN_ANEW, DeadLetters, bury_owed
from offhook.events.deliveries import Deliveries
from offhook.events.http_push import Pusher
from offhook.events.item import Item
from offhook.events.journal import Journal
from offhook.events.receivers import Receiver, Receivers
from offhook.events.settings import EventSettings, Replay
from offhook.events.worker import Ties, Worker
from offhook.store.unit import Store
from offhook.tasks import Background, stop

log = logging.getLogger(__name__)

DOWN_SECONDS = 300.0
"""After so long a time of failing, operators are told of a receiver."""

_LOOK_SECONDS = 2.0
_POSITION_SECONDS = 10.0
_CROWDED = 300  # connections at once
_RESENT_MAX = 1000
_FLUSH_SECONDS = 1.0

_NO_REPLAY = (*FEED_ONLY, BootUp)

OnReceiver = Callable[[str, bool, str], None]


class NotSendable(Exception):
    """Nothing can be sent to a receiver now; the text says why."""


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """How a receiver is. `state`: up, down (it fails) or away (no token that names it lives); moments in
    seconds since the epoch, `lag` in seconds."""

    receiver: Receiver
    state: str
    down_since: float | None
    waiting: int
    delivered: int
    failed: int
    given_up: int
    lag: float
    last_error: str


class HttpDelivery:
    """All workers. While events go over TCP it is not `active`, and nothing leaves."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        sn: Callable[[], str],
        receivers: Receivers,
        journal: Journal,
        addresses: Addresses,
        settings: Callable[[], EventSettings],
    ) -> None:
        self._store = store
        self._clock = clock
        self._sn = sn
        self._receivers = receivers
        receivers.on_forgotten = self._forgotten
        self._journal = journal
        self._settings = settings
        self.active = False
        self.dead_letters = DeadLetters(store)
        self._deliveries = Deliveries(store, clock, self._noted)
        self._pusher = Pusher(addresses)
        self._workers: dict[int, Worker] = {}
        self._positions: dict[int, int] = {}
        self._told_down: set[int] = set()
        self._hooks: list[OnReceiver] = []
        self._task: asyncio.Task[None] | None = None
        self._notes = Background()

    async def start(self) -> None:
        """Begin to note what is delivered."""
        self._deliveries.start()
        self._task = asyncio.create_task(self._watch(), name="events-receivers")

    def go_on(self, replay: Replay) -> None:
        """Take up delivery to every receiver that has a living token; what is owed comes first."""
        self.active = True
        for receiver in self._receivers.living():
            self._worker(receiver).resume(replay, receiver.position)

    def pause(self) -> None:
        """Let nothing leave: events go over TCP."""
        self.active = False

    async def close(self, seconds: float) -> None:
        """Deliver for a moment what is under way, note it, and end."""
        await stop(self._task)
        deadline = self._clock.monotonic() + seconds
        while self._clock.monotonic() < deadline and self._delivers:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._note_positions()
        for worker in self._workers.values():
            worker.close()
            await worker.backlog.close()
        await self._pusher.close()
        await self._notes.finish()
        await self._deliveries.close()
        await self._write_positions()

    @property
    def _delivers(self) -> bool:
        working = (worker for worker in self._workers.values() if worker.failing_since is None)
        return self.active and any(worker.waiting for worker in working)

    def on_receiver(self, hook: OnReceiver) -> None:
        """Have `hook` called with an authority, whether it is down, and a sentence, when a receiver has been
        failing for five minutes, and when it answers again."""
        self._hooks.append(hook)

    # -- sending ------------------------------------------------------------------------------------------

    def send(self, item: Item) -> None:
        """Hand an item to all who get it: those that answer first, so that nobody waits for the others."""
        urgent = isinstance(item.event, BootUp)
        workers = [self._worker(receiver) for receiver in self._receivers_of(item)]
        workers.sort(key=lambda worker: (worker.failing_since is not None, not worker.answers))
        for worker in workers:
            worker.take(item, urgent=urgent)

    def _receivers_of(self, item: Item) -> Sequence[Receiver]:
        if item.durable:
            wanted = item.owed
        elif isinstance(item.event, BootUp):
            wanted = self._receivers.owed()
        else:
            return self._receivers.living()
        return [receiver for one in wanted if (receiver := self._receivers.get(one)) is not None]

    def same(self, receiver: Receiver) -> None:
        """Another session, or the same again, names a receiver that has a living token."""
        worker = self._worker(receiver)
        worker.dialect = receiver.dialect
        worker.heard_of()

    async def returned(self, receiver: Receiver, replay: Replay) -> None:
        """A session names a receiver that none named before; it gets what it missed as `replay` says."""
        if receiver.id in self._workers:
            receiver.position = self._workers[receiver.id].backlog.position()
        worker = self._worker(receiver)
        worker.dialect = receiver.dialect
        if not self.active:
            return
        now, one = self._clock.now(), receiver.id
        upto = worker.resume(replay, receiver.position)
        if replay is Replay.NONE:
            # what has arrived and is not noted yet is no debt
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._journal.flushed()
            await self._deliveries.flush()
            await self._store.write(
                "begun anew",
                lambda unit: bury_owed(unit, now, reason=BEGUN_ANEW, upto=upto, receiver_id=one),
            )

    def _worker(self, receiver: Receiver) -> Worker:
        worker = self._workers.get(receiver.id)
        if worker is not None:
            return worker
        one = receiver.id
        backlog = Backlog(
            lambda after, live, upto, limit: self._deliveries.backlog(one, after, live, upto, limit),
            last=self._journal.last,
            unseen=lambda: self._journal.unseen,
            wanted=lambda item: one in item.owed if item.durable else not isinstance(item.event, _NO_REPLAY),
        )
        ties = Ties(
            sn=self._sn,
            clock=self._clock,
            push=self._pusher.push,
            later=asyncio.get_running_loop().call_later,
            crowded=lambda: self._pusher.in_flight > _CROWDED,
            alive=lambda: self.active and self._receivers.is_alive(receiver),
            settled=lambda item, reason: self._deliveries.settle(one, item, reason),
            first_answer=lambda: self._first_answer(receiver),
            keep_seconds=lambda: self._settings().keep_seconds,
        )
        worker = Worker(receiver.target, receiver.dialect, ties, backlog, answers=receiver.answers)
        self._workers[one] = worker
        return worker

    def _forgotten(self, receiver_id: int) -> None:
        worker = self._workers.pop(receiver_id, None)
        if worker is not None:
            worker.close()
        self._told_down.discard(receiver_id)
        self._positions.pop(receiver_id, None)

    def seen(self, item: Item) -> None:
        """An item has its number: what was settled before can be noted now."""
        early, item.early = item.early, []
        for receiver_id, reason in early:
            self._deliveries.settle(receiver_id, item, reason)

    def _noted(self, receiver_id: int, item: Item) -> None:
        worker = self._workers.get(receiver_id)
        if worker is not None:
            worker.backlog.release(item)

    def _first_answer(self, receiver: Receiver) -> None:
        self._notes.begin(self._receivers.has_answered(receiver), name="receiver-answers")

    # -- what operators see and do ------------------------------------------------------------------------

    def states(self) -> list[ReceiverState]:
        """How each receiver is."""
        return [self._state(receiver) for receiver in self._receivers.all()]

    def _state(self, receiver: Receiver) -> ReceiverState:
        alive = self._receivers.is_alive(receiver)
        worker = self._workers.get(receiver.id)
        if worker is None:
            return ReceiverState(receiver, "up" if alive else "away", None, 0, 0, 0, 0, 0.0, "")
        down = worker.failing_since
        state = "away" if not alive else "down" if down is not None else "up"
        return ReceiverState(
            receiver,
            state,
            down,
            worker.waiting,
            worker.delivered,
            worker.failed,
            worker.given_up,
            worker.lag,
            worker.last_error,
        )

    async def resend(self, receiver: Receiver, letter: int | None) -> int:
        """Send dead letters again, one or the oldest thousand; returns how many. They stay dead letters until
        they have arrived. What is under way already is not sent twice. Raises NotSendable."""
        if not self.active:
            raise NotSendable("events go over TCP")
        if not self._receivers.is_alive(receiver):
            raise NotSendable("no living token names this receiver: it has to log in first")
        worker = self._worker(receiver)
        under_way = {item.letter for item in worker.backlog.mine}
        items = await self.dead_letters.items(receiver.id, letter, self._clock.now(), _RESENT_MAX)
        items = [item for item in items if item.letter not in under_way]
        for item in items:
            worker.take(item)
        return len(items)

    # -- watching -----------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        written = self._clock.monotonic()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self.look()
                if self._clock.monotonic() - written >= _POSITION_SECONDS:
                    written = self._clock.monotonic()
                    await self._write_positions()
            except Exception:
                log.exception("events: the receivers could not be looked at")

    def look(self) -> None:
        """Tell of receivers that have failed for long and of those that answer again; note positions."""
        self._receivers.refresh()
        self._deliveries.live_letters()
        self._note_positions()
        for one, worker in list(self._workers.items()):
            receiver = self._receivers.get(one)
            if receiver is None:
                continue
            since = worker.failing_since
            alive = self._receivers.is_alive(receiver)
            if alive and worker.failing_for > DOWN_SECONDS and one not in self._told_down:
                self._told_down.add(one)
                self._tell(worker, True, f"no event has arrived for {DOWN_SECONDS / 60:.0f} minutes")
            elif one in self._told_down and (since is None or not alive):
                self._told_down.discard(one)
                says = "it answers again" if since is None else "nobody is logged in for it any more"
                self._tell(worker, False, says)

    def _tell(self, worker: Worker, down: bool, says: str) -> None:
        text = f"{says}; last: {worker.last_error}" if down else says
        for hook in self._hooks:
            hook(worker.target.authority, down, text)

    def _note_positions(self) -> None:
        for one, worker in self._workers.items():
            receiver = self._receivers.get(one)
            if receiver is None:
                continue
            position = worker.backlog.position()
            if position != receiver.position:
                receiver.position = self._positions[one] = position

    async def _write_positions(self) -> None:
        positions, self._positions = self._positions, {}
        if positions:
            await self._receivers.moved_on(positions)
