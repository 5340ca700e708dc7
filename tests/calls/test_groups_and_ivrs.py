"""Ring groups in real calls, and the whole sequences of groups and queues (spec 15-events)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx
from tests.support.phone import Phone
from tests.support.queue_calls import all_events, carrier_to, document, has_told, ready, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_sequence_of_a_queue_whose_second_agent_answers(pbx: TestPbx) -> None:
    """Spec 15, `queue`: the caller is from outside; the first agent does not answer, the second does."""
    for number in ("1001", "1002"):
        await pbx.extension(number)
    first, second = await pbx.phone("1001", frequency=620), await pbx.phone("1002", frequency=750)
    await pbx.prompt("survey", 1200)
    queues = document(
        agents="[1001, 1002]", ringstrategy="Linear", agenttimeout=3, satisfactionsurvey="survey"
    )
    await pbx.apply(f"queues: [{queues}]")
    await until(pbx, {"1001": "1", "1002": "1"})
    carrier = await carrier_to(pbx, "queue", "6700")
    call = await carrier.call_in("5503301")
    begun = asyncio.get_running_loop().time()
    ring = await first.incoming()
    await ring.over()
    talk = await second.incoming()
    await has_told(pbx, "1002 Ringing")
    await talk.answer()
    rang = asyncio.get_running_loop().time() - begun
    await call.hears(750)
    await talk.hangup()
    await call.hears(1200)
    await call.rtp.press("5")
    await call.over()
    who = "12345678>5503301"
    assert await all_events(pbx) == [
        f"CallStatus {who} ANSWERED/6700",
        f"CallStatus {who} ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1001 BYE/6700",
        "1001 Registered",
        f"CallStatus {who} ANSWERED/6700, 1002 RING/6700",
        "1002 Ringing",
        f"CallStatus {who} ANSWERED/6700, 1002 ANSWER/6700",
        "1002 Busy",
        "CallStatus 1002 BYE/6700",
        "1002 Registered",
        "satisfaction 5",
        f"CallStatus {who} BYE/6700",
        "NewCdr 12345678 6700(1002) ANSWERED Inbound",
    ]
    record = pbx.receiver.named("NewCdr")[0]
    assert abs(int(record["agentringtime"]) - rang) <= 1
    assert int(record["talkduraction"]) <= 2


async def test_sequence_of_a_queue_that_nobody_answers(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one, agent = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.apply(f"queues: [{document(agenttimeout=2, maxwaittime=4, retry=10)}]")
    await until(pbx, {"1001": "1"})
    await ready(pbx)
    call = await one.call("6700")
    await (await agent.incoming()).over()
    await call.over()
    assert await all_events(pbx) == [
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
    record = pbx.receiver.named("NewCdr")[0]
    assert (record["agentringtime"], record["talkduraction"]) == ("0", "0")


async def test_sequence_of_a_ring_group(pbx: TestPbx) -> None:
    for number in ("1000", "4001", "4002"):
        await pbx.extension(number)
    one, two, three = [await pbx.phone(number) for number in ("1000", "4001", "4002")]
    await pbx.apply("ringgroups: [{number: 6200, name: Sales, members: [4001, 4002], ringtime: 10}]")
    await ready(pbx)
    three.auto_ring = False
    call = await one.call("6200")
    first = await two.incoming()
    await has_told(pbx, "4001 Ringing")
    second = await three.incoming()
    await second.ring()
    await has_told(pbx, "4002 Ringing")
    await first.answer()
    await call.answered()
    await second.over()
    await has_told(pbx, "4002 Registered")
    await call.hangup()
    assert await all_events(pbx) == [
        "1000 Busy",
        "CallStatus 1000 ALERT/6200, 4001 RING/6200",
        "4001 Ringing",
        "CallStatus 1000 ALERT/6200, 4001 RING/6200, 4002 RING/6200",
        "4002 Ringing",
        "CallStatus 1000 ANSWERED/6200, 4001 ANSWER/6200",
        "4001 Busy",
        "CallStatus 4002 BYE/6200",
        "4002 Registered",
        "CallStatus 1000 BYE/6200",
        "CallStatus 4001 BYE/6200",
        "1000 Registered",
        "4001 Registered",
        "NewCdr 1000 6200(4001) ANSWERED Internal",
    ]


async def test_sequence_of_a_ring_group_in_turn(pbx: TestPbx) -> None:
    for number in ("4001", "4002"):
        await pbx.extension(number)
    two, three = [await pbx.phone(number) for number in ("4001", "4002")]
    await pbx.apply(
        "ringgroups: [{number: 6200, name: Sales, members: [4001, 4002], ringstrategy: Ring In Order,"
        " ringtime: 2}]"
    )
    carrier = await carrier_to(pbx, "ringgroup", "6200")
    call = await carrier.call_in("5503301")
    await (await two.incoming()).over()
    talk = await three.incoming()
    await has_told(pbx, "4002 Ringing")
    await talk.answer()
    await call.answered()
    await talk.hangup()
    await call.over()
    who = "12345678>5503301"
    assert await all_events(pbx) == [
        f"CallStatus {who} ALERT/6200, 4001 RING/6200",
        "4001 Ringing",
        "CallStatus 4001 BYE/6200",
        "4001 Registered",
        f"CallStatus {who} ALERT/6200, 4002 RING/6200",
        "4002 Ringing",
        f"CallStatus {who} ANSWERED/6200, 4002 ANSWER/6200",
        "4002 Busy",
        "CallStatus 4002 BYE/6200",
        f"CallStatus {who} BYE/6200",
        "4002 Registered",
        "NewCdr 12345678 6200(4002) ANSWERED Inbound",
    ]


async def test_sequence_of_a_ring_group_that_ends_in_a_voicemail_box(pbx: TestPbx) -> None:
    for number in ("1000", "4001", "4002"):
        await pbx.extension(number)
    one, two = [await pbx.phone(number) for number in ("1000", "4001")]
    await pbx.apply(
        "ringgroups: [{number: 6200, name: Sales, members: [4001], ringtime: 2, failover: voicemail 4002}]"
    )
    await ready(pbx)
    call = await one.call("6200")
    await (await two.incoming()).over()
    await call.answered()
    await call.rtp.press("#")
    await asyncio.sleep(2.5)  # a message
    await call.hangup()
    assert await all_events(pbx) == [
        "1000 Busy",
        "CallStatus 1000 ALERT/6200, 4001 RING/6200",
        "4001 Ringing",
        "CallStatus 4001 BYE/6200",
        "4001 Registered",
        "CallStatus 1000 ANSWERED/6200",
        "CallStatus 1000 BYE/6200",
        "1000 Registered",
        "NewCdr 1000 6200 VOICEMAIL Internal",
    ]


GROUP = "ringgroups: [{number: 6200, name: Sales, ringtime: 3, %s}]"


async def _group(pbx: TestPbx, settings: str) -> tuple[Phone, list[Phone]]:
    """A caller and the three members of ring group 6200."""
    phones = []
    for at, number in enumerate(("1000", "4001", "4002", "4003")):
        await pbx.extension(number)
        phones.append(await pbx.phone(number, frequency=(440, 620, 750, 910)[at]))
    await pbx.apply(GROUP % settings)
    await ready(pbx)
    return phones[0], phones[1:]


@pytest.mark.parametrize("strategy", ["Ring All", "Ring In Order"])
async def test_members_who_cannot_be_rung_are_passed_over(pbx: TestPbx, strategy: str) -> None:
    one, (away, busy, other) = await _group(pbx, f"ringstrategy: {strategy}, members: [4001, 4002, 4003]")
    assert await away.register(0) == 200
    busy.auto_refuse = 486
    call = await one.call("6200")
    talk = await other.incoming()
    await talk.answer()
    await call.hears(910)
    assert not away.calls
    await call.hangup()
    assert (await all_events(pbx))[-1] == "NewCdr 1000 6200(4003) ANSWERED Internal"
    assert not pbx.receiver.named("CallFailed")


@pytest.mark.parametrize("strategy", ["Ring All", "Ring In Order"])
async def test_a_member_who_is_not_to_be_disturbed_is_not_rung(pbx: TestPbx, strategy: str) -> None:
    one, (quiet, _, other) = await _group(pbx, f"ringstrategy: {strategy}, members: [4001, 4003]")
    await pbx.client.ok("extension/update", {"number": "4001", "dnd": "on", "busyforward": "on"})
    call = await one.call("6200")
    await (await other.incoming()).answer()
    await call.hears(910)
    assert not quiet.calls
    await call.hangup()
    assert (await all_events(pbx))[-1] == "NewCdr 1000 6200(4003) ANSWERED Internal"


async def test_forwards_of_members_do_not_apply(pbx: TestPbx) -> None:
    one, (first, second, third) = await _group(pbx, "members: [4001, 4002]")
    forward = {"alwaysforward": "on", "atransferto": "Extension", "atransferext": "4003"}
    await pbx.client.ok("extension/update", {"number": "4001", **forward})
    call = await one.call("6200")
    ring = await first.incoming()
    await (await second.incoming()).redirect("sip:4003@127.0.0.1")
    await ring.answer()
    await call.hears(620)
    assert not third.calls
    await call.hangup()


async def test_a_member_with_two_phones(pbx: TestPbx) -> None:
    one, (desk, *_) = await _group(pbx, "members: [4001]")
    await pbx.client.ok("extension/update", {"number": "4001", "maxregistrations": "2"})
    other = await pbx.phone("4001", frequency=1510)
    await ready(pbx)
    call = await one.call("6200")
    first, second = await desk.incoming(), await other.incoming()
    await has_told(pbx, "4001 Ringing")
    await second.answer()
    await call.hears(1510)
    await first.over()
    await call.hangup()
    assert await all_events(pbx) == [
        "1000 Busy",
        "CallStatus 1000 ALERT/6200, 4001 RING/6200",
        "4001 Ringing",
        "CallStatus 1000 ANSWERED/6200, 4001 ANSWER/6200",
        "4001 Busy",
        "CallStatus 1000 BYE/6200",
        "CallStatus 4001 BYE/6200",
        "1000 Registered",
        "4001 Registered",
        "NewCdr 1000 6200(4001) ANSWERED Internal",
    ]


@pytest.mark.parametrize("strategy", ["Ring All", "Ring In Order"])
@pytest.mark.parametrize("why", ["away", "dnd", "busy"])
async def test_when_no_member_can_be_rung(pbx: TestPbx, strategy: str, why: str) -> None:
    settings = f"ringstrategy: {strategy}, members: [4001, 4002], failover: extension 4003"
    one, (first, second, last) = await _group(pbx, settings)
    for phone in (first, second):
        phone.auto_refuse = 486
        if why == "away":
            assert await phone.register(0) == 200
        elif why == "dnd":
            await pbx.client.ok("extension/update", {"number": phone.number, "dnd": "on"})
    call = await one.call("6200")
    talk = await last.incoming()
    await talk.answer()
    await call.hears(910)
    await call.hangup()
    assert (await all_events(pbx))[-1] == "NewCdr 1000 6200(4003) ANSWERED Internal"
    # and without a failover the call fails, with one record
    await pbx.apply(GROUP % f"ringstrategy: {strategy}, members: [4001, 4002], failover: ''")
    await ready(pbx)
    await (await one.call("6200")).refused()
    assert (await all_events(pbx))[-1].startswith("NewCdr 1000 6200 ")
    assert len(pbx.receiver.named("CallFailed")) == 1
