"""The programs of examples/, each as a process of its own, while people do with phones what it asks for."""

from __future__ import annotations

import asyncio
import datetime
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest import mock

import pytest
import pytest_asyncio

from tests.calls.test_features import custom, silent_for, sounds
from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx
from tests.support.phone import Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
EXAMPLES = Path(__file__).parents[2] / "examples"
CUSTOMER, WELCOME = 900, 520
"""What the customer's phone sends and what the prompt plays, in Hz."""


class Program:
    """A program that runs; `printed` are its lines so far, those about problems among them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed: list[str] = []

    async def read(self) -> None:
        """Take what it prints, until its end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.printed.append(line.decode().rstrip())

    async def says(self, text: str, seconds: float = 15.0) -> None:
        """Wait until it has printed a line with this."""
        try:
            await eventually(lambda: any(text in line for line in self.printed), text, seconds)
        except TimeoutError as late:
            raise AssertionError(f"{late}; {self}") from None

    async def ends(self, status: int = 0) -> None:
        """Wait for its end."""
        async with asyncio.timeout(20):  # more than its patience
            assert await self.process.wait() == status, str(self)

    def __str__(self) -> str:
        return "\n".join(["printed:", *self.printed])


@asynccontextmanager
async def running(pbx: TestPbx, name: str, *arguments: str) -> AsyncIterator[Program]:
    """A program, with no patience to speak of, until the end of a block."""
    port = str(pbx.settings.http_port)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / name), "--port", port, "--patience", "15", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "OFFHOOK_API_PASSWORD": "ApiTest2019", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    program = Program(process)
    reading = asyncio.create_task(program.read())
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        print(program)


class Site:
    """The PBX of examples/applications.yaml, phones, and the carrier."""

    def __init__(self, pbx: TestPbx, phones: dict[str, Phone], carrier: Carrier) -> None:
        self.pbx, self.phones, self.carrier = pbx, phones, carrier


async def site(pbx: TestPbx, *numbers: str) -> Site:
    """Make some extensions with their phones, and 1000, and apply the document with the carrier's port."""
    for number in sorted({"1000", *numbers}):
        await pbx.extension(number)
    carrier = await pbx.carrier(frequency=CUSTOMER)
    text = (EXAMPLES / "applications.yaml").read_text(encoding="utf-8")
    text, ports = re.subn(r"port: 5060", f"port: {carrier.port}", text)
    assert ports == 1
    await pbx.apply(re.sub(r"(\w+\.wav)", lambda file: str(EXAMPLES / file[1]), text))
    phones = {}
    for at, number in enumerate(numbers):
        phones[number] = await pbx.phone(number, frequency=440 + 130 * at)
    await pbx.quiet()
    return Site(pbx, phones, carrier)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def no_custom_dialplan(pbx: TestPbx) -> AsyncIterator[None]:
    """Take the guide's files away again, so that other tests do not meet them."""
    yield
    await custom(pbx)


async def test_hotel(pbx: TestPbx) -> None:
    s = await site(pbx, "2003")
    await sounds(pbx)
    await custom(pbx, "guide_hotel.conf")
    room = s.phones["2003"]
    arguments = ("--route", "outside", "--price", "123=4.50", "--guest", "Ada Lovelace")
    later = f"{datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5):%H:%M}"
    async with running(pbx, "hotel.py", *arguments, "--woken", "--later", later) as desk:
        await desk.says("Room 2003 is woken at 06:45")
        await desk.says(f"Room 2003 is woken at {later}")
        with mock.patch.object(pbx.core.clock, "now", side_effect=lambda: time.time() + 300):
            morning = await room.incoming()
            await morning.answer()
            await eventually(lambda: morning.rtp.level > 300, "music")
            await morning.hangup()
            await desk.says("The guest of room 2003 is awake")
        await desk.says("Use the phone of room 2003")
        out = await room.call("95550001")
        customer = await s.carrier.incoming()
        await customer.answer()
        await out.hears(CUSTOMER)
        await out.hangup()
        await desk.says("Room 2003 called 95550001: 0.20 on the bill")

        minibar = await room.call("778")
        await minibar.answered()
        for keys in ("123#", "2#", "1"):
            await minibar.rtp.press(keys)
            # what follows is said digit by digit, and keys in between would be lost
            await silent_for(minibar, 0.7)
        await minibar.hangup()
        await desk.says("Minibar of room 2003, 2 of 123: 9.00 on the bill")

        state = await room.call("777")
        await state.answered()
        await state.rtp.press("*01")
        await desk.says("Room 2003 is clean")
        await desk.says("Room 2003 is free again")
        await desk.ends()
        assert re.search(r"total +9\.20$", str(desk), re.MULTILINE)
    (now,) = (await pbx.client.ok("extension/query", {"number": "2003"}))["extinfos"]
    assert (now["username"], now.get("selectoutroute", "")) == ("2003", "")


