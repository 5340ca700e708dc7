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
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum

from offhook.asterisk.ami.wire import Cutter, Message, WireError, encode_action

log = logging.getLogger(__name__)

ACTION_SECONDS = 5.0
PONG_SECONDS = 5.0
BOOT_SECONDS = 60.0
PING_BUSY_SECONDS = 0.04
PING_REST_SECONDS = 1.0
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_READ_BYTES = 1 << 16

Headers = Sequence[tuple[str, str]]


class AmiError(Exception):
    """An action did not succeed."""


class AmiUnreachable(AmiError):
    """There is no connection to the engine, or it was lost before the answer came."""


class AmiTimeout(AmiError):
    """No answer in time; whether the engine has done it is unknown."""


class AmiRefused(AmiError):
    """The engine answered Error; the text is its message."""


class State(StrEnum):
    """Where the connection stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    LOGGING_IN = "logging in"
    SYNCING = "syncing"
    UP = "up"


class _Pending:
    """An action that waits for its answer, or for the end of its list of events."""

    def __init__(self, wants_list: bool) -> None:
        self.future: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self.wants_list = wants_list
        self.messages: list[Message] = []

    def take(self, message: Message) -> bool:
        """Take one message of this action; True when it was the last."""
        if self.future.done():
            return True
        event = message.event
        if not event and message.get("Response") == "Error":
            self.future.set_exception(AmiRefused(message.get("Message", "refused")))
            return True
        self.messages.append(message)
        if self.wants_list and message.get("EventList") not in {"Complete", "cancelled"}:
            return False
        self.future.set_result(self.messages)
        return True


class AmiClient:
    """The link to one engine.

    `address` is asked for before every connection, since a new engine has another port and secret.
    `on_events` gets every batch in order; `on_connected` runs after the login and before the first batch.
    """

    def __init__(
        self,
        address: Callable[[], tuple[str, int, str, str]],
        *,
        on_events: Callable[[list[Message]], None],
        on_connected: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._address = address
        self._on_events = on_events
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._writer: asyncio.StreamWriter | None = None
        self._pending: dict[str, _Pending] = {}
        self._ids = itertools.count(1)
        self._waiting: list[Message] = []
        self._task: asyncio.Task[None] | None = None
        self.state = State.CLOSED
        self.busy = False
        self._was_up = False
        self._booted = asyncio.Event()

    def _set_state(self, state: State, event: str) -> None:
        log.debug("ami: %s -> %s -> %s", self.state, event, state)
        self.state = state

    @property
    def up(self) -> bool:
        """Whether actions can be sent and events are in step."""
        return self.state is State.UP

    def start(self) -> None:
        """Begin to connect, and go on until `close`."""
        self._task = asyncio.create_task(self._run(), name="ami")

    async def close(self) -> None:
        """End the link."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._set_state(State.CLOSED, "close")

    async def action(self, name: str, headers: Headers = (), *, seconds: float = ACTION_SECONDS) -> Message:
        """Send an action and return its response.

        Raises AmiUnreachable, AmiTimeout, AmiRefused, and WireError for a header that cannot be sent.
        """
        return (await self._ask(name, headers, wants_list=False, seconds=seconds))[0]

    async def list_action(
        self, name: str, headers: Headers = (), *, seconds: float = ACTION_SECONDS
    ) -> list[Message]:
        """Send an action that answers with a list; returns its events without the frame around them."""
        return (await self._ask(name, headers, wants_list=True, seconds=seconds))[1:-1]

    async def _ask(self, name: str, headers: Headers, *, wants_list: bool, seconds: float) -> list[Message]:
        writer = self._writer
        if writer is None or self.state in {State.CLOSED, State.CONNECTING}:
            raise AmiUnreachable("the engine is not connected")
        key = str(next(self._ids))
        data = encode_action([("Action", name), ("ActionID", key), *headers])
        pending = self._pending[key] = _Pending(wants_list)
        try:
            writer.write(data)
            async with asyncio.timeout(seconds):
                return await pending.future
        except TimeoutError:
            raise AmiTimeout(f"{name}: no answer in {seconds:g} s") from None
        finally:
            self._pending.pop(key, None)

    async def _run(self) -> None:
        failures = 0
        while True:
            self._set_state(State.CONNECTING, "start" if not failures else "again")
            try:
                await self._connection()
            except (OSError, WireError, AmiError, TimeoutError) as failure:
                log.log(logging.WARNING if self._was_up else logging.DEBUG, "ami: link lost: %s", failure)
            except Exception:
                # Whatever on_connected met: without a link the PBX is blind, so go on trying.
                log.exception("ami: the link could not be brought in step")
            failures = 0 if self._was_up else failures + 1
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])

    async def _connection(self) -> None:
        self._was_up = False
        self._booted.clear()
        host, port, user, secret = self._address()
        reader, writer = await asyncio.open_connection(host, port, limit=_READ_BYTES)
        self._writer = writer
        cutter = Cutter()
        tasks = [asyncio.create_task(self._read(reader, cutter), name="ami-read")]
        try:
            tasks.append(asyncio.create_task(self._live(user, secret), name="ami-live"))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._drop(writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writer = None
        writer.close()
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(AmiUnreachable("the link to the engine was lost"))
        self._waiting.clear()
        if self._was_up:
            self._set_state(State.CONNECTING, "lost")
            self._on_lost()

    async def _live(self, user: str, secret: str) -> None:
        self._set_state(State.LOGGING_IN, "connected")
        await self._login(user, secret)
        # The port opens before all modules are loaded; only then does every action exist.
        async with asyncio.timeout(BOOT_SECONDS):
            await self._booted.wait()
        self._set_state(State.SYNCING, "logged in")
        await self._on_connected()
        self._set_state(State.UP, "synced")
        self._was_up = True
        waiting, self._waiting = self._waiting, []
        self._hand_over(waiting)
        while True:
            await asyncio.sleep(PING_BUSY_SECONDS if self.busy else PING_REST_SECONDS)
            await self.action("Ping", seconds=PONG_SECONDS)

    async def _login(self, user: str, secret: str) -> None:
        challenge = (await self.action("Challenge", [("AuthType", "MD5")])).get("Challenge", "")
        # The engine asks for MD5 here; the secret is random, made for this start, and never leaves loopback.
        key = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
        await self.action("Login", [("AuthType", "MD5"), ("Username", user), ("Key", key)])

    async def _read(self, reader: asyncio.StreamReader, cutter: Cutter) -> None:
        while data := await reader.read(_READ_BYTES):
            self._sort(cutter.feed(data))
        raise AmiUnreachable("the engine closed the link")

    def _sort(self, messages: Iterable[Message]) -> None:
        events: list[Message] = []
        for message in messages:
            if message.event == "FullyBooted":
                self._booted.set()
            key = message.get("ActionID", "")
            pending = self._pending.get(key) if key else None
            # OriginateResponse bears both an ActionID and a Response, and is an event all the same.
            if pending is not None and not (message.event and not pending.wants_list):
                if pending.take(message):
                    self._pending.pop(key, None)
            elif message.event:
                events.append(message)
        if self.state is State.UP:
            self._hand_over(events)
        else:
            self._waiting += events

    def _hand_over(self, events: list[Message]) -> None:
        if not events:
            return
        try:
            self._on_events(events)
        except Exception:
            log.exception("ami: %d events could not be taken in", len(events))
