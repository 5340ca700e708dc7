"""Queues in real calls: who may wait, for how long, what he hears, where he goes (spec 07-queue)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx, steps, tone_file
from tests.support.phone import Call, Phone, eventually
from tests.support.queue_calls import (
    CALLER,
    cast,
    document,
    has_told,
    make_queue,
    record_of,
    until,
    wait_in,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("away", ["unregistered", "paused", "dnd"])
async def test_joinempty_off(pbx: TestPbx, away: str) -> None:
    one, agent, other = await cast(pbx, 2)
    other.auto_answer = True
    await make_queue(pbx, joinempty="off", failoveraction="Extension", failoverdest="1002")
    call = await wait_in(one)
    ring = await agent.incoming()
    await call.hangup()
    await ring.over()
    await _away(pbx, agent, away)
    call = await wait_in(one)
    await call.hears(750)
    assert len(agent.calls) == 1
    await call.hangup()
    await pbx.quiet()
    assert [one["callto"] for one in pbx.receiver.named("NewCdr")] == ["6700", "6700(1002)"]


async def _away(pbx: TestPbx, agent: Phone, how: str) -> None:
    match how:
        case "unregistered":
            assert await agent.register(0) == 200
            await until(pbx, {agent.number: "5"})
        case "paused":
            await pbx.client.ok("queue/pause_agent", {"queuenumber": "6700", "extnumber": agent.number})
        case "dnd":
            await pbx.client.ok("extension/update", {"number": agent.number, "dnd": "on"})


@pytest.mark.parametrize("away", ["unregistered", "paused", "dnd"])
async def test_joinempty_on_lets_callers_wait(pbx: TestPbx, away: str) -> None:
    one, agent = await cast(pbx, 1)
    await make_queue(pbx)
    await _away(pbx, agent, away)
    call = await wait_in(one)
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
    one, agent, other = await cast(pbx, 2)
    other.auto_answer = True
    settings = {"agenttimeout": 1, "failoveraction": "Extension", "failoverdest": "1002"}
    await make_queue(pbx, **settings)
    call = await wait_in(one)
    await agent.incoming()
    await pbx.client.ok("queue/update", {"number": "6700", "leavewhenempty": "on"})
    await _away(pbx, agent, away)
    await call.hears(750)
    await call.hangup()


async def test_maxwaittime(pbx: TestPbx) -> None:
    one, agent, other = await cast(pbx, 2)
    settings = {"maxwaittime": 4, "retry": 20, "agenttimeout": 1}
    await make_queue(pbx, **settings, failoveraction="Extension", failoverdest="1002")
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    begun = loop.time()
    ring = await agent.incoming()
    await ring.over()
    reached = await other.incoming()
    assert 3.5 < loop.time() - begun < 7
    await reached.answer()
    await call.hears(750)
    await call.hangup()
    assert (await record_of(pbx))["agentringtime"] == "0", "who answers for the queue is no agent"
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
    one, agent = await cast(pbx, 1)
    await make_queue(pbx, maxwaittime=3, agenttimeout=30)
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    begun = loop.time()
    ring = await agent.incoming()
    await call.over()
    assert 2.5 < loop.time() - begun < 5
    await ring.over()
    record = await record_of(pbx)
    assert (record["status"], record["callto"], record["agentringtime"]) == ("NO ANSWER", "6700", "0")


async def test_a_talk_is_not_bounded_by_maxwaittime(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await make_queue(pbx, maxwaittime=2)
    call = await wait_in(one)
    await (await agent.incoming()).answer()
    await call.hears(620)
    await asyncio.sleep(3.5)
    assert call.is_up
    await call.hangup()


async def test_an_agent_who_hears_his_announcement_is_not_too_late(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await pbx.prompt("forhim", 1700, 5)
    await make_queue(pbx, maxwaittime=3, agentannounce="forhim")
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await talk.hears(1700)
    await call.hears(620)
    await call.hangup()


DESTINATIONS = {
    "Hang up": ("", ""),
    "Extension": ("1002", "6700(1002)"),
    "Voicemail": ("1002", "6700"),
    "IVR": ("6500", "6500"),
    "Ring Group": ("6200", "6200(1002)"),
    "Queue": ("6701", "6701(1002)"),
    "Conference": ("6400", "6400"),
    "Fax to Email": ("1002", "6700"),
}
"""Where a queue can send its callers (dialling by name: test_ivrs), and callto of the record."""


@pytest.mark.parametrize("action", DESTINATIONS)
@pytest.mark.parametrize("way", ["failover", "breakout"])
async def test_where_a_queue_sends_its_callers(pbx: TestPbx, way: str, action: str) -> None:
    one, agent, other = await cast(pbx, 2)
    other.auto_answer = True
    await pbx.prompt("menu", 1200)
    dest, callto = DESTINATIONS[action]
    settings: dict[str, object] = {f"{way}action": action, **({f"{way}dest": dest} if dest else {})}
    settings |= {"maxwaittime": 2} if way == "failover" else {"breakoutkey": "'*'"}
    await pbx.apply(
        f"queues: [{document(**settings)}, {document(6701, agents=[1002])}]\n"
        "ivrs: [{number: 6500, ivrname: Menu, prompt: menu, dialext: off}]\n"
        "ringgroups: [{number: 6200, name: Group, members: [1002]}]\n"
        "conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]"
    )
    await until(pbx, {"1001": "1"})
    await until(pbx, {"1002": "1"}, "6701")
    await pbx.quiet()
    pbx.receiver.clear()
    call = await wait_in(one)
    await agent.incoming()
    if way == "breakout":
        await call.rtp.press("*")
    match action:
        case "Hang up":
            await call.over()
        case "Voicemail":
            await has_told(pbx, "CallStatus 1001 BYE/6700")
            await call.rtp.press("#")  # the greeting is skipped
            await asyncio.sleep(2.5)  # a message
            await call.hangup()
        case "Fax to Email":
            await call.hears(2100)  # the answer of a fax machine
            await call.hangup()
        case "IVR":
            await call.hears(1200)
            await call.hangup()
        case "Conference":
            await has_told(pbx, "CallStatus 1000 ANSWERED/6400")
            await call.hangup()
        case _:
            await call.hears(750)
            await call.hangup()
    record = await record_of(pbx)
    assert record["callto"] == (callto or "6700")
    assert action == "Queue" or record["agentringtime"] == "0"
    assert action != "Voicemail" or record["status"] == "VOICEMAIL"
    assert not pbx.receiver.named("CallFailed")


MUSIC = 1900


async def _music(pbx: TestPbx) -> None:
    """A music on hold that is a tone."""
    await pbx.admin("PUT", "/musiconhold/tones/one", tone_file(MUSIC, 5), status=201)


async def test_music_and_the_announcement_on_joining(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("welcome", 1200)
    await make_queue(pbx, musiconhold="tones", joinannounce="welcome")
    call = await wait_in(one)
    await call.hears(1200)
    assert not agent.calls, "the queue is entered after it"
    await call.hears(MUSIC)
    await agent.incoming()
    await call.hears(MUSIC)
    await call.hangup()


async def test_the_agent_hears_his_announcement(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("forhim", 1700)
    await make_queue(pbx, musiconhold="tones", agentannounce="forhim")
    call = await wait_in(one)
    talk = await agent.incoming()
    await talk.answer()
    await talk.hears(1700)
    await talk.hears(CALLER)
    await call.hears(620)
    await call.hangup()
    assert (await record_of(pbx))["callto"] == "6700(1001)"


async def _speaks(call: Call, seconds: float = 20) -> None:
    """Wait until something else than the music is heard, and then the music again."""

    def spoken() -> bool:
        return call.rtp.packets > 25 and not call.rtp.silent and not call.rtp.hears(MUSIC)

    await eventually(spoken, "an announcement", seconds)
    await eventually(lambda: call.rtp.hears(MUSIC), "the music again", 15)


async def test_the_position_is_announced(pbx: TestPbx) -> None:
    one, agent, second = await cast(pbx, 2)
    await _music(pbx)
    await make_queue(pbx, musiconhold="tones", announcepos="on", announcefreq=15)
    first = await wait_in(one)
    await (await agent.incoming()).answer()
    await first.hears(620)
    waiting = await wait_in(second)
    await waiting.hears(MUSIC)
    third = await wait_in(one)
    await third.hears(MUSIC)
    await _speaks(third)  # as soon as he has entered
    for call in (first, waiting, third):
        await call.hangup()


async def test_no_position_is_announced(pbx: TestPbx) -> None:
    one, agent, second = await cast(pbx, 2)
    await _music(pbx)
    await make_queue(pbx, musiconhold="tones", announcefreq=15)
    first = await wait_in(one)
    await (await agent.incoming()).answer()
    await first.hears(620)
    waiting = await wait_in(second)
    third = await wait_in(one)
    await third.hears(MUSIC)
    with pytest.raises(TimeoutError):
        await _speaks(third, 5)
    await waiting.hangup()
    await third.hangup()
    await first.hangup()


async def test_the_periodic_announcement(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await _music(pbx)
    await pbx.prompt("patience", 1200, 2)
    settings = {"userannounce": "patience", "userannouncefreq": 15, "agenttimeout": 2}
    await make_queue(pbx, musiconhold="tones", **settings)
    loop = asyncio.get_running_loop()
    call = await wait_in(one)
    await call.hears(MUSIC)
    begun = loop.time()
    await eventually(lambda: call.rtp.hears(1200), "the announcement", 22)
    assert loop.time() - begun > 12
    await call.hears(MUSIC)
    agent.auto_answer = True
    await call.hears(620)
    await call.hangup()


async def test_the_only_caller_hears_his_position_between_the_tries(pbx: TestPbx) -> None:
    one, agent = await cast(pbx, 1)
    await _music(pbx)
    await make_queue(pbx, musiconhold="tones", announcepos="on", announcefreq=15, agenttimeout=2)
    call = await wait_in(one)
    await call.hears(MUSIC)
    await (await agent.incoming()).over()
    await _speaks(call)
    await call.hangup()
