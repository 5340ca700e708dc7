"""One AMI link that is kept up: logs in, hands events over in batches, matches answers to actions.

    CLOSED ─► CONNECTING ─► LOGGING_IN ─► SYNCING ─► UP ─► (lost) ─► CONNECTING …
                                            └ on_connected takes its snapshot; events wait meanwhile

A Ping runs all the time. Up to 22.10 the engine can forget to wake its writers (its issue 2145), and any
incoming line flushes what waits, so the Ping bounds the delay of events: every 40 ms while calls are up,
every second at rest. A Pong that does not come means that we have lost sync, so the link is made anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from offhook.asterisk.ami.errors import AmiError, AmiLost, AmiRefused, AmiTimeout, AmiUnreachable
from offhook.asterisk.ami.link import Link
from offhook.asterisk.ami.pending import PendingActions
from offhook.asterisk.ami.wire import Message, encode_action
from offhook.tasks import stop

__all__ = [
    "AmiClient",
    "AmiError",
    "AmiLost",
    "AmiRefused",
    "AmiTimeout",
    "AmiUnreachable",
    "Headers",
    "State",
    "Timing",
]

log = logging.getLogger(__name__)

WAITING_MAX = 64 << 20
"""Bytes of events that may wait while the snapshot is taken; with more, synchronising begins anew."""

Headers = Sequence[tuple[str, str]]
Address = Callable[[], tuple[str, int, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the link waits, in seconds. Of `pauses` between attempts to connect the last repeats."""

    action: float = 5.0
    connect: float = 5.0
    boot: float = 60.0
    pong: float = 5.0
    ping_busy: float = 0.04
    ping_rest: float = 1.0
    gather: float = 0.004
    pauses: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class State(StrEnum):
    """Where the connection stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    LOGGING_IN = "logging in"
    SYNCING = "syncing"
    UP = "up"


class AmiClient:
    """The link to one engine.

    `address` is asked for host, port, user and secret before every connection, since a new engine has
    others. `on_events` gets every batch in order and has to return soon: nothing is read meanwhile.
    `on_connected` runs after the login and before the first batch. `on_lost` tells that a link that was
    up is not any more; `close` does not tell.
    """

    def __init__(
        self,
        address: Address,
        *,
        on_events: Callable[[list[Message]], None],
        on_connected: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
        timing: Timing | None = None,
    ) -> None:
        self._address = address
        self._on_events = on_events
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._timing = timing or Timing()
        self._link: Link | None = None
        self._pending = PendingActions()
        self._waiting: list[Message] = []
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._booted = asyncio.Event()
        self._hurry = asyncio.Event()
        self._busy = False
        self._was_up = False
        self._closing = False
        self._last_failure = ""
        self._in_step = 0.0  # all that the engine did until then has been handed over; in the loop's time
        self.state = State.CLOSED
        self.latency = 0.0
        """Seconds that the engine took for its last Pong."""

    def _set_state(self, state: State, event: str) -> None:
        log.debug("ami: %s -> %s -> %s", self.state, event, state)
        self.state = state

    @property
    def up(self) -> bool:
        """Whether actions can be sent and events are in step."""
        return self.state is State.UP

    @property
    def behind(self) -> float:
        """How many seconds of what the engine did may not have been heard of yet.

        Events and answers come over one connection in their order, so what came before the answer to a Ping
        is all that was before the Ping.
        """
        return asyncio.get_running_loop().time() - self._in_step

    @property
    def busy(self) -> bool:
        """Whether calls are up, so that events are wanted within milliseconds."""
        return self._busy

    @busy.setter
    def busy(self, busy: bool) -> None:
        if busy and not self._busy:
            self._hurry.set()
        self._busy = busy

    def start(self) -> None:
        """Begin to connect, and go on until `close`. Raises RuntimeError when it runs already."""
        if self._task is not None:
            raise RuntimeError("the link was started before")
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="ami")

    async def close(self) -> None:
        """End the link; actions that wait get AmiUnreachable."""
        self._closing = True
        task, self._task = self._task, None
        await stop(task)
        self._set_state(State.CLOSED, "close")

    async def action(self, name: str, headers: Headers = (), *, seconds: float | None = None) -> Message:
        """Send an action and return its response.

        Raises AmiUnreachable, AmiTimeout, AmiRefused, and WireError for a header that cannot be sent.
        """
        return (await self._ask(name, headers, wants_list=False, seconds=seconds))[0]

    async def list_action(
        self, name: str, headers: Headers = (), *, seconds: float | None = None
    ) -> list[Message]:
        """Send an action that answers with a list; returns its events without the frame around them."""
        return (await self._ask(name, headers, wants_list=True, seconds=seconds))[1:-1]

    async def _ask(
        self, name: str, headers: Headers, *, wants_list: bool, seconds: float | None
    ) -> list[Message]:
        link, seconds = self._link, self._timing.action if seconds is None else seconds
        if link is None:
            raise AmiUnreachable("the engine is not connected")
        pending = self._pending.open(wants_list=wants_list)
        sent = False
        try:
            sent = link.write(encode_action([("Action", name), ("ActionID", pending.key), *headers]))
            if not sent:
                raise AmiUnreachable("the engine takes no more actions")
            async with asyncio.timeout(seconds):
                return await pending.future
        except TimeoutError:
            # The answer may have come in the same turn of the loop, if that was held up.
            if pending.future.done() and not pending.future.cancelled():
                return pending.future.result()
            raise AmiTimeout(f"{name}: no answer in {seconds:g} s") from None
        finally:
            self._pending.close(pending, more=sent and wants_list)

    # -- the connection -------------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            self._set_state(State.CONNECTING, "again" if failures else "start")
            self._was_up = False
            try:
                await self._connection()
            except (OSError, ValueError, AmiError) as failure:
                self._tell(str(failure) or type(failure).__name__)
            except Exception:
                # Whatever on_connected met: without a link the PBX is blind, so go on trying.
                log.exception("ami: the link could not be brought in step")
            failures = 1 if self._was_up else failures + 1
            pauses = self._timing.pauses
            await asyncio.sleep(pauses[min(failures, len(pauses)) - 1])

    def _tell(self, failure: str) -> None:
        # One line when the link is lost or the reason changes, not one per attempt.
        level = logging.WARNING if self._was_up or failure != self._last_failure else logging.DEBUG
        log.log(level, "ami: %s: %s", "link lost" if self._was_up else "no link", failure)
        self._last_failure = failure

    def _where(self) -> tuple[str, int, str, str]:
        try:
            return self._address()
        except Exception as failure:
            raise AmiUnreachable(str(failure) or "the engine has no address") from None

    async def _connection(self) -> None:
        host, port, user, secret = self._where()
        self._booted.clear()
        async with asyncio.timeout(self._timing.connect):
            _, link = await asyncio.get_running_loop().create_connection(
                lambda: Link(self._sort, self._timing.gather), host, port
            )
        self._link = link
        live = asyncio.create_task(self._live(user, secret), name="ami-live")
        try:
            ends: set[asyncio.Future[Any]] = {live, link.lost}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not link.lost.done():
                live.result()
            raise AmiUnreachable(await link.lost)
        finally:
            self._link = None
            link.end("closed")
            self._pending.fail_all()
            await stop(live)
            self._forget_waiting()
            self._fall()

    def _fall(self) -> None:
        if not self._was_up or self._closing:
            return
        self._set_state(State.CONNECTING, "lost")
        self._on_lost()

    async def _live(self, user: str, secret: str) -> None:
        self._set_state(State.LOGGING_IN, "connected")
        await self._login(user, secret)
        # The port opens before all modules are loaded; only then does every action exist.
        try:
            async with asyncio.timeout(self._timing.boot):
                await self._booted.wait()
        except TimeoutError:
            raise AmiTimeout("the engine does not finish booting") from None
        self._set_state(State.SYNCING, "logged in")
        begin = asyncio.get_running_loop().time()
        await self._on_connected()
        self._set_state(State.UP, "synced")
        self._was_up, self._last_failure = True, ""
        self._hand_over(self._forget_waiting())
        loop = asyncio.get_running_loop()
        while True:
            self._in_step = begin
            await self._rest()
            begin = loop.time()
            await self.action("Ping", seconds=self._timing.pong)
            self.latency = loop.time() - begin

    async def _rest(self) -> None:
        """Wait until the next Ping is due; at rest a first call ends the wait."""
        if self._busy:
            await asyncio.sleep(self._timing.ping_busy)
            return
        self._hurry.clear()
        try:
            async with asyncio.timeout(self._timing.ping_rest):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _login(self, user: str, secret: str) -> None:
        challenge = (await self.action("Challenge", [("AuthType", "MD5")])).get("Challenge", "")
        # The engine asks for MD5 here; the secret is random, made for this start, and never leaves loopback.
        key = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
        await self.action("Login", [("AuthType", "MD5"), ("Username", user), ("Key", key)])

    # -- what comes in --------------------------------------------------------------------------------

    def _sort(self, messages: list[Message]) -> None:
        events = [message for message in messages if not self._pending.take(message)]
        if self.state is State.UP:
            self._hand_over(events)
            return
        for event in events:
            if event.event == "FullyBooted":
                self._booted.set()
            self._waiting_bytes += event.size
        self._waiting += events
        if self._waiting_bytes > WAITING_MAX and self._link is not None:
            self._link.end("more events came than can wait for the snapshot")

    def _forget_waiting(self) -> list[Message]:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return waiting

    def _hand_over(self, events: list[Message]) -> None:
        if not events:
            return
        try:
            self._on_events(events)
        except Exception:
            log.exception("ami: %d events could not be taken in", len(events))
