"""Queues in real calls: who is rung, in which order, and with which phones (spec 07-queue)."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import Phone, eventually
from tests.support.queue_calls import (
    AGENTS,
    CALLER,
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


async def _answers(pbx: TestPbx, caller: Phone, agents: list[Phone], count: int, queue: str) -> list[str]:
    """Who answers so many calls, one after the other; whoever is rung answers."""
    return [await _answer(pbx, caller, agents, queue) for _ in range(count)]


async def _answer(pbx: TestPbx, caller: Phone, agents: list[Phone], queue: str) -> str:
    before = {agent.number: len(agent.calls) for agent in agents}

    def rung() -> list[Phone]:
        return [agent for agent in agents if len(agent.calls) > before[agent.number]]

    for agent in agents:
        agent.auto_answer = True
    call = await wait_in(caller, queue)
    await eventually(rung, "one is rung")
    (answered,) = rung()
    await call.hears(answered.frequency)
    await call.hangup()
    await eventually(lambda: answered.calls[-1].ended, "the agent is free")
    await until(pbx, {agent.number: "1" for agent in agents}, queue)
    now = int(time.time())
    await eventually(lambda: int(time.time()) > now, "another second: the engine remembers whole ones")
    return answered.number


# The engine remembers what agents of a queue did, so each strategy has a queue of its own.
@pytest.mark.parametrize(
    ("queue", "strategy"),
    [
        ("6711", "Linear"),
        ("6712", "Rrmemory"),
        ("6713", "Least Recent"),
        ("6714", "Fewest Calls"),
        ("6715", "Random"),
    ],
)
async def test_strategy(pbx: TestPbx, queue: str, strategy: str) -> None:
    one, *agents = await cast(pbx, 3)
    queues = document(int(queue), agents="[1003, 1001, 1002]", ringstrategy=strategy)
    await pbx.apply(f"queues: [{queues}]")
    await until(pbx, dict.fromkeys(("1001", "1002", "1003"), "1"), queue)
    answered = await _answers(pbx, one, agents, 10 if strategy == "Random" else 6, queue)
    match strategy:
        case "Least Recent":
            # nobody has had one yet: the first three in any order, then always the one who waits longest
            assert sorted(answered[:3]) == ["1001", "1002", "1003"]
            assert answered[3:] == answered[:3]
        case "Fewest Calls":
            assert sorted(answered[:3]) == sorted(answered[3:]) == ["1001", "1002", "1003"]
        case "Random":
            assert len(set(answered)) > 1
            assert answered != answered[:3] * 3 + answered[:1], "a fixed order"
        case "Linear":
            assert answered == ["1003"] * 6
        case "Rrmemory":
            assert answered == ["1003", "1001", "1002"] * 2


async def test_fewest_calls_prefers_who_has_answered_less(pbx: TestPbx) -> None:
    one, *agents = await cast(pbx, 2)
    queues = document(6716, agents="[1001, 1002]", ringstrategy="Fewest Calls")
    await pbx.apply(f"queues: [{queues}]")
    await until(pbx, dict.fromkeys(("1001", "1002"), "1"), "6716")
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6716", "extnumber": "1002"})
    assert await _answers(pbx, one, agents[:1], 2, "6716") == ["1001"] * 2
    await pbx.client.ok("queue/unpause_agent", {"queuenumber": "6716", "extnumber": "1002"})
    assert await _answers(pbx, one, agents, 2, "6716") == ["1002"] * 2


async def test_linear_goes_on_to_the_next_and_follows_a_changed_order(pbx: TestPbx) -> None:
    one, *agents = await cast(pbx, 3)
    settings = {"ringstrategy": "Linear", "agenttimeout": 1}
    await make_queue(pbx, "1001", "1003", agents="[1003, 1001]", **settings)
    order: list[str] = []

    async def rung(count: int) -> list[str]:
        order.clear()
        seen = {agent.number: len(agent.calls) for agent in agents}
        call = await wait_in(one)

        def look() -> bool:
            for agent in agents:
                if len(agent.calls) > seen[agent.number]:
                    seen[agent.number] += 1
                    order.append(agent.number)
            return len(order) >= count

        await eventually(look, f"{count} are rung, so far {order}", 20)
        await call.hangup()
        await eventually(lambda: all(call.ended for agent in agents for call in agent.calls), "all is quiet")
        await until(pbx, dict.fromkeys(await members(pbx), "1"))
        return list(order)

    assert await rung(3) == ["1003", "1001", "1003"]
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1001,1002,1003"})
    assert await rung(4) == ["1001", "1002", "1003", "1001"]
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1002,1001,1003"})
    assert await rung(4) == ["1002", "1001", "1003", "1002"]


async def test_ring_all_and_who_is_too_late(pbx: TestPbx) -> None:
    one, *agents = await cast(pbx, 3)
    await make_queue(pbx, "1001", "1002", "1003", agents="[1001, 1002, 1003]")
    call = await wait_in(one)
    rings = [await agent.incoming() for agent in agents]
    await rings[1].answer()
    await call.hears(750)
    await rings[0].over()
    await rings[2].over()
    await call.hangup()
    assert (await record_of(pbx))["callto"] == "6700(1002)"


async def test_an_agent_who_does_not_answer_is_tried_again(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await make_queue(pbx, agenttimeout=2, retry=2)
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    first = await agent.incoming()
    begun = loop.time()
    await first.over()
    ended = loop.time()
    assert 1.5 < ended - begun < 3
    await agent.incoming()
    assert 1.5 < loop.time() - ended < 3.5
    await call.hangup()
    assert (await record_of(pbx))["agentringtime"] == "0"


@pytest.mark.parametrize("ringinuse", ["on", "off"])
async def test_ringinuse(pbx: TestPbx, ringinuse: str) -> None:
    one, agent, other = await cast(pbx, 2)
    await make_queue(pbx, ringinuse=ringinuse)
    talk = await agent.call("1002")
    await (await other.incoming()).answer()
    await talk.hears(750)
    await until(pbx, {"1001": "2"})
    call = await wait_in(one)
    if ringinuse == "on":
        await agent.incoming()
    else:
        await asyncio.sleep(3)  # several turns of the queue
        assert len(agent.calls) == 1
        await talk.hangup()
        await agent.incoming()
    await call.hangup()


async def test_an_agent_who_hangs_up_at_once_leaves_the_caller_to_the_others(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    await pbx.prompt("forhim", 1700, 3)
    await make_queue(pbx, "1001", "1002", agents="[1001, 1002]", agentannounce="forhim")
    call = await wait_in(one)
    first, second = await agent.incoming(), await other.incoming()
    await first.answer()
    await first.hears(1700)
    await first.hangup()
    await second.over()
    again = await other.incoming()
    assert call.is_up
    await again.answer()
    await call.hears(750)
    await again.hangup()
    await call.over()
    record = await record_of(pbx)
    assert (record["callto"], record["status"]) == ("6700(1002)", "ANSWERED")


async def test_an_agent_who_answers_and_hangs_up_at_once_ends_the_call_cleanly(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    await pbx.prompt("survey", 1200)
    await make_queue(pbx, "1001", "1002", agents="[1001, 1002]", satisfactionsurvey="survey")
    call = await wait_in(one)
    first, second = await agent.incoming(), await other.incoming()
    await first.answer()
    await first.hangup()
    await second.over()
    await call.hears(1200)
    await call.rtp.press("3")
    await call.over()
    record = await record_of(pbx)
    assert (record["callto"], record["status"]) == ("6700(1001)", "ANSWERED")
    assert pbx.receiver.named("satisfaction")
    assert not await running(pbx)


@pytest.mark.parametrize("held", ["1000", "1001"])
async def test_who_was_held_by_an_application_is_asked_all_the_same(pbx: TestPbx, held: str) -> None:
    one, agent = await cast(pbx, 1)
    await pbx.prompt("survey", 1200)
    await make_queue(pbx, "1001", satisfactionsurvey="survey")
    call = await wait_in(one)
    his = await agent.incoming()
    await his.answer()
    await call.hears(620)
    channel = next(
        member.channelid
        for running_call in pbx.pbx.live.picture.calls.values()
        for member in running_call.members
        if member.number == held
    )
    await pbx.client.ok("call/hold", {"channelid": channel})
    quiet = call if held == "1001" else his
    await eventually(lambda: quiet.rtp.silent, "the two are apart")
    await pbx.client.ok("call/unhold", {"channelid": channel})
    await call.hears(620)
    await his.hears(CALLER)
    await his.hangup()
    await call.hears(1200)
    await call.rtp.press("3")
    await call.over()
    assert pbx.receiver.named("satisfaction")
    record = await record_of(pbx)
    assert (record["callto"], record["status"]) == ("6700(1001)", "ANSWERED")
    assert not await running(pbx)


async def test_an_agent_with_two_phones(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2, maxregistrations="2")
    desk = await pbx.phone("1001", frequency=1330)
    await make_queue(pbx, wrapuptime=3)
    call = await wait_in(one)
    first, second = await agent.incoming(), await desk.incoming()
    await has_told(pbx, "1001 Ringing")
    await second.answer()
    await call.hears(1330)
    await second.hears(CALLER)
    await first.over()
    await until(pbx, {"1001": "2"})
    await second.rtp.press("*3")
    await second.rtp.press("1002")
    third = await other.incoming()
    await third.answer()
    await second.hears(750)
    await second.hangup()
    await call.hears(750)
    assert (await members(pbx))["1001"] == ("1", "1"), "free, and paused by us"
    await third.hangup()
    await call.over()
    await record_of(pbx)
    told = steps(pbx.receiver.events)
    assert told[:6] == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6700",
        "CallStatus 1000 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED/6700, 1001 ANSWER/6700",
        "1001 Busy",
    ]
    assert told[-1] == "NewCdr 1000 6700(1001) ANSWERED Internal"


async def test_an_agent_with_two_phones_does_not_answer(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1, maxregistrations="2")
    desk = await pbx.phone("1001", frequency=1330)
    await make_queue(pbx, agenttimeout=2, maxwaittime=3)
    call = await wait_in(one)
    first, second = await agent.incoming(), await desk.incoming()
    await first.over()
    await second.over()
    await call.over()
    await record_of(pbx)
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6700",
        "CallStatus 1000 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1001 BYE/6700",
        "1001 Registered",
        "CallStatus 1000 BYE/6700",
        "1000 Registered",
        "NewCdr 1000 6700 NO ANSWER Internal",
    ]


async def test_an_agent_is_added_while_a_caller_waits(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    await make_queue(pbx, agenttimeout=2)
    call = await wait_in(one)
    await (await agent.incoming()).over()
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1001,1002"})
    await until(pbx, {"1002": "1"})
    talk = await other.incoming()
    await talk.answer()
    await call.hears(750)
    await call.hangup()
    assert (await record_of(pbx))["callto"] == "6700(1002)"


async def test_an_agent_is_taken_out_while_he_rings(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    await make_queue(pbx, agents="[1001, 1002]", agenttimeout=3, ringstrategy="Linear")
    call = await wait_in(one)
    ring = await agent.incoming()
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1002"})
    await ring.over()
    talk = await other.incoming()
    await talk.answer()
    await call.hears(750)
    assert len(agent.calls) == 1
    await call.hangup()


@pytest.mark.parametrize("way", ["code", "api"])
async def test_an_agent_logs_in_while_a_caller_waits(pbx: TestPbx, way: str) -> None:
    one, agent = await cast(pbx, 1)
    await pbx.apply(f"queues: [{document(agents='[]', retry=3)}]")
    call = await wait_in(one)
    if way == "api":
        await pbx.client.ok("queue/add_dynamicagent", {"queuenumber": "6700", "extnumber": "1001"})
    else:
        login = await agent.call("*756700")
        await login.answered()
        await login.over()
    ring = await agent.incoming()
    await pbx.client.ok("queue/delete_dynamicagent", {"queuenumber": "6700", "extnumber": "1001"})
    assert call.is_up
    await ring.answer()
    await call.hears(620)
    await call.hangup()


async def test_the_strategy_is_changed_while_a_caller_waits(pbx: TestPbx) -> None:
    one, first, second, other = await cast(pbx, 3)
    settings = {"agents": "[1002, 1001]", "agenttimeout": 2}
    await make_queue(pbx, "1001", "1002", **settings)
    waiting = await wait_in(one)
    await (await first.incoming()).over()
    await pbx.client.ok("queue/update", {"number": "6700", "ringstrategy": "Linear"})
    await until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    second.auto_answer = True
    await waiting.hears(AGENTS[1])  # who has waited before is served as before
    await waiting.hangup()
    await until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    rung = len(first.calls)
    for _ in range(3):
        call = await wait_in(other)
        await call.hears(AGENTS[1])
        await call.hangup()
        await until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    assert len(first.calls) == rung, "the first of the list is always tried before the others"
