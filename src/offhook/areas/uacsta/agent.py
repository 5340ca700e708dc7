"""The SIP user agent's socket: who is heard, how often, and which dialog a message belongs to.

Only datagrams from the address of a phone whose session we opened are looked at; all others are dropped
unread. A phone gets a bounded number of messages a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from offhook.areas.uacsta.dialog import Dialog
from offhook.areas.uacsta.sip import Address, Message, SipError, encode, parse, respond, written
from offhook.areas.uacsta.transaction import NoAnswer, Transaction

log = logging.getLogger(__name__)

RATE, BURST = 50.0, 100.0
"""Messages that a phone may send per second, and at once."""

LINGER_SECONDS = 32.0
"""How long a dialog that is over is remembered for what the phone repeats (RFC 3261, timer D)."""

INVITE_SECONDS = 8.0
RING_GRACE_SECONDS = 0.2
LEAVE_SECONDS = 4.0
_REMEMBERED = 16

TakeRequest = Callable[[Message], None]


class Rings(Exception):
    """The phone rings: it took our INVITE for a call, so it does not know uaCSTA."""


@dataclass(slots=True)
class _Peer:
    """One address; several extensions may be registered from it."""

    dialogs: int = 0
    allowance: float = BURST
    counted_at: float = 0.0

    def may_send(self, now: float) -> bool:
        """Count one message of the phone; False when it has sent too many."""
        self.allowance = min(BURST, self.allowance + (now - self.counted_at) * RATE)
        self.counted_at = now
        if self.allowance < 1:
            return False
        self.allowance -= 1
        return True


@dataclass(slots=True)
class _Entry:
    """A dialog that is heard; `take` is None when it is over and only lingers."""

    dialog: Dialog
    take: TakeRequest | None
    transactions: dict[tuple[str, str], Transaction] = field(default_factory=dict)
    acks: dict[str, bytes] = field(default_factory=dict)
    answered: OrderedDict[tuple[str, str], bytes] = field(default_factory=OrderedDict)


class Agent(asyncio.DatagramProtocol):
    """The one user agent. A dialog is heard from `attach` to `leave`."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._peers: dict[Address, _Peer] = {}
        self._entries: dict[str, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self.dropped = 0
        self.port = 0

    async def open(self, bind: str, port: int) -> None:
        """Listen. Raises OSError when the port cannot be opened."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(bind, port)
        )
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def close(self, seconds: float = 1.0) -> None:
        """Take leave of the phones, which takes at most `seconds`, and stop listening."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        for entry in list(self._entries.values()):
            self._forget(entry)
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # -- dialogs --------------------------------------------------------------------------------------

    def attach(self, dialog: Dialog, take: TakeRequest) -> None:
        """Hear the phone of a dialog; `take` gets each new request of the dialog, already answered."""
        self._entries[dialog.call_id] = _Entry(dialog, take)
        self._peers.setdefault(dialog.contact.address, _Peer()).dialogs += 1

    def leave(self, dialog: Dialog) -> None:
        """End a dialog, by BYE when it was confirmed; what the phone still says of it gets an answer."""
        entry = self._entries.get(dialog.call_id)
        if entry is None or entry.take is None:
            return
        entry.take = None
        if dialog.confirmed:
            self._start(self._bye(dialog))
        self._later(LINGER_SECONDS, lambda: self._forget(entry))

    def _forget(self, entry: _Entry) -> None:
        for transaction in entry.transactions.values():
            transaction.stop()
        address = entry.dialog.contact.address
        self._entries.pop(entry.dialog.call_id, None)
        peer = self._peers[address]
        peer.dialogs -= 1
        if peer.dialogs == 0:
            del self._peers[address]

    async def _bye(self, dialog: Dialog) -> None:
        with contextlib.suppress(NoAnswer):
            await self.request(dialog, dialog.request("BYE"), LEAVE_SECONDS)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="uacsta-leave")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            work()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    # -- requests of ours -----------------------------------------------------------------------------

    async def request(self, dialog: Dialog, message: Message, seconds: float) -> Message:
        """Send a request other than INVITE and return its final answer. Raises NoAnswer."""
        with self._transaction(dialog, message) as transaction:
            return await transaction.answer(seconds)

    @contextlib.contextmanager
    def _transaction(self, dialog: Dialog, message: Message) -> Iterator[Transaction]:
        entry = self._entries.get(dialog.call_id)
        if entry is None:
            raise NoAnswer("the user agent is closed")
        transaction = self._begin(entry, message)
        try:
            yield transaction
        finally:
            transaction.stop()
            entry.transactions.pop((message.branch, message.method), None)

    def _begin(self, entry: _Entry, message: Message) -> Transaction:
        data, address = encode(message), entry.dialog.contact.address
        transaction = Transaction(message, lambda: self._send(data, address))
        entry.transactions[message.branch, message.method] = transaction
        return transaction

    async def invite(self, dialog: Dialog, message: Message) -> Message:
        """Send the INVITE that opens an attached dialog and return its final answer, which is acknowledged.

        Raises NoAnswer, and Rings for a phone that took it for a call; both call the INVITE off.
        """
        entry = self._entries.get(dialog.call_id)
        if entry is None:
            raise NoAnswer("the user agent is closed")
        transaction = self._begin(entry, message)
        try:
            return await self._answer_to_invite(transaction)
        except BaseException:
            self._abandon(entry, transaction)
            raise

    async def _answer_to_invite(self, transaction: Transaction) -> Message:
        heard: tuple[asyncio.Future[Any], ...] = (transaction.final, transaction.rings)
        await asyncio.wait(heard, timeout=INVITE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if transaction.rings.done() and not transaction.final.done():
            # Some answer 180 to every INVITE before they read it.
            await asyncio.wait({transaction.final}, timeout=RING_GRACE_SECONDS)
        if transaction.final.done():
            return transaction.final.result()
        if transaction.rings.done():
            raise Rings
        raise NoAnswer(f"no answer within {INVITE_SECONDS:g} s")

    def _abandon(self, entry: _Entry, transaction: Transaction) -> None:
        """Nobody waits for this INVITE any more: call it off. A late answer is undone by `_on_response`."""
        transaction.stop()
        transaction.abandoned = True
        if transaction.final.done():
            self._undo(entry, transaction.final.result())
        elif transaction.provisional:
            self._start(self._cancel(entry.dialog, transaction.request))

    async def _cancel(self, dialog: Dialog, invite: Message) -> None:
        with contextlib.suppress(NoAnswer):
            await self.request(dialog, dialog.cancel(invite), LEAVE_SECONDS)

    def _undo(self, entry: _Entry, answer: Message) -> None:
        if answer.status < 300:
            self._start(self._bye(entry.dialog))

    # -- what phones send -----------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a datagram, if it is from a phone that we speak with."""
        address = addr[0], addr[1]
        peer = self._peers.get(address)
        if peer is None or not peer.may_send(asyncio.get_running_loop().time()):
            self.dropped += 1
            return
        if not data.strip():
            return  # keeps a NAT open
        try:
            self._take(parse(data), address)
        except SipError as broken:
            self.dropped += 1
            log.debug("uacsta: a message of %s is not taken: %s", written(address), broken)

    def error_received(self, exc: Exception) -> None:
        """A phone that is off: the transaction's time-out says the same."""
        log.debug("uacsta: %s", exc)

    def _take(self, message: Message, address: Address) -> None:
        entry = self._entries.get(message.get("call-id"))
        if entry is not None and entry.dialog.contact.address != address:
            entry = None
        if message.status:
            if entry is not None:
                self._on_response(entry, message)
        elif entry is not None:
            self._on_request(entry, message)
        elif message.method != "ACK":
            self._send(encode(respond(message, 481, secrets.token_hex(4))), address)

    def _on_response(self, entry: _Entry, message: Message) -> None:
        transaction = entry.transactions.get((message.branch, message.cseq[1]))
        if transaction is None:
            return
        first = not transaction.final.done()
        transaction.take(message)
        if transaction.request.method != "INVITE" or message.status < 200:
            return
        # At once, and not when the one who waits goes on: the phone's next request may come first.
        if first:
            self._acknowledge(entry, transaction, message)
        self._send(entry.acks[message.branch], entry.dialog.contact.address)
        if first and transaction.abandoned:
            self._undo(entry, message)

    def _acknowledge(self, entry: _Entry, transaction: Transaction, answer: Message) -> None:
        if answer.status < 300:
            entry.dialog.confirm(answer)
        entry.acks[answer.branch] = encode(entry.dialog.ack(transaction.request, answer))

    def _on_request(self, entry: _Entry, message: Message) -> None:
        if message.method in {"ACK", "CANCEL"}:
            return  # they belong to requests of the phone that we refuse anyway
        key = message.branch, message.method
        address = entry.dialog.contact.address
        if (again := entry.answered.get(key)) is not None:
            self._send(again, address)
            return
        status = self._status_for(entry, message)
        data = encode(respond(message, status, entry.dialog.local_tag))
        entry.answered[key] = data
        if len(entry.answered) > _REMEMBERED:
            entry.answered.popitem(last=False)
        self._send(data, address)
        if status == 200 and entry.take is not None:
            entry.take(message)

    def _status_for(self, entry: _Entry, message: Message) -> int:
        if entry.take is None or not entry.dialog.confirmed:
            return 481
        try:
            newer = entry.dialog.accepts(message)
        except SipError:
            return 481
        if not newer:
            return 500  # out of order (RFC 3261, section 12.2.2)
        if message.method == "INVITE":
            return 488
        return 200 if message.method in {"INFO", "NOTIFY", "BYE", "OPTIONS", "UPDATE"} else 405

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)
