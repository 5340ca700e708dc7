"""Queues in real calls: every setting does what it promises (spec 07-queue)."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

import pytest

from offhook.areas.queues.engine import names_of
from offhook.asterisk.ami import actions
from tests.support.pbx import TestPbx, steps, tone_file
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
    found = await pbx.client.ok("queue/query", {"number": queue})
    name = names_of(queue)[found["queues"][0]["ringstrategy"] == "Linear"]
    items = await pbx.pbx.switch.items(actions.QueueStatus(queue=name))
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


def _rung_since(agents: list[Phone], before: dict[str, int]) -> bool:
    return any(len(one.calls) > before[one.number] for one in agents)


def _is_past(second: int) -> bool:
    return int(time.time()) > second


async def _answers(pbx: TestPbx, caller: Phone, agents: list[Phone], count: int, queue: str) -> list[str]:
    """Who answers so many calls, one after the other; whoever is rung answers."""
    answered: list[str] = []
    for agent in agents:
        agent.auto_answer = True
    for _ in range(count):
        before = {agent.number: len(agent.calls) for agent in agents}
        call = await _waiting(caller, queue)
        await eventually(functools.partial(_rung_since, agents, before), "one is rung")
        (rung,) = [one for one in agents if len(one.calls) > before[one.number]]
        await call.hears(rung.frequency)
        answered.append(rung.number)
        await call.hangup()
        await eventually(functools.partial(getattr, rung.calls[-1], "ended"), "the agent is free")
        await _until(pbx, {agent.number: "1" for agent in agents}, queue)
        now = int(time.time())  # the engine remembers whole seconds
        await eventually(functools.partial(_is_past, now), "another second")
    return answered


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
    one, *agents = await _cast(pbx, 3)
    document = _document(int(queue), agents="[1003, 1001, 1002]", ringstrategy=strategy)
    await pbx.apply(f"queues: [{document}]")
    await _until(pbx, dict.fromkeys(("1001", "1002", "1003"), "1"), queue)
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
    one, *agents = await _cast(pbx, 2)
    document = _document(6716, agents="[1001, 1002]", ringstrategy="Fewest Calls")
    await pbx.apply(f"queues: [{document}]")
    await _until(pbx, dict.fromkeys(("1001", "1002"), "1"), "6716")
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6716", "extnumber": "1002"})
    assert await _answers(pbx, one, agents[:1], 2, "6716") == ["1001"] * 2
    await pbx.client.ok("queue/unpause_agent", {"queuenumber": "6716", "extnumber": "1002"})
    assert await _answers(pbx, one, agents, 2, "6716") == ["1002"] * 2


async def test_linear_goes_on_to_the_next_and_follows_a_changed_order(pbx: TestPbx) -> None:
    one, *agents = await _cast(pbx, 3)
    settings = {"ringstrategy": "Linear", "agenttimeout": 1}
    await _queue(pbx, "1001", "1003", agents="[1003, 1001]", **settings)
    order: list[str] = []

    async def rung(count: int) -> list[str]:
        order.clear()
        seen = {agent.number: len(agent.calls) for agent in agents}
        call = await _waiting(one)

        def look() -> bool:
            for agent in agents:
                if len(agent.calls) > seen[agent.number]:
                    seen[agent.number] += 1
                    order.append(agent.number)
            return len(order) >= count

        await eventually(look, f"{count} are rung, so far {order}", 20)
        await call.hangup()
        await eventually(lambda: all(call.ended for agent in agents for call in agent.calls), "all is quiet")
        await _until(pbx, dict.fromkeys(await _members(pbx), "1"))
        return list(order)

    assert await rung(3) == ["1003", "1001", "1003"]
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1001,1002,1003"})
    assert await rung(4) == ["1001", "1002", "1003", "1001"]
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1002,1001,1003"})
    assert await rung(4) == ["1002", "1001", "1003", "1002"]


async def test_ring_all_and_who_is_too_late(pbx: TestPbx) -> None:
    one, *agents = await _cast(pbx, 3)
    await _queue(pbx, "1001", "1002", "1003", agents="[1001, 1002, 1003]")
    call = await _waiting(one)
    rings = [await agent.incoming() for agent in agents]
    await rings[1].answer()
    await call.hears(750)
    await rings[0].over()
    await rings[2].over()
    await call.hangup()
    assert (await _record(pbx))["callto"] == "6700(1002)"


async def test_an_agent_who_does_not_answer_is_tried_again(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx, agenttimeout=2, retry=2)
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    first = await agent.incoming()
    begun = loop.time()
    await first.over()
    ended = loop.time()
    assert 1.5 < ended - begun < 3
    await agent.incoming()
    assert 1.5 < loop.time() - ended < 3.5
    await call.hangup()
    assert (await _record(pbx))["agentringtime"] == "0"


@pytest.mark.parametrize("ringinuse", ["on", "off"])
async def test_ringinuse(pbx: TestPbx, ringinuse: str) -> None:
    one, agent, other = await _cast(pbx, 2)
    await _queue(pbx, ringinuse=ringinuse)
    talk = await agent.call("1002")
    await (await other.incoming()).answer()
    await talk.hears(750)
    await _until(pbx, {"1001": "2"})
    call = await _waiting(one)
    if ringinuse == "on":
        await agent.incoming()
    else:
        await asyncio.sleep(3)  # several turns of the queue
        assert len(agent.calls) == 1
        await talk.hangup()
        await agent.incoming()
    await call.hangup()


@pytest.mark.parametrize("away", ["unregistered", "paused", "dnd"])
async def test_joinempty_off(pbx: TestPbx, away: str) -> None:
    one, agent, other = await _cast(pbx, 2)
    other.auto_answer = True
    await _queue(pbx, joinempty="off", failoveraction="Extension", failoverdest="1002")
    call = await _waiting(one)
    ring = await agent.incoming()
    await call.hangup()
    await ring.over()
    await _away(pbx, agent, away)
    call = await _waiting(one)
    await call.hears(750)
    assert len(agent.calls) == 1
    await call.hangup()
    await pbx.quiet()
    assert [one["callto"] for one in pbx.receiver.named("NewCdr")] == ["6700", "6700(1002)"]


async def _away(pbx: TestPbx, agent: Phone, how: str) -> None:
    match how:
        case "unregistered":
            assert await agent.register(0) == 200
            await _until(pbx, {agent.number: "5"})
        case "paused":
            await pbx.client.ok("queue/pause_agent", {"queuenumber": "6700", "extnumber": agent.number})
        case "dnd":
            await pbx.client.ok("extension/update", {"number": agent.number, "dnd": "on"})


@pytest.mark.parametrize("away", ["unregistered", "paused", "dnd"])
async def test_joinempty_on_lets_callers_wait(pbx: TestPbx, away: str) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx)
    await _away(pbx, agent, away)
    call = await _waiting(one)
    await asyncio.sleep(2.5)
    assert call.is_up
    assert not agent.calls
    if away == "unregistered":
        await agent.register()
    elif away == "paused":
        await pbx.client.ok("queue/unpause_agent", {"queuenumber": "6700", "extnumber": "1001"})
    else:
        await pbx.client.ok("extension/update", {"number": "1001", "dnd": "off"})
    await agent.incoming()
    await call.hangup()


@pytest.mark.parametrize("away", ["unregistered", "paused", "dnd"])
async def test_leavewhenempty(pbx: TestPbx, away: str) -> None:
    one, agent, other = await _cast(pbx, 2)
    other.auto_answer = True
    settings = {"agenttimeout": 1, "failoveraction": "Extension", "failoverdest": "1002"}
    await _queue(pbx, **settings)
    call = await _waiting(one)
    await agent.incoming()
    await pbx.client.ok("queue/update", {"number": "6700", "leavewhenempty": "on"})
    await _away(pbx, agent, away)
    await call.hears(750)
    await call.hangup()


async def test_who_wraps_up_does_not_make_the_queue_empty(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx, joinempty="off", leavewhenempty="on", wrapuptime=4)
    call = await _waiting(one)
    await (await agent.incoming()).answer()
    await call.hears(620)
    await call.hangup()
    await eventually(lambda: agent.calls[0].ended, "the agent is free")
    call = await _waiting(one)
    assert await pbx.core.queue_agents.wrapping_up("6700") == {"1001"}
    await agent.incoming()
    assert call.is_up
    await call.hangup()


async def test_maxwaittime(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2)
    settings = {"maxwaittime": 4, "retry": 20, "agenttimeout": 1}
    await _queue(pbx, **settings, failoveraction="Extension", failoverdest="1002")
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    begun = loop.time()
    ring = await agent.incoming()
    await ring.over()
    reached = await other.incoming()
    assert 3.5 < loop.time() - begun < 7
    await reached.answer()
    await call.hears(750)
    await call.hangup()
    assert (await _record(pbx))["agentringtime"] == "0", "who answers for the queue is no agent"
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6700",
        "CallStatus 1000 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1001 BYE/6700",
        "1001 Registered",
        "CallStatus 1000 ANSWERED/6700, 1002 RING/6700",
        "1002 Ringing",
        "CallStatus 1000 ANSWERED/6700, 1002 ANSWER/6700",
        "1002 Busy",
        "CallStatus 1000 BYE/6700",
        "CallStatus 1002 BYE/6700",
        "1000 Registered",
        "1002 Registered",
        "NewCdr 1000 6700(1002) ANSWERED Internal",
    ]


async def test_maxwaittime_while_an_agent_rings(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx, maxwaittime=3, agenttimeout=30)
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    begun = loop.time()
    ring = await agent.incoming()
    await call.over()
    assert 2.5 < loop.time() - begun < 5
    await ring.over()
    record = await _record(pbx)
    assert (record["status"], record["callto"], record["agentringtime"]) == ("NO ANSWER", "6700", "0")


async def test_a_talk_is_not_bounded_by_maxwaittime(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _queue(pbx, maxwaittime=2)
    call = await _waiting(one)
    await (await agent.incoming()).answer()
    await call.hears(620)
    await asyncio.sleep(3.5)
    assert call.is_up
    await call.hangup()


DESTINATIONS = {
    "Hang up": ("", ""),
    "Extension": ("1002", "6700(1002)"),
    "Voicemail": ("1002", "6700"),
    "IVR": ("6500", "6500"),
    "Ring Group": ("6200", "6200(1002)"),
    "Queue": ("6701", "6701(1002)"),
    "Conference": ("6400", "6400"),
}
"""Where a queue can send its callers (dialling by name and fax: test_groups_and_ivrs, test_destinations), and
callto of the record."""


@pytest.mark.parametrize("action", DESTINATIONS)
@pytest.mark.parametrize("way", ["failover", "breakout"])
async def test_where_a_queue_sends_its_callers(pbx: TestPbx, way: str, action: str) -> None:
    one, agent, other = await _cast(pbx, 2)
    other.auto_answer = True
    await pbx.prompt("menu", 1200)
    dest, callto = DESTINATIONS[action]
    settings: dict[str, object] = {f"{way}action": action, **({f"{way}dest": dest} if dest else {})}
    settings |= {"maxwaittime": 2} if way == "failover" else {"breakoutkey": "'*'"}
    await pbx.apply(
        f"queues: [{_document(**settings)}, {_document(6701, agents=[1002])}]\n"
        "ivrs: [{number: 6500, ivrname: Menu, prompt: menu, dialext: off}]\n"
        "ringgroups: [{number: 6200, name: Group, members: [1002]}]\n"
        "conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]"
    )
    await _until(pbx, {"1001": "1"})
    await _until(pbx, {"1002": "1"}, "6701")
    await pbx.quiet()
    pbx.receiver.clear()
    call = await _waiting(one)
    await agent.incoming()
    if way == "breakout":
        await call.rtp.press("*")
    match action:
        case "Hang up":
            await call.over()
        case "Voicemail":
            await _told(pbx, "CallStatus 1001 BYE/6700")
            await call.rtp.press("#")  # the greeting is skipped
            await asyncio.sleep(2.5)  # a message
            await call.hangup()
        case "IVR":
            await call.hears(1200)
            await call.hangup()
        case "Conference":
            await _told(pbx, "CallStatus 1000 ANSWERED/6400")
            await call.hangup()
        case _:
            await call.hears(750)
            await call.hangup()
    record = await _record(pbx)
    assert record["callto"] == (callto or "6700")
    assert action == "Queue" or record["agentringtime"] == "0"
    assert action != "Voicemail" or record["status"] == "VOICEMAIL"
    assert not pbx.receiver.named("CallFailed")


MUSIC = 1900


async def _music(pbx: TestPbx) -> None:
    """A music on hold that is a tone."""
    await pbx.admin("PUT", "/musiconhold/tones/one", tone_file(MUSIC, 5), status=201)


async def test_music_and_the_announcement_on_joining(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("welcome", 1200)
    await _queue(pbx, musiconhold="tones", joinannounce="welcome")
    call = await _waiting(one)
    await call.hears(1200)
    assert not agent.calls, "the queue is entered after it"
    await call.hears(MUSIC)
    await agent.incoming()
    await call.hears(MUSIC)
    await call.hangup()


async def test_the_agent_hears_his_announcement(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("forhim", 1700)
    await _queue(pbx, musiconhold="tones", agentannounce="forhim")
    call = await _waiting(one)
    talk = await agent.incoming()
    await talk.answer()
    await talk.hears(1700)
    await talk.hears(CALLER)
    await call.hears(620)
    await call.hangup()
    assert (await _record(pbx))["callto"] == "6700(1001)"


async def test_an_agent_who_hangs_up_at_once_leaves_the_caller_to_the_others(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2)
    await pbx.prompt("forhim", 1700, 3)
    await _queue(pbx, "1001", "1002", agents="[1001, 1002]", agentannounce="forhim")
    call = await _waiting(one)
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
    record = await _record(pbx)
    assert (record["callto"], record["status"]) == ("6700(1002)", "ANSWERED")


async def test_an_agent_who_answers_and_hangs_up_at_once_ends_the_call_cleanly(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2)
    await pbx.prompt("survey", 1200)
    await _queue(pbx, "1001", "1002", agents="[1001, 1002]", satisfactionsurvey="survey")
    call = await _waiting(one)
    first, second = await agent.incoming(), await other.incoming()
    await first.answer()
    await first.hangup()
    await second.over()
    await call.hears(1200)
    await call.rtp.press("3")
    await call.over()
    record = await _record(pbx)
    assert (record["callto"], record["status"]) == ("6700(1001)", "ANSWERED")
    assert pbx.receiver.named("satisfaction")
    assert not await _running(pbx)


async def _speaks(call: Call, seconds: float = 20) -> None:
    """Wait until something else than the music is heard, and then the music again."""

    def spoken() -> bool:
        return call.rtp.packets > 25 and not call.rtp.silent and not call.rtp.hears(MUSIC)

    await eventually(spoken, "an announcement", seconds)
    await eventually(lambda: call.rtp.hears(MUSIC), "the music again", 15)


async def test_the_position_is_announced(pbx: TestPbx) -> None:
    one, agent, second = await _cast(pbx, 2)
    await _music(pbx)
    await _queue(pbx, musiconhold="tones", announcepos="on", announcefreq=15)
    first = await _waiting(one)
    await (await agent.incoming()).answer()
    await first.hears(620)
    waiting = await _waiting(second)
    await waiting.hears(MUSIC)
    third = await _waiting(one)
    await third.hears(MUSIC)
    await _speaks(third)  # as soon as he has entered
    await _speaks(waiting)  # who is next
    for call in (first, waiting, third):
        await call.hangup()


async def test_no_position_is_announced(pbx: TestPbx) -> None:
    one, agent, second = await _cast(pbx, 2)
    await _music(pbx)
    await _queue(pbx, musiconhold="tones", announcefreq=15)
    first = await _waiting(one)
    await (await agent.incoming()).answer()
    await first.hears(620)
    waiting = await _waiting(second)
    third = await _waiting(one)
    await third.hears(MUSIC)
    with pytest.raises(TimeoutError):
        await _speaks(third, 5)
    await waiting.hangup()
    await third.hangup()
    await first.hangup()


async def test_the_periodic_announcement(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("patience", 1200, 2)
    settings = {"userannounce": "patience", "userannouncefreq": 15, "agenttimeout": 2}
    await _queue(pbx, musiconhold="tones", **settings)
    loop = asyncio.get_running_loop()
    call = await _waiting(one)
    await call.hears(MUSIC)
    begun = loop.time()
    await eventually(lambda: call.rtp.hears(1200), "the announcement", 22)
    assert loop.time() - begun > 12
    await call.hears(MUSIC)
    agent.auto_answer = True
    await call.hears(620)
    await call.hangup()


async def test_the_only_caller_hears_his_position_between_the_tries(pbx: TestPbx) -> None:
    one, agent = await _cast(pbx, 1)
    await _music(pbx)
    await _queue(pbx, musiconhold="tones", announcepos="on", announcefreq=15, agenttimeout=2)
    call = await _waiting(one)
    await call.hears(MUSIC)
    await (await agent.incoming()).over()
    await _speaks(call)
    await call.hangup()


async def test_an_agent_with_two_phones(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2, maxregistrations="2")
    desk = await pbx.phone("1001", frequency=1330)
    await _queue(pbx, wrapuptime=3)
    call = await _waiting(one)
    first, second = await agent.incoming(), await desk.incoming()
    await _told(pbx, "1001 Ringing")
    await second.answer()
    await call.hears(1330)
    await second.hears(CALLER)
    await first.over()
    await _until(pbx, {"1001": "2"})
    await second.rtp.press("*3")
    await second.rtp.press("1002")
    third = await other.incoming()
    await third.answer()
    await second.hears(750)
    await second.hangup()
    await call.hears(750)
    assert (await _members(pbx))["1001"] == ("1", "1"), "free, and paused by us"
    await third.hangup()
    await call.over()
    await _record(pbx)
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
    one, agent = await _cast(pbx, 1, maxregistrations="2")
    desk = await pbx.phone("1001", frequency=1330)
    await _queue(pbx, agenttimeout=2, maxwaittime=3)
    call = await _waiting(one)
    first, second = await agent.incoming(), await desk.incoming()
    await first.over()
    await second.over()
    await call.over()
    await _record(pbx)
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
    one, agent, other = await _cast(pbx, 2)
    await _queue(pbx, agenttimeout=2)
    call = await _waiting(one)
    await (await agent.incoming()).over()
    await pbx.client.ok("queue/update", {"number": "6700", "agents": "1001,1002"})
    await _until(pbx, {"1002": "1"})
    talk = await other.incoming()
    await talk.answer()
    await call.hears(750)
    await call.hangup()
    assert (await _record(pbx))["callto"] == "6700(1002)"


async def test_an_agent_is_taken_out_while_he_rings(pbx: TestPbx) -> None:
    one, agent, other = await _cast(pbx, 2)
    await _queue(pbx, agents="[1001, 1002]", agenttimeout=3, ringstrategy="Linear")
    call = await _waiting(one)
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
    one, agent = await _cast(pbx, 1)
    await pbx.apply(f"queues: [{_document(agents='[]', retry=3)}]")
    call = await _waiting(one)
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
    one, first, second, other = await _cast(pbx, 3)
    settings = {"agents": "[1002, 1001]", "agenttimeout": 2}
    await _queue(pbx, "1001", "1002", **settings)
    waiting = await _waiting(one)
    await (await first.incoming()).over()
    await pbx.client.ok("queue/update", {"number": "6700", "ringstrategy": "Linear"})
    await _until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    second.auto_answer = True
    await waiting.hears(AGENTS[1])  # who has waited before is served as before
    await waiting.hangup()
    await _until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    rung = len(first.calls)
    for _ in range(3):
        call = await _waiting(other)
        await call.hears(AGENTS[1])
        await call.hangup()
        await _until(pbx, dict.fromkeys(("1001", "1002"), "1"))
    assert len(first.calls) == rung, "the first of the list is always tried before the others"
