"""Sequences of transfers by keys and by the phone itself, whole (docs/compatibility.md)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.story import LEFT, Story, end_of_talk, outside, phones, talk_of_two

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Transfers at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["callee", "caller"])
async def test_transfer_at_once(pbx: TestPbx, by: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    mine, theirs = (talk, call) if by == "callee" else (call, talk)
    who, other = ("1001", "1000") if by == "callee" else ("1000", "1001")
    await mine.rtp.press("*03")
    held = "CallStatus 1000 HOLD, 1001 ANSWER" if by == "callee" else "CallStatus 1000 ANSWERED, 1001 HOLD"
    await story.tells("Tranfer", held)
    told = pbx.receiver.named("Tranfer")[0]
    assert [dict(member["ext"], channelid="") for member in told["members"]] == [
        {"number": "1000", "channelid": ""},
        {"number": "1001", "channelid": ""},
    ]
    await mine.rtp.press("1002")
    await story.tells(f"CallStatus {who} BYE", f"{who} Registered")
    await mine.over()
    await story.tells(f"CallStatus {other} ALERT, 1002 RING", "1002 Ringing")
    last = await three.incoming()
    assert f"<sip:{other}@" in last.shown
    await last.answer()
    await story.tells(f"CallStatus {other} ANSWERED, 1002 ANSWER", "1002 Busy")
    await theirs.hears(700)
    await last.hears(440 if by == "callee" else 570)
    await theirs.hangup()
    await story.tells(*end_of_talk(other, "1002", "1000 1001 ANSWERED Internal"))
    await story.ends()
    assert len(story.callids()) == 1


async def test_transfer_at_once_of_an_outside_caller(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1001", "1002")
    carrier = await outside(pbx)
    story = await Story.begin(pbx)
    call = await carrier.call_in("55")
    await story.tells("CallStatus 12345678>55 ALERT, 1001 RING", "1001 Ringing")
    talk = await one.incoming()
    await talk.answer()
    await story.tells("CallStatus 12345678>55 ANSWERED, 1001 ANSWER", "1001 Busy")
    await talk.hears(900)
    await talk.rtp.press("*03")
    await story.tells("Tranfer", "CallStatus 12345678>55 HOLD, 1001 ANSWER")
    members = pbx.receiver.named("Tranfer")[0]["members"]
    assert [next(iter(member)) for member in members] == ["inbound", "ext"]
    assert "memberstatus" not in members[0]["inbound"]
    await talk.rtp.press("1002")
    await story.tells(*LEFT, "CallStatus 12345678>55 ALERT, 1002 RING", "1002 Ringing")
    last = await two.incoming()
    await last.answer()
    await story.tells("CallStatus 12345678>55 ANSWERED, 1002 ANSWER", "1002 Busy")
    await call.hears(570)
    await call.hangup()
    await story.tells(*end_of_talk("12345678>55", "1002", "12345678 1001 ANSWERED Inbound"))
    await story.ends()


async def test_transfer_at_once_to_who_is_busy(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1002={"busyforward": "off"})
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*03")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("1002")
    await story.tells(*LEFT)
    await story.tells("CallStatus 1000 ALERT, 1002 RING", "1002 Ringing")
    await (await three.incoming()).refuse(486)
    await story.tells("CallStatus 1002 BYE", "CallStatus 1000 BYE", "1002 Registered", "1000 Registered")
    await story.tells("CallFailed 486 Busy here: 1000", "NewCdr 1000 1001 ANSWERED Internal")
    await call.over()
    await story.ends()


async def test_transfer_at_once_to_voicemail(pbx: TestPbx) -> None:
    one, two, _ = await phones(pbx, "1000", "1001", "1002", e1002={"dnd": "on"})
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*03")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("1002")
    await story.tells(*LEFT)
    await story.tells("Forward 1000", "CallStatus 1000 ANSWERED")
    await call.hangup()
    await story.tells("CallStatus 1000 BYE", "1000 Registered", "NewCdr 1000 1001 ANSWERED Internal")
    await story.ends()


async def test_transfer_at_once_without_a_number(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*03")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER", seconds=20)
    await call.hears(570)
    await call.hangup()
    await story.tells(*end_of_talk("1000", "1001", "1000 1001 ANSWERED Internal"))
    await story.ends()


# Transfers with consultation --------------------------------------------------------------------------


async def _consult(story: Story, who: str, phone: Call, third: Phone) -> Call:
    """`who` asks 1002, whose phone rings then."""
    await phone.rtp.press("*3")
    held = "CallStatus 1000 HOLD, 1001 ANSWER" if who == "1001" else "CallStatus 1000 ANSWERED, 1001 HOLD"
    await story.tells("Tranfer", held)
    await phone.rtp.press("1002")
    await story.tells(f"CallStatus {who} ALERT, 1002 RING", "1002 Ringing")
    return await third.incoming()


@pytest.mark.parametrize("by", ["callee", "caller"])
async def test_transfer_with_consultation(pbx: TestPbx, by: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    mine, theirs = (talk, call) if by == "callee" else (call, talk)
    who, other = ("1001", "1000") if by == "callee" else ("1000", "1001")
    last = await _consult(story, who, mine, three)
    await last.answer()
    await story.tells(f"CallStatus {who} ANSWERED, 1002 ANSWER", "1002 Busy")
    await mine.hears(700)
    await mine.hangup()
    await story.tells(f"CallStatus {who} BYE", f"{who} Registered")
    await story.tells(f"CallStatus {other} ANSWERED, 1002 ANSWER")
    await theirs.hears(700)
    await last.hears(440 if by == "callee" else 570)
    await last.hangup()
    await story.tells(*end_of_talk("1002", other, "1000 1001 ANSWERED Internal"))
    await story.ends()
    assert len(story.callids()) == 1


@pytest.mark.parametrize("how", ["no answer", "refuses", "hangs up", "gives up"])
async def test_a_consultation_that_returns(pbx: TestPbx, how: str) -> None:
    third = {"noanswerforward": "off", "busyforward": "off"}
    third |= {"ringtimeout": "1"} if how == "no answer" else {}
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1002=third)
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    last = await _consult(story, "1001", talk, three)
    if how == "refuses":
        await last.refuse(486)
    elif how == "gives up":
        await talk.rtp.press("*1")
    elif how == "hangs up":
        await last.answer()
        await story.tells("CallStatus 1001 ANSWERED, 1002 ANSWER", "1002 Busy")
        await talk.hears(700)
        await last.hangup()
    await story.tells("CallStatus 1002 BYE")
    # the phone is free when its channel ends, which nothing ties to the end of the others' hold
    await story.tells_in_any_order("1002 Registered", "CallStatus 1000 ANSWERED, 1001 ANSWER")
    await call.hears(570)
    await talk.hears(440)
    await talk.hangup()
    await story.tells(*end_of_talk("1001", "1000", "1000 1001 ANSWERED Internal"))
    await story.ends()


async def test_a_consultation_is_left_while_it_rings(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    last = await _consult(story, "1001", talk, three)
    await talk.hangup()
    await story.tells(*LEFT, "CallStatus 1000 ALERT, 1002 RING")
    await last.answer()
    await story.tells("CallStatus 1000 ANSWERED, 1002 ANSWER", "1002 Busy")
    await call.hears(700)
    await last.hears(440)
    await call.hangup()
    await story.tells(*end_of_talk("1000", "1002", "1000 1001 ANSWERED Internal"))
    await story.ends()


async def test_a_consultation_is_left_and_nobody_answers(pbx: TestPbx) -> None:
    third = {"noanswerforward": "off", "ringtimeout": "3"}
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1002=third)
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await _consult(story, "1001", talk, three)
    await talk.hangup()
    await story.tells(*LEFT, "CallStatus 1000 ALERT, 1002 RING")
    await story.tells("CallStatus 1002 BYE", "CallStatus 1000 BYE", "1002 Registered", "1000 Registered")
    await story.tells("CallFailed 603 Declined: 1000", "NewCdr 1000 1001 ANSWERED Internal")
    await call.over()
    await story.ends()


async def test_a_consultation_changes_over_and_becomes_a_talk_of_three(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    last = await _consult(story, "1001", talk, three)
    await last.answer()
    await story.tells("CallStatus 1001 ANSWERED, 1002 ANSWER", "1002 Busy")
    await talk.hears(700)
    await talk.rtp.press("*4")
    await story.tells("CallStatus 1000 ANSWERED, 1001 ANSWERED, 1002 HOLD")
    await call.hears(570)
    await talk.hears(440)
    await talk.rtp.press("*4")
    await story.tells("CallStatus 1000 HOLD, 1001 ANSWERED, 1002 ANSWER")
    await talk.hears(700)
    await talk.rtp.press("*3")
    await story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER, 1002 ANSWER")
    await eventually(lambda: not (call.rtp.silent or last.rtp.silent or talk.rtp.silent), "all hear")
    await talk.hangup()
    await story.tells(*LEFT)
    await call.hears(700)
    await last.hears(440)
    await call.hangup()
    await story.tells(*end_of_talk("1000", "1002", "1000 1001 ANSWERED Internal"))
    await story.ends()


async def test_who_waits_for_a_consultation_hangs_up(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    last = await _consult(story, "1001", talk, three)
    await last.answer()
    await story.tells("CallStatus 1001 ANSWERED, 1002 ANSWER", "1002 Busy")
    await talk.hears(700)
    await call.hangup()
    await story.tells("CallStatus 1000 BYE", "1000 Registered")
    await talk.hears(700)
    await talk.hangup()
    await story.tells(*end_of_talk("1001", "1002", "1000 1001 ANSWERED Internal"))
    await story.ends()


# Transfers by the phone's own button ------------------------------------------------------------------


@pytest.mark.parametrize("by", ["callee", "caller"])
async def test_transfer_at_once_by_the_phone(pbx: TestPbx, by: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    mine, theirs = (talk, call) if by == "callee" else (call, talk)
    who, other = ("1001", "1000") if by == "callee" else ("1000", "1001")
    assert await mine.refer("1002") == 202
    await story.tells(f"CallStatus {who} BYE", f"{who} Registered")
    await story.tells(f"CallStatus {other} ALERT, 1002 RING", "1002 Ringing")
    last = await three.incoming()
    await last.answer()
    await story.tells(f"CallStatus {other} ANSWERED, 1002 ANSWER", "1002 Busy")
    await theirs.hears(700)
    told = mine.phone.notifies
    await eventually(lambda: any("200 OK" in one.body for one in told), "the phone is told that it is done")
    await mine.hangup()  # that is the phone's part
    await theirs.hangup()
    await story.tells(*end_of_talk(other, "1002", "1000 1001 ANSWERED Internal"))
    await story.ends()


@pytest.mark.parametrize("by", ["callee", "caller"])
async def test_transfer_with_consultation_by_the_phone(pbx: TestPbx, by: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    mine, theirs = (talk, call) if by == "callee" else (call, talk)
    who, other = ("1001", "1000") if by == "callee" else ("1000", "1001")
    held = "CallStatus 1000 HOLD, 1001 ANSWER" if by == "callee" else "CallStatus 1000 ANSWERED, 1001 HOLD"
    await mine.hold()
    await story.tells(held)
    asks = await mine.phone.call("1002")
    await story.tells(f"CallStatus {who} ALERT, 1002 RING", "1002 Ringing")
    last = await three.incoming()
    await last.answer()
    await story.tells(f"CallStatus {who} ANSWERED, 1002 ANSWER", "1002 Busy")
    await asks.hears(700)
    pbx.receiver.clear()
    assert await mine.refer("1002", replaces=asks) == 202
    await theirs.hears(700)
    await last.hears(440 if by == "callee" else 570)
    await last.hangup()
    await theirs.over()
    await pbx.quiet()
    younger, older = [cdr["callid"] for cdr in pbx.receiver.named("NewCdr")]
    assert steps(pbx.receiver.of_call(older)) == [
        "CallStatus 1000 ANSWERED, 1001 ANSWER",  # the phone's hold ends
        f"CallStatus {who} BYE",
        f"CallStatus {other} ANSWERED, 1002 ANSWER",
        "CallStatus 1002 BYE",
        f"CallStatus {other} BYE",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]
    assert steps(pbx.receiver.of_call(younger)) == [
        f"CallStatus {who} BYE",
        f"NewCdr {who} 1002 ANSWERED Internal",
    ]
    states = steps(pbx.receiver.named("ExtensionStatus"))
    assert states == [f"{who} Registered", "1002 Registered", f"{other} Registered"]


# By an application ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["in a box", "nowhere"])
async def test_who_an_application_sends_on_is_the_caller(pbx: TestPbx, ends: str) -> None:
    settings = {"dnd": "on"} if ends == "in a box" else {"busyforward": "off"}
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1002=settings)
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    (running,) = pbx.pbx.live.picture.calls.values()
    channel = next(member.channelid for member in running.members if member.number == "1001")
    await pbx.client.ok("call/transfer", {"channelid": channel, "number": "1002"})
    await call.over()
    await story.tells("CallStatus 1000 BYE", "1000 Registered")
    if ends == "in a box":
        await story.tells("Forward 1001", "CallStatus 1001 ANSWERED")
        await talk.hangup()
        await story.tells(*LEFT)
    else:
        await story.tells("CallStatus 1001 ALERT, 1002 RING", "1002 Ringing")
        await (await three.incoming()).refuse(486)
        await story.tells("CallStatus 1002 BYE", "CallStatus 1001 BYE", "1002 Registered", "1001 Registered")
        await story.tells("CallFailed 486 Busy here: 1001")
        await talk.over()
    await story.tells("NewCdr 1000 1001 ANSWERED Internal")
    await story.ends()


# To machines ------------------------------------------------------------------------------------------


async def test_a_consultation_with_a_mailbox(pbx: TestPbx) -> None:
    one, two, _ = await phones(pbx, "1000", "1001", "1002", e1002={"dnd": "on"})
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*3")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("1002")
    await story.tells("Forward 1001", "CallStatus 1001 ANSWERED")
    await talk.hangup()
    await story.tells(*LEFT, "CallStatus 1000 ANSWERED")
    await call.hangup()
    await story.tells("CallStatus 1000 BYE", "1000 Registered", "NewCdr 1000 1001 ANSWERED Internal")
    await story.ends()


@pytest.mark.parametrize("code", ["*03", "*3"])
async def test_a_transfer_into_a_room(pbx: TestPbx, code: str) -> None:
    """Who is passed on numbers his packets lower than who has passed him on, as one of two does by chance."""
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one = await pbx.phone("1000", frequency=440)
    two = await pbx.phone("1001", frequency=570, sequence=30000)
    three = await pbx.phone("1002", frequency=700)
    await pbx.apply(
        "conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no, record: on}]"
    )
    room = await three.call("6400")
    await room.answered()
    await eventually(lambda: "CallStatus 1002 ANSWERED/6400" in steps(pbx.receiver.events), "in the room")
    pbx.receiver.clear()
    story = Story(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press(code)
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("6400")
    if code == "*3":
        await story.tells("CallStatus 1001 ANSWERED/6400")
        await talk.hears(700)
        await talk.hangup()
        await story.tells("CallStatus 1001 BYE/6400", "1001 Registered")
    else:
        await story.tells(*LEFT)
    await story.tells("CallStatus 1000 ANSWERED/6400")
    await call.hears(700)
    await room.hears(440)
    recorded = pbx.pbx.messages.recordings.follower.channels
    await eventually(
        lambda: sorted(one[:10] for one in recorded) == ["PJSIP/1000", "PJSIP/1002"], "both are recorded"
    )
    await call.hangup()
    await story.tells("CallStatus 1000 BYE/6400", "1000 Registered", "NewCdr 1000 1001 ANSWERED Internal")
    await room.hangup()
    await story.tells("CallStatus 1002 BYE/6400", "1002 Registered", "NewCdr 1002 6400 ANSWERED Internal")
    await story.ends()
    inside = [step.partition(": ")[2] for step in steps(pbx.receiver.named("ConferenceStatus"))]
    consulted = ["1001 ANSWERED/6400, 1002 ANSWERED/6400"] if code == "*3" else []
    passed_on = ["1000 ANSWERED/6400, 1002 ANSWERED/6400", "1002 ANSWERED/6400", ""]
    assert inside[-len(consulted) - 3 :] == consulted + passed_on


@pytest.mark.parametrize("code", ["*03", "*3"])
async def test_a_transfer_into_a_queue(pbx: TestPbx, code: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply(
        "queues: [{number: 6700, queuename: Queue, agents: 1002, announcepos: off, announceholdtime: off,"
        " wrapuptime: 0}]"
    )
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press(code)
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("6700")
    caller = "1001" if code == "*3" else "1000"
    if code == "*03":
        await story.tells(*LEFT)
    await story.tells(f"CallStatus {caller} ANSWERED/6700")
    await story.tells(f"CallStatus {caller} ANSWERED/6700, 1002 RING/6700", "1002 Ringing")
    agent = await three.incoming()
    await agent.answer()
    await story.tells(f"CallStatus {caller} ANSWERED/6700, 1002 ANSWER/6700", "1002 Busy")
    if code == "*3":
        await talk.hears(700)
        await talk.hangup()
        await story.tells("CallStatus 1001 BYE/6700", "1001 Registered")
        await story.tells("CallStatus 1000 ANSWERED/6700, 1002 ANSWER/6700")
    await call.hears(700)
    await agent.hears(440)
    await call.hangup()
    record = "1000 1001 ANSWERED Internal"
    await story.tells(*end_of_talk("1000", "1002", record, path="/6700"))
    await story.ends()
