"""call/dial whose caller is an extension: whom it reaches, what is told and heard (spec 13-call)."""

from __future__ import annotations

import pytest

from tests.support.house import House, dialled, house
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, eventually
from tests.support.rtp import RtpPort

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNG = ["CallStatus 1000 ALERT", "1000 Ringing", "1000 Busy"]
"""How each call begins whose caller is extension 1000."""


async def picked_up(h: House, callee: str, **fields: str) -> tuple[str, Call]:
    """Let 1000 call somebody and pick its phone up; returns the callid and the call of 1000."""
    callid = await h.dial("1000", callee, **fields)
    mine = await h.one.incoming()
    await h.told("1000 Ringing")
    await mine.answer()
    return callid, mine


async def test_extension_to_outside(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid, mine = await picked_up(h, "95550001")
    theirs = await h.first.incoming()
    assert dialled(theirs) == "5550001"
    assert "sip:1000@" in theirs.shown
    await h.told("CallStatus 1000 ALERT, 1000>95550001 RING")
    await theirs.answer()
    await mine.hears(900)
    await theirs.hears(440)
    await theirs.hangup()
    await mine.over()
    cdr = await h.over(callid)
    assert cdr["dsttrcunkname"] == "first"
    assert h.all() == [
        *RUNG,
        "CallStatus 1000 ALERT, 1000>95550001 RING",
        "CallStatus 1000 ANSWERED, 1000>95550001 ANSWER",
        "CallStatus 1000>95550001 BYE",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "NewCdr 1000 95550001 ANSWERED Outbound",
    ]


async def test_extension_to_ivr(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid, mine = await picked_up(h, "6500")
    await mine.hears(1500)
    await h.told("PlayPromptEnd 6500 to 1000/6500")
    await mine.hangup()
    await h.over(callid)
    assert h.all() == [
        *RUNG,
        "CallStatus 1000 ANSWERED/6500",
        "PlayPromptEnd 6500 to 1000/6500",
        "CallStatus 1000 BYE/6500",
        "1000 Registered",
        "NewCdr 1000 6500 ANSWERED Internal",
    ]


async def test_extension_to_ring_group(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid, mine = await picked_up(h, "6200")
    first, second = await h.two.incoming(), await h.three.incoming()
    await h.told("1001 Ringing")
    await h.told("1002 Ringing")
    await second.answer()
    await mine.hears(700)
    await second.hears(440)
    await eventually(lambda: first.ended, "the other stops ringing")
    await mine.hangup()
    await h.over(callid)
    told = h.all()
    assert told[:3] == RUNG
    assert "CallStatus 1000 ALERT/6200, 1001 RING/6200, 1002 RING/6200" in told
    assert "CallStatus 1000 ANSWERED/6200, 1002 ANSWER/6200" in told
    assert told[-1] == "NewCdr 1000 6200(1002) ANSWERED Internal"


async def test_extension_to_queue(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid, mine = await picked_up(h, "6700")
    agent = await h.two.incoming()
    await h.told("1001 Ringing")
    await agent.answer()
    await mine.hears(570)
    await agent.hears(440)
    await agent.hangup()
    await mine.over()
    await h.over(callid)
    assert h.all() == [
        *RUNG,
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


async def test_extension_to_conference(pbx: TestPbx) -> None:
    h = await house(pbx)
    other = await h.two.call("6400")
    await other.answered()
    callid, mine = await picked_up(h, "6400")
    await mine.hears(570)
    await other.hears(440)
    await mine.hangup()
    cdr = await pbx.receiver.cdr(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("1000", "6400", "ANSWERED")
    mine_told = steps(pbx.receiver.of_call(callid))
    assert [step for step in mine_told if step.startswith("CallStatus")] == [
        "CallStatus 1000 ALERT",
        "CallStatus 1000 ANSWERED/6400",
        "CallStatus 1000 BYE/6400",
    ]
    await other.hangup()
    await pbx.quiet()
    assert not (await pbx.pbx.switch.snapshot()).channels


async def test_a_live_announcement(pbx: TestPbx) -> None:
    h = await house(pbx)
    h.two.auto_answer = h.three.auto_answer = True
    callid, mine = await picked_up(h, "6300")
    first, second = await h.two.incoming(), await h.three.incoming()
    await first.hears(440)
    await second.hears(440)
    assert asks_to_answer(first)
    assert asks_to_answer(second)
    await mine.hears_without(570)
    await mine.hangup()
    await first.over()
    await second.over()
    await h.over(callid)
    told = h.all()
    assert told[:4] == [*RUNG, "CallStatus 1000 ANSWERED/6300"]
    assert "CallStatus 1000 ANSWERED/6300, 1001 ANSWER/6300, 1002 ANSWER/6300" in told
    assert told[-1] == "NewCdr 1000 6300 ANSWERED Internal"


@pytest.mark.parametrize("fields", [{}, {"autoanswer": "yes"}], ids=["plain", "autoanswer"])
async def test_a_parked_call_is_picked_up(pbx: TestPbx, fields: dict[str, str]) -> None:
    h = await house(pbx)
    talk = await h.two.call("1002")
    parks = await h.three.incoming()
    await parks.answer()
    await talk.hears(700)
    await parks.hears(570)
    parked = await pbx.call_id()
    await parks.rtp.press("*6")
    await eventually(lambda: parks.ended, "who parks is let go", 12)
    pbx.receiver.clear()
    callid, mine = await picked_up(h, "6900", **fields)
    await mine.hears(570)
    await talk.hears(440)
    cdr = await pbx.receiver.cdr(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("1000", "6900", "ANSWERED")
    assert await pbx.call_id() == parked, "the older callid survives"
    await mine.hangup()
    await talk.over()
    await pbx.receiver.cdr(parked)
    await pbx.quiet()
    assert steps(pbx.receiver.of_call(callid))[:1] == ["CallStatus 1000 ALERT"]
    assert [step for step in steps(pbx.receiver.of_call(parked)) if "1000" in step] == [
        "CallStatus 1001 ANSWERED, 1000 ANSWER",
        "CallStatus 1000 BYE",
    ]
    assert not pbx.receiver.named("CallFailed")
    assert not (await pbx.pbx.switch.snapshot()).channels


async def test_nothing_is_parked_there(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid, mine = await picked_up(h, "6950")
    await mine.over()
    await h.over(callid)
    assert h.all() == [
        *RUNG,
        "CallStatus 1000 BYE",
        "1000 Registered",
        "CallFailed 404 NOT found: 1000",
        "NewCdr 1000 6950 NO ANSWER Internal",
    ]


def asks_to_answer(call: Call) -> bool:
    """Whether the phone is asked to answer by itself, in the words of each maker."""
    assert call.invite is not None
    info, alerts = call.invite.get("call-info"), call.invite.all("alert-info")
    known = [
        info.endswith(">;answer-after=0"),
        any(alert.endswith(">;info=alert-autoanswer;delay=0") for alert in alerts),
        "Auto Answer" in alerts,
        "Ring Answer" in alerts,
    ]
    assert len(set(known)) == 1, "for all makers or for none"
    return known[0]


@pytest.mark.parametrize("phones", ["one phone", "two phones"])
async def test_the_callers_phone_answers_by_itself(pbx: TestPbx, phones: str) -> None:
    h = await house(pbx, **({"maxregistrations": "3"} if phones == "two phones" else {}))
    second = await pbx.phone("1000", frequency=1300) if phones == "two phones" else h.one
    h.one.auto_answer = True
    callid = await h.dial("1000", "1001", autoanswer="yes")
    mine, theirs = await h.one.incoming(), await h.two.incoming()
    assert asks_to_answer(mine)
    assert not asks_to_answer(theirs)
    if second is not h.one:
        other = await second.incoming()
        assert asks_to_answer(other)
        await eventually(lambda: other.ended, "the other phone stops ringing")
    await h.told("1001 Ringing")
    await theirs.answer()
    await mine.hears(570)
    await theirs.hears(440)
    await theirs.hangup()
    await mine.over()
    await h.over(callid)
    assert h.all() == [
        *RUNG,
        "CallStatus 1000 ALERT, 1001 RING",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED, 1001 ANSWER",
        "1001 Busy",
        "CallStatus 1001 BYE",
        "CallStatus 1000 BYE",
        "1001 Registered",
        "1000 Registered",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]


async def test_without_autoanswer_no_phone_is_asked_to(pbx: TestPbx) -> None:
    h = await house(pbx)
    await h.dial("1000", "1001")
    mine = await h.one.incoming()
    assert not asks_to_answer(mine)
    await mine.answer()
    assert not asks_to_answer(await h.two.incoming())


async def test_an_announcement_to_a_multicast_address(pbx: TestPbx) -> None:
    h = await house(pbx)
    await pbx.apply(
        "paginggroups: [{number: 6301, name: Speakers, type: multicast, multicastip: 239.255.7.9}]"
    )
    ear = RtpPort(440)
    await ear.join("239.255.7.9", 2000)
    try:
        callid, mine = await picked_up(h, "6301")
        await eventually(lambda: ear.hears(440), "the speaker is sent to the group")
        await mine.hangup()
        cdr = await h.over(callid)
    finally:
        ear.close()
    assert (cdr["callto"], cdr["status"]) == ("6301", "ANSWERED")
