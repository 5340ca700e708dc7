"""A small server that speaks AMI and does what a test wants, and a client that keeps what it told."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable

from offhook.asterisk.ami.client import AmiClient, Timing
from offhook.asterisk.ami.wire import Cutter, Message

SECRET = "s3cret"
FAST = Timing(
    action=2, connect=2, boot=2, pong=0.3, ping_busy=0.01, ping_rest=30, gather=0.002, pauses=(0.01,)
)

Reply = Callable[["Engine", Message, asyncio.StreamWriter], None]


class Engine:
    """Answers as Asterisk does; `replies` names what it does otherwise, by action."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.actions: list[Message] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.secret = SECRET
        self.stalled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; on the same port when started again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def names(self) -> list[str]:
        """The actions that came, in their order."""
        return [action["Action"] for action in self.actions]

    def event(self, text: str) -> None:
        """Send an event on the newest connection: `Name; Header: value; …`."""
        self.writers[-1].write(("Event: " + text.replace("; ", "\r\n") + "\r\n\r\n").encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.writers.append(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        cutter = Cutter()
        cutter.feed(b"Asterisk Call Manager\r\n")
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                for action in cutter.feed(data):
                    self.actions.append(action)
                    if not self.stalled:
                        self.replies.get(action["Action"], answer)(self, action, writer)
        writer.close()


def say(writer: asyncio.StreamWriter, action: Message, *messages: str) -> None:
    """Answer an action: each message is `Header: value; …`."""
    for message in messages:
        head, _, rest = message.partition("; ")
        lines = [head, f"ActionID: {action['ActionID']}", *filter(None, rest.split("; "))]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


def answer(engine: Engine, action: Message, writer: asyncio.StreamWriter) -> None:
    """What Asterisk answers."""
    match action["Action"]:
        case "Challenge":
            say(writer, action, "Response: Success; Challenge: 4711")
        case "Login":
            key = hashlib.md5(f"4711{engine.secret}".encode(), usedforsecurity=False).hexdigest()
            if action["Key"] == key and action["Username"] == "offhook":
                say(writer, action, "Response: Success; Message: Authentication accepted")
                engine.event("FullyBooted; Status: Fully Booted")
            else:
                say(writer, action, "Response: Error; Message: Authentication failed")
        case "Ping":
            say(writer, action, "Response: Success; Ping: Pong")
        case "List":
            say(
                writer,
                action,
                "Response: Success; EventList: start",
                "Event: Item; Name: a",
                "Event: Item; Name: b",
                "Event: ListComplete; EventList: Complete",
            )
        case _:
            say(writer, action, "Response: Error; Message: Invalid/unknown command")


def silent(_engine: Engine, _action: Message, _writer: asyncio.StreamWriter) -> None:
    """Never answers."""


class Link:
    """A client with what it told."""

    def __init__(self, engine: Engine, timing: Timing = FAST) -> None:
        self.engine = engine
        self.batches: list[list[Message]] = []
        self.told: list[str] = []
        self.on_connected: Callable[[], Awaitable[None]] = self._nothing
        self.client = AmiClient(
            lambda: ("127.0.0.1", engine.port, "offhook", SECRET),
            on_events=self._take,
            on_connected=self._connected,
            on_lost=lambda: self.told.append("lost"),
            timing=timing,
        )

    async def _nothing(self) -> None:
        return

    async def _connected(self) -> None:
        self.told.append("connected")
        await self.on_connected()

    def _take(self, events: list[Message]) -> None:
        self.told.append("events")
        self.batches.append(events)

    def seen(self) -> list[str]:
        """The names of the events that came, in their order."""
        return [event.event for batch in self.batches for event in batch if event.event != "FullyBooted"]


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until a condition is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event to wait for
            await asyncio.sleep(0.002)
