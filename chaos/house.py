"""A PBX in processes of its own that faults happen to: its phones, its application, its receiver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.pbx import STRONG, Client, Json, Receiver
from tests.support.phone import Call, Phone, eventually
from tests.support.process import UpProcess, up_process

UNREACHABLE = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What a request raises that met no whole answer."""

_EXPIRES = 3600  # seconds, the most that is given: a trial may be long, and phones do not register again
_FIRST = 20000


class TimedReceiver(Receiver):
    """Notes when each event came (`times`, on the monotonic clock)."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ValueError, OSError):  # cut off in the middle: it is sent again
            await super()._take(reader, writer)
        self.times += [time.monotonic()] * (len(self.events) - len(self.times))

    def forget(self, name: str) -> None:
        """Forget the events of one kind."""
        kept = [pair for pair in zip(self.events, self.times, strict=False) if pair[0]["event"] != name]
        self.events[:] = [event for event, _ in kept]
        self.times[:] = [when for _, when in kept]


@dataclass
class House:
    """The parts, and the times (monotonic) at which something was broken."""

    up: UpProcess
    client: Client
    receiver: TimedReceiver
    phones: dict[str, Phone] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)

    async def login(self) -> None:
        """Log in anew, with the receiver as target."""
        await self.client.login(version="2.0.0", port=str(self.receiver.port))

    async def extensions(self, count: int) -> list[str]:
        """So many extensions; returns their numbers."""
        numbers = [str(_FIRST + n) for n in range(count)]
        await self.make(numbers)
        return numbers

    async def make(self, numbers: list[str]) -> None:
        """Make extensions without forwards at once, beside those that are there."""
        self.numbers += numbers
        fields = f"registerpassword: {STRONG!r}, busyforward: off, noanswerforward: off"
        lines = [f"- {{number: '{n}', username: U{n}, registername: '{n}', {fields}}}" for n in self.numbers]
        status, output = await self.up.command("apply", "-", stdin="\n".join(["extensions:", *lines, ""]))
        if status:
            raise AssertionError(output)

    async def phone(self, number: str, **options: Any) -> Phone:
        """A registered phone that answers by itself."""
        phone = await Phone(number, STRONG, ("127.0.0.1", self.up.sip_port), **options).__aenter__()
        self.phones[number] = phone
        phone.auto_answer = True
        if await phone.register(_EXPIRES) != 200:
            raise AssertionError(f"{number} cannot register")
        return phone

    async def recorded(self) -> set[str]:
        """The callids of the records in the store."""
        return {row[0] for row in await self.up.rows("SELECT callid FROM cdr")}

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Something is broken for the time of the block, and a little longer."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.outages.append((begin, time.monotonic()))

    def touched(self, begin: float, end: float, slack: float = 1.0) -> bool:
        """Whether something was broken in this time."""
        return any(begin - slack <= over and since <= end + slack for since, over in self.outages)

    def kill_engine(self) -> None:
        """kill -9 the engine."""
        os.kill(self.up.engine_pid, signal.SIGKILL)

    async def answers(self, seconds: float = 40.0) -> None:
        """Wait until the API answers a request that reads the store."""

        async def asked() -> bool:
            answer = await self.client.post("extension/query", {"number": str(_FIRST)})
            if answer.get("errno") in {"20004", "20006"}:
                await self.login()
                return False
            return answer.get("status") == "Success"

        await until(asked, "the API answers", seconds)

    async def change(self, name: str) -> str:
        """Make a contact; returns its id. Raises what is in UNREACHABLE, and AssertionError when refused."""
        body = {"firstname": name, "lastname": "Chaos", "mobile": "12345"}
        return str((await self.client.ok("companycontacts/add", body))["id"])

    async def running(self) -> list[Json]:
        """The calls that the PBX knows of."""
        calls: list[Json] = (await self.client.ok("call/query", {"callid": "all"}))["Calls"]
        return calls

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.up.seen / "offhook.db"


@contextlib.asynccontextmanager
async def house(up: UpProcess | None = None, numbers: Sequence[str] = ()) -> AsyncIterator[House]:
    """A PBX that is up, with an application that is logged in, until the end of the block.

    `numbers` are extensions that the next `make` makes, too: it declares all at once.
    """
    async with contextlib.AsyncExitStack() as stack:
        receiver = TimedReceiver()
        await receiver.start()
        stack.push_async_callback(receiver.close)
        if up is None:
            up = await stack.enter_async_context(up_process())
        await up.start()
        client = await up.client()
        stack.push_async_callback(client.close)
        made = House(up, client, receiver, numbers=list(numbers))
        await made.login()
        stack.push_async_callback(_leave, made)
        yield made


async def _leave(made: House) -> None:
    for phone in made.phones.values():
        phone.forget_calls()
        phone.registered = False  # the engine ends anyway
        await phone.__aexit__()


async def until(
    asked: Callable[[], Awaitable[bool]], what: str, seconds: float = 20.0, pause: float = 0.05
) -> float:
    """Ask again and again until the answer is yes; what is in UNREACHABLE counts as no. Returns seconds."""
    begin = time.monotonic()
    while True:
        with contextlib.suppress(*UNREACHABLE):
            if await asked():
                return time.monotonic() - begin
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"in {seconds:g} s it did not come to this: {what}")
        await asyncio.sleep(pause)


async def hang_up(call: Call, seconds: float = 4.0) -> None:
    """End a call, whatever state it is in; an engine that is gone is not waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            if not call.ended:
                await call.hangup()
    call.rtp.close()


async def talking(one: Phone, other: Phone) -> Call:
    """A call between two phones in which both hear each other."""
    call = await one.call(other.number)
    there = await other.incoming()
    await eventually(lambda: call.is_up and there.is_up, "the talk is up")
    await call.hears(other.frequency)
    return call
