"""Keys pressed in a talk: told one by one, but for what is typed to the PBX (spec 15-events, DTMF)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.story import Story, outside, phones, talk_of_two

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _keys(pbx: TestPbx) -> list[str]:
    return steps(pbx.receiver.named("DTMF"))


async def _told(pbx: TestPbx, *expected: str) -> None:
    await eventually(lambda: len(_keys(pbx)) >= len(expected), f"{expected} are told")
    assert _keys(pbx) == list(expected)


async def test_both_sides_of_a_talk(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await call.rtp.press("1#")
    await talk.rtp.press("90")
    await call.rtp.press("2")
    await _told(
        pbx,
        "DTMF 0:1 of 1000 ANSWERED",
        "DTMF 1:# of 1000 ANSWERED",
        "DTMF 0:9 of 1001 ANSWER",
        "DTMF 1:0 of 1001 ANSWER",
        "DTMF 2:2 of 1000 ANSWERED",
    )
    assert {event["callid"] for event in pbx.receiver.named("DTMF")} == set(story.callids())
    await call.hangup()


async def test_somebody_elses_ivr_and_an_outside_party(pbx: TestPbx) -> None:
    (one,) = await phones(pbx, "1000")
    carrier = await outside(pbx, desttype="extension", dest="1000")
    await Story.begin(pbx)
    call = await one.call("9123")
    far = await carrier.incoming()
    await far.answer()
    await call.hears(900)
    await call.rtp.press("1")
    await far.rtp.press("5")
    await _told(pbx, "DTMF 0:1 of 1000 ANSWERED", "DTMF 0:5 of 1000>9123 ANSWER")
    assert "callpath" not in str(pbx.receiver.named("DTMF"))
    await call.hangup()


async def test_no_key_of_who_is_held_and_all_of_who_talks_again(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    picture = pbx.pbx.live.picture.call(story.callids()[0])
    assert picture is not None
    channels = [member.channelid for member in picture.members]
    await pbx.client.ok("call/hold", {"channelid": channels[0]})
    await story.tells("CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("7")
    await call.rtp.press("6")
    await pbx.client.ok("call/unhold", {"channelid": channels[0]})
    await story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER")
    await call.hears(570)
    await talk.rtp.press("8")
    await call.rtp.press("9")
    await _told(pbx, "DTMF 0:8 of 1001 ANSWER", "DTMF 0:9 of 1000 ANSWERED")
    await call.hangup()


async def test_what_is_typed_to_the_pbx_is_not_told(pbx: TestPbx) -> None:
    one, two, _ = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply("conferences: [{number: 6400, name: room, participantepassword: '4711'}]")
    story = await Story.begin(pbx)
    _, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*03")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("1002")
    await story.tells("CallStatus 1001 BYE", "1001 Registered")
    assert [key.split()[1] for key in _keys(pbx)] == ["0:*", "1:0", "2:3"]
    pbx.receiver.clear()
    room = await two.call("6400")
    await room.answered()
    await room.rtp.press("4711#")
    await asyncio.sleep(1.5)
    await room.rtp.press("12")
    box = await two.call("*2")
    await box.answered()
    await box.rtp.press("1234#")
    await asyncio.sleep(0.5)
    assert _keys(pbx) == []
    await room.hangup()
    await box.hangup()
