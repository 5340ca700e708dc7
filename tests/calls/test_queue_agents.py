"""Queues in real calls: agents are announced, and rest after a call (spec 07-queue)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.queue_calls import (
    cast,
    document,
    has_told,
    make_queue,
    members,
    record_of,
    running,
    until,
    wait_in,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_id_of_the_agent_is_announced_to_the_caller(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1, agentid="77")
    await pbx.prompt("idprompt", 1200, 1.5)
    await make_queue(pbx, idannouncement="idprompt")
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(1200)
    await talk.hears(1200)
    await call.hears(620)
    await talk.hears(440)
    await talk.hangup()
    await call.over()
    assert (await record_of(pbx))["callto"] == "6700(1001)"
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
    one, agent = await cast(pbx, 1)
    await pbx.prompt("idprompt", 1200)
    await pbx.prompt("forhim", 1700)
    await make_queue(pbx, idannouncement="idprompt", agentannounce="forhim")
    call = await wait_in(one)
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
    one, agent = await cast(pbx, 1)
    await pbx.prompt("idprompt", 1200, 2)
    await make_queue(pbx, idannouncement="idprompt")
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(1200)
    await (call if who == "caller" else talk).hangup()
    await (talk if who == "caller" else call).over()
    assert (await record_of(pbx))["status"] == "ANSWERED"
    assert not await running(pbx)


async def test_who_is_announced_can_transfer(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    await pbx.prompt("idprompt", 1200, 0.5)
    await make_queue(pbx, idannouncement="idprompt")
    call = await wait_in(one)
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
    assert (await record_of(pbx))["callto"] == "6700(1001)"


async def test_wrap_up_by_hangup(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await make_queue(pbx, wrapuptime=4)
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hangup()
    await call.over()
    ended = loop.time()
    call = await wait_in(one)
    await agent.incoming()
    assert 3.5 < loop.time() - ended < 8
    await call.hangup()


async def test_wrap_up_by_attended_transfer_while_another_caller_waits(pbx: TestPbx) -> None:
    one, agent, other, second = await cast(pbx, 3)
    await make_queue(pbx, wrapuptime=6)
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(440)
    waiting = await wait_in(second)
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
    one, agent, other, second = await cast(pbx, 3)
    first = document(wrapuptime=6)
    await pbx.apply(f"queues: [{first}, {document(6701, agents=[1002])}]")
    await until(pbx, {"1001": "1"})
    await until(pbx, {"1002": "1"}, "6701")
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
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
    assert (await members(pbx))["1001"] == ("1", "1"), "free, and paused by us"
    waiting = await wait_in(second)
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


async def test_who_wraps_up_does_not_make_the_queue_empty(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await make_queue(pbx, joinempty="off", leavewhenempty="on", wrapuptime=4)
    call = await wait_in(one)
    await (await agent.incoming()).answer()
    await call.hears(620)
    await call.hangup()
    await eventually(lambda: agent.calls[0].ended, "the agent is free")
    call = await wait_in(one)
    assert await pbx.core.queue_agents.wrapping_up("6700") == {"1001"}
    await agent.incoming()
    assert call.is_up
    await call.hangup()


@pytest.mark.parametrize(
    "settings", [{"idannouncement": "idprompt"}, {}], ids=["announced", "several phones"]
)
async def test_a_colleague_picks_up_for_an_agent(pbx: TestPbx, settings: dict[str, str]) -> None:
    one, agent, other = await cast(pbx, 2, maxregistrations="2")
    await pbx.prompt("idprompt", 1200, 0.5)
    await make_queue(pbx, **settings)
    call = await wait_in(one)
    ringing = await agent.incoming()
    await has_told(pbx, "1001 Ringing")
    talk = await other.call("*041001")
    await call.hears(750)
    await talk.hears(440)
    await eventually(lambda: ringing.ended, "1001 rings no more")
    await talk.hangup()
    await call.over()
    await pbx.quiet()
    assert "NewCdr 1000 6700(1002) ANSWERED Internal" in steps(pbx.receiver.events)
    assert not await running(pbx)
