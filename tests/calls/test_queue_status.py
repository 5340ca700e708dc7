"""queue/query_status with real phones: every state that an agent can be brought to (spec 07-queue)."""

from __future__ import annotations

import asyncio

import pytest

from offhook.asterisk.switch import OriginateRequest
from tests.support.pbx import Json, TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A number of its own: the engine lets no queue that it has seen change to Linear before it is restarted.
QUEUE = (
    "queues: [{number: 6790, queuename: Support, agents: [1001, 1002], ringstrategy: Linear, ringinuse: on,"
    " agenttimeout: 20, retry: 1, wrapuptime: %d, announcepos: off, announceholdtime: off}]"
)


class Queue:
    """The queue 6790 with the agents 1001 and 1002, called in turn; 1000 calls it."""

    def __init__(self, pbx: TestPbx, caller: Phone, agents: list[Phone]) -> None:
        self.pbx, self.caller, self.agents = pbx, caller, agents

    async def state(self) -> Json:
        """What query_status says."""
        answer = await self.pbx.client.ok("queue/query_status", {"number": "6790"})
        (queue,) = answer["queues"]
        assert queue["number"] == "6790"
        (state,) = queue["queuestatus"]
        assert list(state) == ["callercount", "members", "callers"]
        assert state["callercount"] == str(len(state["callers"]))
        found: Json = state
        return found

    async def agent(self, number: str) -> str:
        """The state of an agent."""
        members = (await self.state())["members"]
        return next(str(member["agentstatus"]) for member in members if member["agent"] == number)

    async def becomes(self, number: str, status: str, seconds: float = 10.0) -> None:
        """Wait until an agent has this state."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (seen := await self.agent(number)) != status:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{number} is {seen}, not {status}")
            await asyncio.sleep(0.05)

    async def talk(self) -> tuple[Call, Call]:
        """Let 1000 call and 1001 answer."""
        call = await self.caller.call("6790")
        await call.answered()
        agent = await self.agents[0].incoming()
        await agent.answer()
        await call.hears(570)
        return call, agent

    def channel(self, number: str) -> str:
        """The channelid of an extension in its call."""
        calls = self.pbx.pbx.live.picture.calls_of(number)
        return next(m.channelid for call in calls for m in call.members if m.number == number)


async def queue(pbx: TestPbx, wrapuptime: int = 0) -> Queue:
    """Make the queue and its phones, and wait until the engine takes the agents for reachable."""
    phones = []
    for number, tone in (("1000", 440), ("1001", 570), ("1002", 700)):
        await pbx.extension(number, noanswerforward="off", busyforward="off")
        phones.append(await pbx.phone(number, frequency=tone))
    await pbx.apply(QUEUE % wrapuptime)
    q = Queue(pbx, phones[0], phones[1:])
    await q.becomes("1001", "1")
    await q.becomes("1002", "1")
    return q


async def test_idle_away_paused_and_not_to_be_disturbed(pbx: TestPbx) -> None:
    q = await queue(pbx)
    assert await q.state() == {
        "callercount": "0",
        "members": [{"agent": "1001", "agentstatus": "1"}, {"agent": "1002", "agentstatus": "1"}],
        "callers": [],
    }
    await q.agents[1].register(0)
    await q.becomes("1002", "5")
    agent = {"queuenumber": "6790", "extnumber": "1001"}
    for _ in range(2):
        await pbx.client.ok("queue/pause_agent", agent)
        assert await q.agent("1001") == "9"
    for _ in range(2):
        await pbx.client.ok("queue/unpause_agent", agent)
        assert await q.agent("1001") == "1"
    await pbx.client.ok("extension/update", {"number": "1001", "dnd": "on"})
    assert await q.agent("1001") == "9"  # takes no calls
    await pbx.client.ok("extension/update", {"number": "1001", "dnd": "off"})
    for _ in range(2):
        await pbx.client.ok("queue/add_dynamicagent", {"queuenumber": "6790", "extnumber": "1000"})
        assert [member["agent"] for member in (await q.state())["members"]] == ["1001", "1002", "1000"]
    await q.becomes("1000", "1")
    await pbx.client.ok("queue/delete_dynamicagent", {"queuenumber": "6790", "extnumber": "1000"})
    assert [member["agent"] for member in (await q.state())["members"]] == ["1001", "1002"]
    for number in ("6791", "1001", "all", "6790,6791", "6790\r\nAction: Logoff", "6790' OR 1=1"):
        assert await pbx.client.errno("queue/query_status", {"number": number}) == "10013"
    assert await pbx.client.errno("queue/query_status", {"number": ""}) == "10004"
    await pbx.client.ok("extension/delete", {"number": "1002"})
    assert [member["agent"] for member in (await q.state())["members"]] == ["1001"]


async def test_from_ringing_to_rest(pbx: TestPbx) -> None:
    q = await queue(pbx, wrapuptime=3)
    call = await q.caller.call("6790")
    await call.answered()
    agent = await q.agents[0].incoming()
    await q.becomes("1001", "6")
    assert await q.agent("1002") == "1"
    (caller,) = (await q.state())["callers"]
    assert (caller["callernum"], caller["channelid"]) == ("1000", q.channel("1000"))
    await agent.answer()
    await call.hears(570)
    await q.becomes("1001", "2")
    assert (await q.state())["callers"] == []
    other = await q.agents[1].call("1001")
    second = await q.agents[0].incoming()
    await q.becomes("1001", "7")
    await q.becomes("1002", "2")
    await other.hangup()
    await eventually(lambda: second.ended, "the second call is over")
    await q.becomes("1001", "2")
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6790", "extnumber": "1001"})
    assert await q.agent("1001") == "9"  # also while it talks
    await pbx.client.ok("queue/unpause_agent", {"queuenumber": "6790", "extnumber": "1001"})
    assert await q.agent("1001") == "2"
    await agent.hangup()
    await q.becomes("1001", "10")
    assert await q.agent("1002") == "1"
    await q.becomes("1001", "1")
    await pbx.quiet()


async def test_an_agent_that_holds(pbx: TestPbx) -> None:
    q = await queue(pbx)
    call, agent = await q.talk()
    await agent.hold()
    await q.becomes("1001", "8")
    await agent.unhold()
    await q.becomes("1001", "2")
    await call.hold()  # the caller holds
    await eventually(lambda: "HOLD" in " ".join(steps(pbx.receiver.events)[-3:]), "it is told")
    assert await q.agent("1001") == "2"
    await call.unhold()
    caller, own = q.channel("1000"), q.channel("1001")
    await pbx.client.ok("call/hold", {"channelid": caller})
    await q.becomes("1001", "8")
    await pbx.client.ok("call/unhold", {"channelid": caller})
    await q.becomes("1001", "2")
    await call.hears(570)
    await pbx.client.ok("call/hold", {"channelid": own})  # the agent is held
    await agent.hears_without(440)
    assert await q.agent("1001") == "2"
    await pbx.client.ok("call/unhold", {"channelid": own})
    await call.hears(570)
    await agent.hangup()
    await call.over()
    await q.becomes("1001", "1")
    await pbx.quiet()


async def test_callers_in_their_order(pbx: TestPbx) -> None:
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    q = await queue(pbx)
    await pbx.client.ok(
        "inroute/add", {"name": "in", "trunks": "siptrunk", "desttype": "queue", "dest": "6790"}
    )
    call, agent = await q.talk()
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6790", "extnumber": "1002"})
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6790", "extnumber": "1001"})
    outside = await carrier.call_in("555", caller="777")
    await outside.answered()
    inside = await q.agents[1].call("6790")
    await inside.answered()

    async def waiting() -> list[str]:
        return [caller["callernum"] for caller in (await q.state())["callers"]]

    async def wait_for(*numbers: str) -> None:
        deadline = asyncio.get_running_loop().time() + 8
        while await waiting() != list(numbers):
            assert asyncio.get_running_loop().time() < deadline, await waiting()
            await asyncio.sleep(0.05)

    await wait_for("777", "1002")
    first, second = (await q.state())["callers"]
    assert first["channelid"].startswith("PJSIP/trunk-siptrunk-endpoint-")
    assert second["channelid"] == q.channel("1002")
    begin = asyncio.get_running_loop().time()
    while (await q.state())["callers"][0]["waittime"] < "0:02":
        assert asyncio.get_running_loop().time() - begin < 5
        await asyncio.sleep(0.1)
    assert (await q.state())["callers"][1]["waittime"] <= (await q.state())["callers"][0]["waittime"]
    await outside.hangup()
    await wait_for("1002")
    await inside.hangup()
    await wait_for()
    await agent.hangup()
    await call.over()
    await pbx.quiet()


async def test_a_caller_with_several_phones(pbx: TestPbx) -> None:
    q = await queue(pbx)
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6790", "extnumber": "1001"})
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6790", "extnumber": "1002"})
    switch = pbx.pbx.switch
    callid = switch.next_call_id()
    pbx.pbx.live.expect(callid, "1000", "6790")
    await switch.originate(
        OriginateRequest(
            callid=callid,
            channel="Local/1000@ring-extension",
            other_channel_id=switch.next_call_id(),
            context="from-extension",
            exten="6790",
            timeout=20,
            variables={"__OFFHOOK_API": "1", "OFFHOOK_CALLER": "1000"},
        )
    )
    call = await q.caller.incoming()
    await call.answer()
    deadline = asyncio.get_running_loop().time() + 8
    while not (found := (await q.state())["callers"]):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    assert (found[0]["callernum"], found[0]["channelid"]) == ("1000", q.channel("1000"))
    assert found[0]["channelid"].startswith("PJSIP/1000-")
    await call.hangup()
    await pbx.quiet()
