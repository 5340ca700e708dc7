"""call/playprompt and paginggroup/hangup/music: what is heard, how loud, how often, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calls.test_dial import asks_to_answer
from tests.support.house import House, dialled, house
from tests.support.pbx import Json, TestPbx
from tests.support.phone import eventually
from tests.support.rtp import RtpPort

pytestmark = pytest.mark.asyncio(loop_scope="session")


BOTH = "1001 ANSWER/6300, 1002 ANSWER/6300"


async def prompts(h: House) -> None:
    """Two prompts: low is 0.6 s of 500 Hz, high is 0.6 s of 1800 Hz."""
    await h.pbx.prompt("low", 500, 0.6)
    await h.pbx.prompt("high", 1800, 0.6)
    await h.pbx.quiet()
    h.pbx.receiver.clear()


async def play(h: House, number: str, prompt: str = "low", **fields: Any) -> str:
    """call/playprompt; returns the callid."""
    answer = await h.pbx.client.ok("call/playprompt", {"number": number, "prompt": prompt, **fields})
    return str(answer["callid"])


async def test_to_an_extension(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "1000", "low+high", count="2")
    mine = await h.one.incoming()
    assert not asks_to_answer(mine)
    await h.told("1000 Ringing")
    await mine.answer()
    await mine.hears(500)
    await mine.hears(1800)
    await mine.hears(500)
    await mine.hears(1800)
    await mine.over()
    cdr = await h.over(callid)
    assert 2 <= int(cdr["talkduraction"]) <= 4, "twice two prompts of 0.6 s"
    assert h.all() == [
        "CallStatus 1000 RING",
        "1000 Ringing",
        "CallStatus 1000 ANSWER",
        "1000 Busy",
        "PlayPromptEnd low+high to 1000",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "NewCdr prompt 1000 ANSWERED Internal",
    ]
    (end,) = pbx.receiver.named("PlayPromptEnd")
    assert list(end) == ["event", "callid", "members", "prompt", "sn"]
    assert list(end["members"][0]["ext"]) == ["number", "channelid"]


async def test_to_an_outside_number(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    assert dialled(theirs) == "5550001"
    assert "sip:1000@" in theirs.shown
    await h.told("CallStatus prompt>95550001 RING")
    await theirs.answer()
    await theirs.hears(500)
    await theirs.over()
    cdr = await h.over(callid)
    assert cdr["dsttrcunkname"] == "first"
    assert h.all() == [
        "CallStatus prompt>95550001 RING",
        "CallStatus prompt>95550001 ANSWER",
        "PlayPromptEnd low to prompt>95550001",
        "CallStatus prompt>95550001 BYE",
        "NewCdr prompt 95550001 ANSWERED Outbound",
    ]


async def test_to_a_paging_group(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "6300", "low+high")
    first, second = await h.two.incoming(), await h.three.incoming()
    assert asks_to_answer(first)
    assert asks_to_answer(second)
    assert "sip:6300@" in first.shown
    await first.answer()
    await h.told("CallStatus 1001 ANSWER/6300")
    assert first.rtp.silent, "it waits for the other phone"
    await second.answer()
    for call in (first, second):
        await call.hears(500)
    for call in (first, second):
        await call.hears(1800)
    await first.over()
    await second.over()
    await h.over(callid)
    # which phone rings first is the engine's affair
    told = [step.replace("1002 ANSWER/6300, 1001 ANSWER/6300", BOTH) for step in h.all()]
    told = [step.replace("to 1002, 1001", "to 1001, 1002") for step in told]
    assert told.count(f"CallStatus {BOTH}") == 1
    end = told.index("PlayPromptEnd low+high to 1001, 1002")
    assert all(told.index(f"CallStatus {number} BYE/6300") > end for number in ("1001", "1002"))
    assert len(pbx.receiver.named("PlayPromptEnd")) == 1
    assert told[-1] == "NewCdr prompt 6300 ANSWERED Internal"


@pytest.mark.parametrize("end", ["played", "stopped"])
@pytest.mark.parametrize("address", ["239.255.7.7", "239.255.7.8:5004"])
async def test_to_a_multicast_address(pbx: TestPbx, address: str, end: str) -> None:
    h = await house(pbx)
    await prompts(h)
    group = f"{{number: 6301, name: Speakers, type: multicast, multicastip: '{address}'}}"
    await pbx.apply(f"paginggroups: [{group}]")
    await pbx.quiet()
    pbx.receiver.clear()
    ear = RtpPort(440)
    host, _, port = address.partition(":")
    await ear.join(host, int(port or 2000))
    try:
        callid = await play(h, "6301", count="1" if end == "played" else "99")
        await eventually(lambda: ear.hears(500), "the prompt is sent to the group")
        if end == "stopped":
            await pbx.client.ok("paginggroup/hangup/music", {"number": "6301"})
        await h.over(callid)
    finally:
        ear.close()
    told = ["PlayPromptEnd low to"] if end == "played" else []
    assert [step.strip() for step in h.all()] == [*told, "NewCdr prompt 6301 ANSWERED Internal"]


@pytest.mark.parametrize("phones", ["one phone", "two phones"])
async def test_the_phone_answers_by_itself(pbx: TestPbx, phones: str) -> None:
    h = await house(pbx, **({"maxregistrations": "3"} if phones == "two phones" else {}))
    await prompts(h)
    h.one.auto_answer = True
    other = await pbx.phone("1000") if phones == "two phones" else None
    callid = await play(h, "1000", autoanswer="yes")
    mine = await h.one.incoming()
    assert asks_to_answer(mine)
    if other is not None:
        ringing = await other.incoming()
        await eventually(lambda: ringing.ended, "the other phone stops ringing")
    await mine.hears(500)
    await mine.over()
    await h.over(callid)
    assert "PlayPromptEnd low to 1000" in h.all()


async def test_a_paging_group_that_shall_not_answer_by_itself(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    await play(h, "6300", autoanswer="no")
    assert not asks_to_answer(await h.two.incoming())


LEVELS = [(None, 1.0), ("10", 1.0), ("13", 10**0.3), ("7", 10**-0.3), ("0", 0.1)]


async def test_volume(pbx: TestPbx) -> None:
    """2 dB a step, 10 as recorded, measured on the tone that is heard."""
    h = await house(pbx)
    await pbx.prompt("long", 500, 2)
    h.one.auto_answer = True
    plain = 0.0
    for volume, factor in LEVELS:
        callid = await play(h, "1000", "long", **({"volume": volume} if volume is not None else {}))
        mine = await h.one.incoming()
        await mine.hears(500)
        mine.rtp.forget()
        await mine.hears(500)
        plain = plain or mine.rtp.level
        assert abs(mine.rtp.level / plain / factor - 1) < 0.15, f"{volume}: {mine.rtp.level / plain}"
        await mine.hangup()
        await pbx.receiver.cdr(callid)


async def test_a_listener_who_hangs_up_has_not_heard_all(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "1000", count="9")
    mine = await h.one.incoming()
    await mine.answer()
    await mine.hears(500)
    await mine.hangup()
    await h.over(callid)
    assert not pbx.receiver.named("PlayPromptEnd")
    assert h.all()[-3:] == ["CallStatus 1000 BYE", "1000 Registered", "NewCdr prompt 1000 ANSWERED Internal"]


async def test_one_of_a_group_leaves(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    h.two.auto_answer = h.three.auto_answer = True
    callid = await play(h, "6300", "low+high", count="2")
    first, second = await h.two.incoming(), await h.three.incoming()
    await first.hears(500)
    await first.hangup()
    await second.hears(1800)
    await second.over()
    await h.over(callid)
    assert "PlayPromptEnd low+high to 1002" in h.all(), "who left has not heard all"


async def test_all_of_a_group_leave(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    h.two.auto_answer = h.three.auto_answer = True
    callid = await play(h, "6300", count="99")
    first, second = await h.two.incoming(), await h.three.incoming()
    await first.hears(500)
    await first.hangup()
    await second.hangup()
    await h.over(callid)
    assert not pbx.receiver.named("PlayPromptEnd")


async def test_a_group_does_not_wait_for_ever(pbx: TestPbx) -> None:
    """1001 answers, 1002 rings on: it is given up after 5 seconds, and 1001 hears the prompt."""
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "6300")
    first, second = await h.two.incoming(), await h.three.incoming()
    await first.answer()
    await eventually(lambda: second.ended, "the other is given up", 8)
    await first.hears(500)
    await first.over()
    await h.over(callid)
    assert "PlayPromptEnd low to 1001" in h.all()
    assert not pbx.receiver.named("CallFailed")


@pytest.mark.parametrize("when", ["ringing", "half open", "playing"])
async def test_the_music_of_a_group_is_stopped(pbx: TestPbx, when: str) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "6300", count="99")
    calls = [await h.two.incoming(), await h.three.incoming()]
    await h.told("1001 Ringing")
    await h.told("1002 Ringing")
    for call in {"ringing": [], "half open": calls[:1], "playing": calls}[when]:
        await call.answer()
    if when == "playing":
        await calls[0].hears(500)
        await calls[1].hears(500)
    if when == "half open":
        await h.told("1001 Busy")
    assert await pbx.client.ok("paginggroup/hangup/music", {"number": "6300"}) == {"status": "Success"}
    for call in calls:
        await eventually(lambda call=call: call.ended, "the phone is let go")  # type: ignore[misc]
    cdr = await h.over(callid)
    assert cdr["status"] == ("NO ANSWER" if when == "ringing" else "ANSWERED")
    assert not pbx.receiver.named("PlayPromptEnd")
    assert not pbx.receiver.named("CallFailed")
    assert not calls[0].rtp.hears(500) or when == "playing"


async def test_a_live_announcement_is_ended(pbx: TestPbx) -> None:
    h = await house(pbx)
    h.two.auto_answer = h.three.auto_answer = True
    callid = await pbx.client.ok("call/dial", {"caller": "1000", "callee": "6300"})
    mine = await h.one.incoming()
    await mine.answer()
    first = await h.two.incoming()
    await first.hears(440)
    await pbx.client.ok("paginggroup/hangup/music", {"number": "6300"})
    await mine.over()
    await first.over()
    await h.over(callid["callid"])


async def test_stopping_where_nothing_plays(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "1000", count="99")
    mine = await h.one.incoming()
    await mine.answer()
    await mine.hears(500)
    assert await pbx.client.ok("paginggroup/hangup/music", {"number": "6300"}) == {"status": "Success"}
    for number, errno in (("", "10004"), ("6399", "10036"), ("1000", "10036"), ("6300\r\nx", "10036")):
        assert await pbx.client.errno("paginggroup/hangup/music", {"number": number}) == errno
    mine.rtp.forget()
    await mine.hears(500)
    await mine.hangup()
    await pbx.receiver.cdr(callid)


REFUSED: list[tuple[Json, str]] = [
    ({"number": "1000"}, "10004"),
    ({"prompt": "low"}, "10004"),
    ({"number": "1000", "prompt": ""}, "10004"),
    ({"number": "1000", "prompt": "none"}, "10023"),
    ({"number": "1000", "prompt": "low+none"}, "10023"),
    ({"number": "1000", "prompt": "low+"}, "10023"),
    ({"number": "1000", "prompt": "low.wav"}, "10023"),
    ({"number": "1000", "prompt": "../record/low"}, "10023"),
    ({"number": "1000", "prompt": "low,high"}, "10023"),
    ({"number": "1000", "prompt": "low&high"}, "10023"),
    ({"number": "1000", "prompt": "low\r\nVariable: x=y"}, "10023"),
    ({"number": "1000", "prompt": "low", "volume": "21"}, "10104"),
    ({"number": "1000", "prompt": "low", "volume": "-1"}, "10104"),
    ({"number": "1000", "prompt": "low", "volume": "loud"}, "10104"),
    ({"number": "1000", "prompt": "low", "count": "0"}, "10004"),
    ({"number": "1000", "prompt": "low", "count": "x"}, "10004"),
    ({"number": "1000", "prompt": "low", "autoanswer": "perhaps"}, "10004"),
    ({"number": "1999", "prompt": "low"}, "10006"),
    ({"number": "6500", "prompt": "low"}, "10006"),
    ({"number": "6200", "prompt": "low"}, "10006"),
    ({"number": "6400", "prompt": "low", "dialpermission": "1000"}, "10006"),
    ({"number": "95550001", "prompt": "low"}, "10004"),
    ({"number": "95550001", "prompt": "low", "dialpermission": "4711"}, "10006"),
    ({"number": "95550001", "prompt": "low", "dialpermission": "1002"}, "10024"),
    ({"number": "75550001", "prompt": "low", "dialpermission": "1000"}, "10100"),
]


async def test_refused(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    for body, errno in REFUSED:
        assert (body, await pbx.client.errno("call/playprompt", body)) == (body, errno)
    assert not pbx.core.records.open_calls()
    assert not pbx.receiver.events
    assert not any(phone.calls for phone in (h.one, h.two, h.three, h.first))


@pytest.mark.parametrize("end", ["off", "busy", "no answer", "do not disturb"])
async def test_an_extension_is_not_reached(pbx: TestPbx, end: str) -> None:
    settings = {"dnd": "on"} if end == "do not disturb" else {}
    h = await house(pbx, ringtimeout="1", **settings)
    await prompts(h)
    if end == "off":
        await h.one.register(0)
        await h.told("1000 Unregistered")
        pbx.receiver.clear()
    h.one.auto_refuse = 486 if end == "busy" else 0
    callid = await play(h, "1000")
    await h.over(callid)
    reason = {"off": "408 Request Time", "busy": "486 Busy here", "do not disturb": "DND"}
    status = "BUSY" if end in {"busy", "do not disturb"} else "NO ANSWER"
    assert h.all()[-2:] == [
        f"CallFailed {reason.get(end, '603 Declined')}: 1000",
        f"NewCdr prompt 1000 {status} Internal",
    ]


@pytest.mark.parametrize("end", ["off", "busy", "no answer"])
async def test_nobody_of_a_group_is_reached(pbx: TestPbx, end: str) -> None:
    h = await house(pbx)
    await prompts(h)
    for number, phone in (("1001", h.two), ("1002", h.three)):
        if end == "off":
            await phone.register(0)
            await h.told(f"{number} Unregistered")
        phone.auto_refuse = 486 if end == "busy" else 0
    pbx.receiver.clear()
    callid = await play(h, "6300")
    await pbx.receiver.cdr(callid, 12)
    await h.over(callid)
    failed, record = h.all()[-2:]
    reason = {"off": "408 Request Time", "busy": "486 Busy here", "no answer": "603 Declined"}[end]
    assert failed.startswith(f"CallFailed {reason}: ")
    assert record == f"NewCdr prompt 6300 {'BUSY' if end == 'busy' else 'NO ANSWER'} Internal"
    assert len(pbx.receiver.named("CallFailed")) == 1


@pytest.mark.parametrize(("code", "reason"), [(486, "486 Busy here"), (404, "404 NOT found")])
async def test_an_outside_number_is_not_reached(pbx: TestPbx, code: int, reason: str) -> None:
    h = await house(pbx)
    await prompts(h)
    h.first.refusing = code
    callid = await play(h, "95550001", dialpermission="1000")
    await h.over(callid)
    status = "BUSY" if code == 486 else "NO ANSWER"
    assert h.all() == [
        f"CallFailed {reason}: prompt>95550001",
        f"NewCdr prompt 95550001 {status} Outbound",
    ]


async def test_the_application_hangs_up(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    callid = await play(h, "1000", count="99")
    mine = await h.one.incoming()
    await mine.answer()
    await mine.hears(500)
    await h.hang_up(callid)
    await mine.over()
    await h.over(callid)
    assert not pbx.receiver.named("PlayPromptEnd")


async def test_who_is_in_a_call_is_left_in_peace(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    h.two.auto_answer = h.three.auto_answer = True
    talk = await h.one.call("1001")
    await talk.answered()
    callid = await play(h, "6300")
    mine = await h.three.incoming()
    await mine.hears(500)
    await mine.over()
    cdr = await pbx.receiver.cdr(callid)
    assert cdr["status"] == "ANSWERED"
    assert "PlayPromptEnd low to 1002" in h.all()
    assert len(h.two.calls) == 1
    await talk.hangup()


async def test_prompts_are_played_on_while_offhook_is_away(pbx: TestPbx) -> None:
    h = await house(pbx)
    await prompts(h)
    h.one.auto_answer = True
    callid = await play(h, "1000", "low+high", count="3")
    mine = await h.one.incoming()
    await mine.hears(500)
    switch = pbx.pbx.switch
    await switch.close()
    try:
        await mine.hears(1800)
        await mine.hears(500)
        await mine.over()
    finally:
        switch.start()
        await switch.wait_healthy(20)
    cdr = await h.over(callid)
    assert (cdr["callfrom"], cdr["status"], cdr["type"]) == ("prompt", "ANSWERED", "Internal")
    assert int(cdr["talkduraction"]) >= 3
