"""IVRs, ring groups, queues, conferences and paging with real phones; whole sequences (spec 15-events)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _told(pbx: TestPbx, step: str, seconds: float = 8.0) -> None:
    await eventually(
        lambda: step in steps(pbx.receiver.events), f"{step} in {steps(pbx.receiver.events)}", seconds
    )


async def _ready(pbx: TestPbx) -> None:
    await pbx.quiet()
    pbx.receiver.clear()


async def test_ivr_to_an_extension(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1020")
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1020", frequency=620)
    await pbx.apply("ivrs: [{number: 6500, ivrname: Welcome, responsetimeout: 2, digittimeout: 1}]")
    await _ready(pbx)

    call = await one.call("6500")
    await call.answered()
    await _told(pbx, "PlayPromptEnd 6500 to 1000/6500")
    await call.rtp.press("1020")
    second = await two.incoming()
    await _told(pbx, "1020 Ringing")
    await second.answer()
    await call.hears(620)
    await second.hears(440)
    await second.hangup()
    await call.over()
    await _told(pbx, "NewCdr 1000 1020 ANSWERED Internal")

    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6500",
        "PlayPromptEnd 6500 to 1000/6500",
        "DTMF 0:1 of 1000 ANSWERED/6500",
        "DTMF 1:0 of 1000 ANSWERED/6500",
        "DTMF 2:2 of 1000 ANSWERED/6500",
        "DTMF 3:0 of 1000 ANSWERED/6500",
        "DTMF 1020 of 1000 ANSWERED/6500",
        "CallStatus 1000 ALERT/6500, 1020 RING/6500",
        "1020 Ringing",
        "CallStatus 1000 ANSWERED/6500, 1020 ANSWER/6500",
        "1020 Busy",
        "CallStatus 1020 BYE/6500",
        "CallStatus 1000 BYE/6500",
        "1020 Registered",
        "1000 Registered",
        "NewCdr 1000 1020 ANSWERED Internal",
    ]


async def test_ring_group_all(pbx: TestPbx) -> None:
    for number in ("1000", "4001", "4002"):
        await pbx.extension(number)
    one, two, three = [await pbx.phone(number) for number in ("1000", "4001", "4002")]
    await pbx.apply("ringgroups: [{number: 6200, name: Sales, members: [4001, 4002], ringtime: 10}]")
    await _ready(pbx)

    call = await one.call("6200")
    first, second = await two.incoming(), await three.incoming()
    await _told(pbx, "4001 Ringing")
    await _told(pbx, "4002 Ringing")
    await second.answer()
    await call.answered()
    await eventually(lambda: first.ended, "the other stops ringing")
    await call.hangup()
    await _told(pbx, "NewCdr 1000 6200(4002) ANSWERED Internal")

    told = steps(pbx.receiver.events)
    assert "CallStatus 1000 ALERT/6200, 4001 RING/6200, 4002 RING/6200" in told
    assert "CallStatus 1000 ANSWERED/6200, 4002 ANSWER/6200" in told
    assert told.index("CallStatus 1000 ANSWERED/6200, 4002 ANSWER/6200") < told.index(
        "CallStatus 4001 BYE/6200"
    )
    assert len([step for step in told if step.startswith("NewCdr")]) == 1
    assert not [step for step in told if step.startswith("CallFailed")]


async def test_queue_with_survey(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one, agent = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    await pbx.apply(
        "queues: [{number: 6700, queuename: Support, agents: [1001], announcepos: off, "
        "announceholdtime: off, wrapuptime: 0}]"
    )
    await _ready(pbx)

    call = await one.call("6700")
    await call.answered()
    ringing = await agent.incoming()
    await _told(pbx, "1001 Ringing")
    await ringing.answer()
    await call.hears(620)
    await ringing.hears(440)
    await ringing.hangup()
    await call.over()
    await _told(pbx, "NewCdr 1000 6700(1001) ANSWERED Internal")
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


async def test_conference(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    await pbx.apply(
        "conferences: [{number: 6400, name: Board, participantepassword: 1234, announcements: off}]"
    )
    await _ready(pbx)
    call = await one.call("6400")
    await call.answered()
    await call.rtp.press("1234#")
    other = await two.call("6400")
    await other.answered()
    await other.rtp.press("1234#")
    await call.hears(620)
    await other.hears(440)
    await call.hangup()
    await other.hangup()
    await _told(pbx, "NewCdr 1000 6400 ANSWERED Internal")
    await _told(pbx, "NewCdr 1001 6400 ANSWERED Internal")
    print(steps(pbx.receiver.events))


async def test_paging(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one, two, three = [
        await pbx.phone(n, frequency=f) for n, f in (("1000", 440), ("1001", 620), ("1002", 750))
    ]
    two.auto_answer = three.auto_answer = True
    await pbx.apply(
        "paginggroups: [{number: 6300, name: All, type: paging, member: [1001, 1002], "
        "enabledialtoanswer: yes}]"
    )
    await _ready(pbx)
    call = await one.call("6300")
    await call.answered()
    first, second = await two.incoming(), await three.incoming()
    assert first.invite is not None
    assert "answer-after=0" in first.invite.get("call-info")
    await first.hears(440)
    await second.hears(440)
    await call.hangup()
    await first.over()
    await second.over()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    print(steps(pbx.receiver.events))
