"""Queues in real calls: every setting does what it promises (spec 07-queue)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.asterisk.ami import actions
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER = 440
AGENTS = (620, 750, 910)
"""Frequencies of the phones, in Hz."""


async def _cast(pbx: TestPbx, count: int = 2, **fields: str) -> list[Phone]:
    """A caller, extension 1000, and so many agents from 1001 on; `fields` are the agents' settings."""
    phones = []
    for at, frequency in enumerate((CALLER, *AGENTS)[: count + 1]):
        number = str(1000 + at)
        await pbx.extension(number, **(fields if at else {}))
        phones.append(await pbx.phone(number, frequency=frequency))
    return phones


def _document(number: int = 6700, /, **settings: object) -> str:
    plain = {
        "number": number,
        "queuename": "Support",
        "agents": [1001],
        "announcepos": "off",
        "announceholdtime": "off",
        "wrapuptime": 0,
        "retry": 1,
        **settings,
    }
    return "{" + ", ".join(f"{name}: {value}" for name, value in plain.items()) + "}"


async def _members(pbx: TestPbx, queue: str = "6700") -> dict[str, tuple[str, str]]:
    """The agents as the engine knows them: their device's state (1: free) and whether they are paused."""
    items = await pbx.pbx.switch.items(actions.QueueStatus(queue=queue))
    members = (item for item in items if item.get("Event") == "QueueMember")
    return {one.get("Name", ""): (one.get("Status", ""), one.get("Paused", "")) for one in members}


async def _until(pbx: TestPbx, agents: dict[str, str], queue: str = "6700") -> None:
    """Wait until the engine has found the agents' phones in these states."""
    async with asyncio.timeout(12):
        while True:
            found = await _members(pbx, queue)
            if all(found.get(number, ("", ""))[0] == state for number, state in agents.items()):
                return
            await asyncio.sleep(0.05)


async def _queue(pbx: TestPbx, *free: str, **settings: object) -> None:
    """Make queue 6700 and wait until the phones of the agents `free` are known to be."""
    await pbx.apply(f"queues: [{_document(**settings)}]")
    await _until(pbx, dict.fromkeys(free or ("1001",), "1"))
    await pbx.quiet()
    pbx.receiver.clear()


async def _told(pbx: TestPbx, step: str, seconds: float = 8.0) -> None:
    await eventually(
        lambda: step in steps(pbx.receiver.events), f"{step} in {steps(pbx.receiver.events)}", seconds
    )


async def _waiting(phone: Phone, queue: str = "6700") -> Call:
    """A call that has entered the queue."""
    call = await phone.call(queue)
    await call.answered()
    return call


async def _running(pbx: TestPbx) -> list[str]:
    """The channels that are up."""
    return [one.get("Channel", "") for one in await pbx.pbx.switch.items(actions.CoreShowChannels())]


async def _record(pbx: TestPbx) -> dict[str, Any]:
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 15)
    await pbx.quiet()
    (record,) = pbx.receiver.named("NewCdr")
    return dict(record)


async def test_the_id_of_the_agent_is_announced_to_the_caller(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1, agentid="77")
    await pbx.prompt("idprompt", 1200, 1.5)
    await _queue(pbx, idannouncement="idprompt")
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(1200)
    await talk.hears(1200)
    await call.hears(620)
    await talk.hears(440)
    await talk.hangup()
    await call.over()
    assert (await _record(pbx))["callto"] == "6700(1001)"
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6700",
        "CallStatus 1000 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED/6700, 1001 ANSWER/6700",
        "1001 Busy",
        "CallStatus 1001 BYE/6700",
        "CallStatus 1000 BYE/6700",
        "1001 Registered",
        "1000 Registered",
        "NewCdr 1000 6700(1001) ANSWERED Internal",
    ]


async def test_the_agent_hears_his_announcement_before_his_id_is_told(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await pbx.prompt("idprompt", 1200)
    await pbx.prompt("forhim", 1700)
    await _queue(pbx, idannouncement="idprompt", agentannounce="forhim")
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await talk.hears(1700)
    assert not call.rtp.hears(1200)
    await call.hears(1200)
    await call.hears(620)
    await talk.hears(440)
    await call.hangup()
    await talk.over()


@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_who_hangs_up_while_the_id_is_told(pbx: TestPbx, who: str) -> None:
    one, agent = await _cast(pbx, 1)
    await pbx.prompt("idprompt", 1200, 2)
    await _queue(pbx, idannouncement="idprompt")
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(1200)
    await (call if who == "caller" else talk).hangup()
    await (talk if who == "caller" else call).over()
    assert (await _record(pbx))["status"] == "ANSWERED"
    assert not await _running(pbx)


async def test_who_is_announced_can_transfer(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2)
    await pbx.prompt("idprompt", 1200, 0.5)
    await _queue(pbx, idannouncement="idprompt")
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(440)
    await talk.rtp.press("*03")
    await talk.rtp.press("1002")
    third = await other.incoming()
    await third.answer()
    await call.hears(750)
    await third.hears(440)
    await third.hangup()
    await call.over()
    assert (await _record(pbx))["callto"] == "6700(1001)"


async def test_wrap_up_by_hangup(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx, wrapuptime=4)
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hangup()
    await call.over()
    ended = loop.time()
    call = await _waiting(one)
    await agent.incoming()
    assert 3.5 < loop.time() - ended < 8
    await call.hangup()


async def test_wrap_up_by_attended_transfer_while_another_caller_waits(pbx: TestPbx) -> None:
    one, agent, other, second = await _cast(pbx, 3)
    await _queue(pbx, wrapuptime=6)
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(440)
    waiting = await _waiting(second)
    await talk.rtp.press("*3")
    await talk.rtp.press("1002")
    third = await other.incoming()
    await third.answer()
    await talk.hears(750)
    await talk.hangup()
    ended = loop.time()
    await call.hears(750)
    #     assert await pbx.core.queue_agents.wrapping_up("6700") == {"1001"}
    next_one = await agent.incoming()
    assert 5.5 < loop.time() - ended < 11
    assert await pbx.core.queue_agents.wrapping_up("6700") == frozenset()
    await next_one.answer()
    await waiting.hears(620)
    await waiting.hangup()
    await call.hangup()


async def test_wrap_up_by_attended_transfer_into_another_queue(pbx: TestPbx) -> None:
    one, agent, other, second = await _cast(pbx, 3)
    first = _document(wrapuptime=6)
    await pbx.apply(f"queues: [{first}, {_document(6701, agents=[1002])}]")
    await _until(pbx, {"1001": "1"})
    await _until(pbx, {"1002": "1"}, "6701")
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(440)
    await talk.rtp.press("*3")
    await talk.rtp.press("6701")
    third = await other.incoming()
    await third.answer()
    await talk.hears(750)
    await talk.hangup()
    await call.hears(750)
    ended = loop.time()
    assert (await _members(pbx))["1001"] == ("1", "1"), "free, and paused by us"
    waiting = await _waiting(second)
    next_one = await agent.incoming()
    assert 5.5 < loop.time() - ended < 11
    await next_one.answer()
    await waiting.hears(620)
    await waiting.hangup()
    await call.hangup()
    await pbx.quiet()
    assert sorted((c["callfrom"], c["callto"]) for c in pbx.receiver.named("NewCdr")) == [
        ("1000", "6700(1001)"),
        ("1003", "6700(1001)"),
    ]
