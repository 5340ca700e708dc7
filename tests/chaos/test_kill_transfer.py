"""The control plane is killed in the middle of a transfer by keys, and all is told as if it had not been."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.support.pbx import STRONG, Receiver, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.process import up_process

pytestmark = pytest.mark.asyncio


async def _slowly(call: Call, digits: str) -> None:
    """Type so slowly that a process can start meanwhile; the engine waits three seconds for each."""
    for digit in digits:
        await asyncio.sleep(1.5)
        await call.rtp.press(digit)


async def test_killed_while_a_number_is_typed_and_after_the_change_over() -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        await receiver.start()
        stack.push_async_callback(receiver.close)
        up = await stack.enter_async_context(up_process())
        await up.start()
        client = await up.client()
        stack.push_async_callback(client.close)
        await client.login(version="2.0.0", port=str(receiver.port))
        phones = []
        for at, number in enumerate(("1000", "1001", "1002")):
            body = {"number": number, "username": number, "registername": number}
            await client.ok("extension/add", {**body, "registerpassword": STRONG})
            phone = Phone(number, STRONG, ("127.0.0.1", up.sip_port), frequency=440 + 130 * at)
            phones.append(await stack.enter_async_context(phone))
            assert await phone.register() == 200

        async def told(*expected: str) -> None:
            try:
                await eventually(lambda: set(expected) <= set(steps(receiver.events)), "it is told", 15)
            except TimeoutError:
                raise AssertionError(f"expected {expected}, told {steps(receiver.events)}") from None

        call = await phones[0].call("1001")
        talk = await phones[1].incoming()
        await talk.answer()
        await call.hears(570)
        await told("1001 Busy")
        await talk.rtp.press("*3")
        await told("CallStatus 1000 HOLD, 1001 ANSWER")
        await talk.rtp.press("1")

        await up.kill()
        receiver.clear()
        await asyncio.gather(up.start(), _slowly(talk, "002"))
        last = await phones[2].incoming()
        await told("CallStatus 1001 ALERT, 1002 RING", "1002 Ringing")
        await last.answer()
        await told("CallStatus 1001 ANSWERED, 1002 ANSWER", "1002 Busy")
        await talk.hears(700)
        await talk.rtp.press("*4")
        await told("CallStatus 1000 ANSWERED, 1001 ANSWERED, 1002 HOLD")

        await up.kill()
        receiver.clear()
        await up.start()
        await talk.rtp.press("*4")
        await told("CallStatus 1000 HOLD, 1001 ANSWERED, 1002 ANSWER")
        await talk.hears(700)
        await talk.hangup()
        await told("CallStatus 1001 BYE", "CallStatus 1000 ANSWERED, 1002 ANSWER")
        await call.hears(700)
        await call.hangup()
        await told("NewCdr 1000 1001 ANSWERED Internal")
        assert steps(receiver.events) == [
            "CallStatus 1000 HOLD, 1001 ANSWERED, 1002 ANSWER",
            "CallStatus 1001 BYE",
            "1001 Registered",
            "CallStatus 1000 ANSWERED, 1002 ANSWER",
            "CallStatus 1000 BYE",
            "CallStatus 1002 BYE",
            "1000 Registered",
            "1002 Registered",
            "NewCdr 1000 1001 ANSWERED Internal",
        ]