async def test_contact_centre(pbx: TestPbx) -> None:
    s = await site(pbx, "1000", "1001", "1002")
    one, two, supervisor = s.phones.values()
    async with running(pbx, "contact_centre.py") as centre:
        await centre.says("Call queue 6700")
        assert "Queue 6700: 0 waiting; 1000 paused, 1001 paused." in centre.printed
        waiting = await s.carrier.call_in("5503330", "12345678")
        await centre.says("12345678 waits")
        agent = await one.incoming()
        assert not two.calls, "who pauses is not rung"
        await agent.answer()
        await waiting.hears(440)
        for way, heard_by in (("listen", ()), ("whisper", (agent,)), ("barge", (agent, waiting))):
            await centre.says(f"1002, pick up to {way}")
            ear = await supervisor.incoming()
            await ear.answer()
            await ear.hears(440, CUSTOMER)
            for call in heard_by:
                await call.hears(700, 440 if call is waiting else CUSTOMER)
            await ear.hangup()
        await centre.says("hang up; customer")
        await agent.hangup()
        await waiting.hears(WELCOME)
        await waiting.rtp.press("4")
        await centre.says("Agent 1000 gets a 4")

        await centre.says("Agent 1000 calls 1001")
        mine = await one.incoming()
        await mine.answer()
        theirs = await two.incoming()
        await theirs.answer()
        await mine.hears(570)
        await centre.says("1001 has answered")
        await mine.hangup()

        await centre.says("Agent 1000 calls 95550001")
        mine = await one.incoming()
        await mine.answer()
        customer = await s.carrier.incoming()
        await customer.answer()
        await mine.hears(CUSTOMER)
        await centre.says("95550001 has answered")
        await mine.hangup()

        await centre.says("Queue 6700 calls 95550001")
        customer = await s.carrier.incoming()
        await customer.answer()
        offered = await two.incoming()
        await offered.answer()
        await customer.hears(570)
        await centre.says("Agent 1001 talks with 95550001")
        await customer.hangup()
        await centre.says("Agent 1001 has signed off")
        await centre.ends()


async def test_dispatch(pbx: TestPbx) -> None:
    s = await site(pbx, "3000", "3001", "3002")
    operator, hall, yard = s.phones.values()
    hall.auto_answer = yard.auto_answer = True
    async with running(pbx, "dispatch.py") as program:
        await program.says("Pick up the phone of 3000")
        mine = await operator.incoming()
        await mine.answer()
        for phone in (hall, yard):
            await (await phone.incoming()).hears(440)
        await program.says("3002 listens")
        await mine.hangup()
        for phone in (hall, yard):
            await (await phone.incoming()).hears(WELCOME)
        await program.says("All of it was heard by 3001, 3002.")
        await program.says("It was stopped.")
        await program.ends()
        assert "Group 6301 Site: paging to 3001,3002." in program.printed
        assert "Group 6301 is deleted." in program.printed
    assert await pbx.client.errno("paginggroup/query", {"number": "6301"}) == "10036"


async def test_dispatch_where_the_number_is_taken(pbx: TestPbx) -> None:
    await site(pbx)
    async with running(pbx, "dispatch.py", "--group", "6700") as program:
        await program.ends(1)
        assert program.printed[-1].startswith("FAILED: paginggroup/add was refused with errno 100")


async def test_a_notification(pbx: TestPbx) -> None:
    s = await site(pbx)
    numbers = ("--numbers", "95550001,95550002", "--pause", "0.1")
    async with running(pbx, "ivr.py", "notify", *numbers) as program:
        away = await s.carrier.incoming()
        await away.refuse(480)
        await program.says("95550001: NO ANSWER")
        there = await s.carrier.incoming()
        await there.answer()
        await there.hears(WELCOME)
        await program.says("95550002 has heard it")
        await program.says("Calling again in 0.1 s: 95550001")
        back = await s.carrier.incoming()
        await back.answer()
        await back.hears(WELCOME)
        await program.says("Everybody has been told.")
        await program.ends()


async def test_a_notification_that_reaches_nobody(pbx: TestPbx) -> None:
    s = await site(pbx)
    s.carrier.auto_refuse = 486
    async with running(pbx, "ivr.py", "notify", "--attempts", "2", "--pause", "0.1") as program:
        await program.ends(1)
        assert program.printed[-1] == "FAILED: not reached in 2 attempts: 95550001"
        assert program.printed.count("95550001: BUSY.") == 2


async def test_a_verification(pbx: TestPbx) -> None:
    s = await site(pbx)
    await sounds(pbx)
    await custom(pbx, "guide_ivr.conf")
    async with running(pbx, "ivr.py", "verify") as program:
        customer = await s.carrier.incoming()
        await customer.answer()
        await program.says("The notice was heard.")
        await customer.rtp.press("1")
        await program.says("The code was asked for.")
        await customer.rtp.press("1234#")
        await program.says("The code is wrong.")
        await program.says("The customer has been asked again.")
        await customer.rtp.press("4711#")
        await program.says("The code is right.")
        await customer.over()
        await program.says("95550001 is verified")
        await program.ends()


async def test_a_verification_that_fails(pbx: TestPbx) -> None:
    s = await site(pbx)
    await sounds(pbx)
    await custom(pbx, "guide_ivr.conf")
    async with running(pbx, "ivr.py", "verify", "--attempts", "1") as program:
        customer = await s.carrier.incoming()
        await customer.answer()
        await program.says("The notice was heard.")
        await customer.rtp.press("1")
        await program.says("The code was asked for.")
        await customer.rtp.press("1234#")
        await customer.over()
        await program.ends(1)
        assert program.printed[-1] == "FAILED: 95550001 keyed in 1 wrong codes"


async def test_a_wrong_password(pbx: TestPbx) -> None:
    async with running(pbx, "hotel.py", "--https", "--password", "wrong") as program:
        await program.ends(1)
        assert program.printed == ["FAILED: login was refused with errno 20003"]
    await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))  # failures in a row are counted
