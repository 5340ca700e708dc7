"""Sequences of parking and of pick-up, whole (docs/compatibility.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.asterisk.ami import actions
from tests.support.pbx import TestPbx
from tests.support.phone import Call, eventually
from tests.support.story import LEFT, RANG, Story, end_of_talk, phones, talk_of_two

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Parking ----------------------------------------------------------------------------------------------

PARKED = ("CallStatus 1000 HOLD, 1001 ANSWER", *LEFT)


@pytest_asyncio.fixture(loop_scope="session")
async def ten_seconds(pbx: TestPbx) -> AsyncIterator[None]:
    """The least time for which a call may be parked."""
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 10})
    yield
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 60})


@pytest.mark.parametrize("by", ["callee", "caller"])
async def test_parking_and_taking_out(pbx: TestPbx, by: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    mine, theirs = (talk, call) if by == "callee" else (call, talk)
    who, other = ("1001", "1000") if by == "callee" else ("1000", "1001")
    slot = await _park(pbx, story, mine, by)
    taken = await three.call(slot)
    await story.tells("1002 Busy", f"CallStatus {other} ANSWERED, 1002 ANSWER")
    await story.tells(f"NewCdr 1002 {slot} ANSWERED Internal")
    await theirs.hears(700)
    await taken.hears(440 if by == "callee" else 570)
    await taken.hangup()
    await story.tells(*end_of_talk("1002", other, "1000 1001 ANSWERED Internal"))
    await story.ends()
    older, younger = story.callids()
    assert [cdr["callid"] for cdr in pbx.receiver.named("NewCdr")] == [younger, older]
    assert [event["event"] for event in pbx.receiver.of_call(younger)] == ["NewCdr"]
    assert who


async def _park(pbx: TestPbx, story: Story, mine: Call, by: str) -> str:
    """One of the two parks the other; returns the slot."""
    await mine.rtp.press("*6")
    await story.tells(PARKED[0] if by == "callee" else "CallStatus 1000 ANSWERED, 1001 HOLD")
    await eventually(lambda: not mine.rtp.silent, "the slot is told")
    slots = [one["ParkingSpace"] for one in await _parked(pbx)]
    await story.tells(*(LEFT if by == "callee" else ("CallStatus 1000 BYE", "1000 Registered")))
    await mine.over()
    return str(slots[0])


async def _parked(pbx: TestPbx) -> list[dict[str, str]]:
    """What waits in parking slots."""
    return [dict(one) for one in await pbx.pbx.switch.items(actions.ParkedCalls())]


async def test_parked_too_long_goes_back(pbx: TestPbx, ten_seconds: None) -> None:
    one, two = await phones(pbx, "1000", "1001")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await _park(pbx, story, talk, "callee")
    await story.tells("CallStatus 1000 ALERT, 1001 RING", "1001 Ringing", seconds=20)
    back = await two.incoming()
    await back.answer()
    await story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER", "1001 Busy")
    await call.hears(570)
    await back.hears(440)
    await back.hangup()
    await story.tells(*end_of_talk("1001", "1000", "1000 1001 ANSWERED Internal"))
    await story.ends()


@pytest.mark.parametrize("how", ["busy", "no answer", "voicemail", "phone off"])
async def test_parked_too_long_and_nobody_there(pbx: TestPbx, ten_seconds: None, how: str) -> None:
    settings = {"ringtimeout": "1", "busyforward": "off"}
    settings |= {} if how == "voicemail" else {"noanswerforward": "off"}
    one, two = await phones(pbx, "1000", "1001", e1001=settings)
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await _park(pbx, story, talk, "callee")
    if how == "phone off":
        await two.register(0)
        await story.tells("1001 Unregistered")
        await story.tells("CallStatus 1000 BYE", "1000 Registered", seconds=20)
        await story.tells("CallFailed 408 Request Time: 1000", "NewCdr 1000 1001 ANSWERED Internal")
        await story.ends()
        return
    await story.tells("CallStatus 1000 ALERT, 1001 RING", "1001 Ringing", seconds=20)
    if how == "busy":
        await (await two.incoming()).refuse(486)
    if how == "voicemail":
        await story.tells(*LEFT, "Forward 1000", "CallStatus 1000 ANSWERED")
        await call.hangup()
        await story.tells("CallStatus 1000 BYE", "1000 Registered", "NewCdr 1000 1001 ANSWERED Internal")
    else:
        reason = "486 Busy here" if how == "busy" else "603 Declined"
        await story.tells("CallStatus 1001 BYE", "CallStatus 1000 BYE", "1001 Registered", "1000 Registered")
        await story.tells(f"CallFailed {reason}: 1000", "NewCdr 1000 1001 ANSWERED Internal")
        await call.over()
    await story.ends()


# Pick-up ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["*4", "*041001"])
async def test_pick_up(pbx: TestPbx, code: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call = await one.call("1001")
    await story.tells("1000 Busy", *RANG)
    ringing = await two.incoming()
    taken = await three.call(code)
    await story.tells("1002 Busy", "CallStatus 1000 ANSWERED, 1002 ANSWER", *LEFT)
    await story.tells(f"NewCdr 1002 {code} ANSWERED Internal")
    await call.hears(700)
    await taken.hears(440)
    await eventually(lambda: ringing.ended, "1001 stops ringing")
    await taken.hangup()
    await story.tells(*end_of_talk("1002", "1000", "1000 1002 ANSWERED Internal"))
    await story.ends()
    _, younger = story.callids()
    assert [event["event"] for event in pbx.receiver.of_call(younger)] == ["NewCdr"]


@pytest.mark.parametrize("code", ["*4", "*041001", "*041999"])
async def test_nothing_to_pick_up(pbx: TestPbx, code: str) -> None:
    (one,) = await phones(pbx, "1002")
    story = await Story.begin(pbx)
    call = await one.call(code)
    assert await call.refused() == 404
    await story.tells("1002 Busy", "CallStatus 1002 BYE", "1002 Registered")
    await story.tells("CallFailed 404 NOT found: 1002", f"NewCdr 1002 {code} NO ANSWER Internal")
    await story.ends()
