"""Sequences that the reference does not print: voicemail, forwards, rooms, pages (docs/compatibility.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.story import LEFT, RANG, Story, end_of_talk, outside, phones

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Voicemail --------------------------------------------------------------------------------------------

BOX = {
    "no answer": ({"ringtimeout": "1"}, RANG, "NO ANSWER"),
    "busy": ({}, RANG, "BUSY"),
    "always": ({"alwaysforward": "on", "atransferto": "Voicemail"}, (), "NO ANSWER"),
    "do not disturb": ({"dnd": "on"}, (), "BUSY"),
}


@pytest.mark.parametrize("message", [False, True], ids=["hangs up", "message"])
@pytest.mark.parametrize("why", BOX)
async def test_voicemail(pbx: TestPbx, why: str, message: bool) -> None:
    settings, rang, status = BOX[why]
    one, two = await phones(pbx, "1000", "1001", e1001=settings)
    story = await Story.begin(pbx)
    call = await one.call("1001")
    await story.tells("1000 Busy", *rang)
    if why == "busy":
        await (await two.incoming()).refuse(486)
    await story.tells(*(LEFT if rang else ()), "Forward 1000", "CallStatus 1000 ANSWERED")
    await call.answered()
    if message:
        await eventually(lambda: call.rtp.packets > 20, "the greeting is heard")
        await call.rtp.press("#")
        await _recorded(pbx, "1001")
    await call.hangup()
    status = "VOICEMAIL" if message else status
    await story.tells("CallStatus 1000 BYE", "1000 Registered", f"NewCdr 1000 1001 {status} Internal")
    await story.ends()
    cdr = pbx.receiver.named("NewCdr")[0]
    assert cdr["talkduraction"] == "0"
    box = pbx.settings.data / "asterisk/spool/voicemail/default/1001/INBOX"
    assert (box / "msg0000.wav").exists() is message


async def _recorded(pbx: TestPbx, number: str) -> None:
    """Wait until two seconds of speech are in a box."""
    box = pbx.settings.data / f"asterisk/spool/voicemail/default/{number}"

    def size() -> int:
        return max((path.stat().st_size for path in Path(box).rglob("*.wav")), default=0)

    await eventually(lambda: size() > 44 + 32000, "two seconds of speech are recorded", 20)


async def test_voicemail_of_an_outside_caller(pbx: TestPbx) -> None:
    await phones(pbx, "1000", "1001", e1001={"ringtimeout": "1"})
    carrier = await outside(pbx)
    story = await Story.begin(pbx)
    call = await carrier.call_in("55")
    await story.tells("CallStatus 12345678>55 ALERT, 1001 RING", "1001 Ringing")
    await story.tells(*LEFT, "Forward 12345678>55", "CallStatus 12345678>55 ANSWERED")
    await call.answered()
    await call.hangup()
    await story.tells("CallStatus 12345678>55 BYE", "NewCdr 12345678 1001 NO ANSWER Inbound")
    await story.ends()


# Forwards ---------------------------------------------------------------------------------------------

FORWARDS = {"always": "a", "busy": "b", "noanswer": "n"}


async def _until_forwarded(story: Story, kind: str, two: Phone, caller: str = "1000") -> None:
    if kind != "always":
        await story.tells(f"CallStatus {caller} ALERT, 1001 RING", "1001 Ringing")
    if kind == "busy":
        await (await two.incoming()).refuse(486)
    await story.tells(*(() if kind == "always" else LEFT), f"Forward {caller}")


def _forward(kind: str, to: str) -> dict[str, str]:
    short = FORWARDS[kind]
    fields = {f"{kind}forward": "on", "ringtimeout": "1"}
    if to == "extension":
        return {**fields, f"{short}transferto": "Extension", f"{short}transferext": "1002"}
    number = {f"{short}transferprefix": "9", f"{short}transfernum": "5551234"}
    return {**fields, f"{short}transferto": "Custom Number", **number}


@pytest.mark.parametrize("kind", FORWARDS)
async def test_forward_to_an_extension(pbx: TestPbx, kind: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.client.ok("extension/update", {"number": "1001", **_forward(kind, "extension")})
    story = await Story.begin(pbx)
    call = await one.call("1001")
    await story.tells("1000 Busy")
    await _until_forwarded(story, kind, two)
    await story.tells("CallStatus 1000 ALERT, 1002 RING", "1002 Ringing")
    last = await three.incoming()
    await last.answer()
    await story.tells("CallStatus 1000 ANSWERED, 1002 ANSWER", "1002 Busy")
    await call.hears(700)
    await last.hears(440)
    await last.hangup()
    await story.tells(*end_of_talk("1002", "1000", "1000 1002 ANSWERED Internal"))
    await story.ends()


@pytest.mark.parametrize("caller", ["1000", "12345678"])
@pytest.mark.parametrize("kind", FORWARDS)
async def test_forward_to_theoutside(pbx: TestPbx, kind: str, caller: str) -> None:
    one, two = await phones(pbx, "1000", "1001", e1001={"callrestriction": "off"})
    carrier = await outside(pbx)
    far = await pbx.carrier(address="127.0.0.3", frequency=800)
    await pbx.trunk(far, "far")
    route = (await pbx.client.ok("outroute/query", {"id": "all"}))["outroutes"][0]
    await pbx.client.ok("outroute/update", {"id": route["id"], "trunks": "far"})
    await pbx.client.ok("extension/update", {"number": "1001", **_forward(kind, "outside")})
    story = await Story.begin(pbx)
    who = caller if caller == "1000" else f"{caller}>55"
    call = await (one.call("1001") if caller == "1000" else carrier.call_in("55", caller))
    if caller == "1000":
        await story.tells("1000 Busy")
    await _until_forwarded(story, kind, two, who)
    await story.tells(f"CallStatus {who} ALERT, 1001>95551234 RING")
    last = await far.incoming()
    assert last.invite is not None
    assert last.invite.uri.startswith("sip:5551234@")
    await last.answer()
    await story.tells(f"CallStatus {who} ANSWERED, 1001>95551234 ANSWER")
    await call.hears(800)
    await call.hangup()
    kind_of_call = "Outbound" if caller == "1000" else "Inbound"
    record = f"{caller} 95551234 ANSWERED {kind_of_call}"
    await story.tells(*end_of_talk(who, "1001>95551234", record))
    await story.ends()
    assert pbx.receiver.named("NewCdr")[0]["dsttrcunkname"] == "far"


# Conference -------------------------------------------------------------------------------------------


async def test_conference_of_two_extensions_and_an_outside_caller(pbx: TestPbx) -> None:
    await pbx.apply("conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]")
    one, two = await phones(pbx, "1000", "1001")
    carrier = await outside(pbx, desttype="conference", dest="6400")
    story = await Story.begin(pbx)
    call = await one.call("6400")
    await story.tells("1000 Busy", "CallStatus 1000 ANSWERED/6400")
    other = await two.call("6400")
    await story.tells("1001 Busy", "CallStatus 1001 ANSWERED/6400")
    third = await carrier.call_in("55")
    await story.tells("CallStatus 12345678>55 ANSWERED/6400")
    for one_of_them in (call, other, third):
        await eventually(lambda it=one_of_them: not it.rtp.silent, "the others are heard")  # type: ignore[misc]
    await other.hangup()
    await story.tells("CallStatus 1001 BYE/6400", "1001 Registered", "NewCdr 1001 6400 ANSWERED Internal")
    await call.hears(900)
    await third.hears(440)
    await third.hangup()
    await story.tells("CallStatus 12345678>55 BYE/6400", "NewCdr 12345678 6400 ANSWERED Inbound")
    await call.hangup()
    await story.tells("CallStatus 1000 BYE/6400", "1000 Registered", "NewCdr 1000 6400 ANSWERED Internal")
    await story.ends()
    assert len(story.callids()) == 3


@pytest.mark.parametrize("how", ["answers", "refuses", "does not answer"])
async def test_an_invitation_to_a_conference(pbx: TestPbx, how: str) -> None:
    await pbx.apply(
        "conferences: [{number: 6400, name: Room, allowinvite: yes, announcements: off, musiconhold: no}]"
    )
    settings = {"ringtimeout": "1", "busyforward": "off", "noanswerforward": "off"}
    one, two = await phones(pbx, "1000", "1001", e1001=settings)
    story = await Story.begin(pbx)
    call = await one.call("6400")
    await story.tells("1000 Busy", "CallStatus 1000 ANSWERED/6400")
    await call.rtp.press("#")
    await call.rtp.press("1001#")
    await story.tells("CallStatus 1001 RING/6400", "1001 Ringing")
    invited = await two.incoming()
    assert "<sip:6400@" in invited.shown
    if how == "refuses":
        await invited.refuse(486)
    elif how == "answers":
        await invited.answer()
        await story.tells("CallStatus 1001 ANSWER/6400", "1001 Busy")
        await call.hears(570)
        await invited.hears(440)
        await invited.hangup()
    status = {"answers": "ANSWERED", "refuses": "BUSY"}.get(how, "NO ANSWER")
    await story.tells("CallStatus 1001 BYE/6400", "1001 Registered", f"NewCdr 6400 1001 {status} Internal")
    await call.hangup()
    await story.tells("CallStatus 1000 BYE/6400", "1000 Registered", "NewCdr 1000 6400 ANSWERED Internal")
    await story.ends()


# Paging -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["paging", "intercom"])
async def test_paging(pbx: TestPbx, kind: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    page = f"{{number: 6300, name: All, type: {kind}, member: [1001, 1002], enabledialtoanswer: yes}}"
    await pbx.apply(f"paginggroups: [{page}]")
    story = await Story.begin(pbx)
    call, first, second = await _page(story, one, two, three)
    await call.hangup()
    await first.over()
    await second.over()
    await story.tells("CallStatus 1000 BYE/6300")
    rest = [f"{who} Registered" for who in ("1000", "1001", "1002")]
    rest += ["CallStatus 1001 BYE/6300", "CallStatus 1002 BYE/6300"]
    await story.tells_in_any_order(*rest)
    await story.tells("NewCdr 1000 6300 ANSWERED Internal")
    await story.ends()


async def _page(story: Story, one: Phone, two: Phone, three: Phone) -> tuple[Call, Call, Call]:
    """1000 pages 1001, then 1002 answers; which phone rings first is the engine's affair."""
    call = await one.call("6300")
    await story.tells("1000 Busy", "CallStatus 1000 ANSWERED/6300")
    first, second = await two.incoming(), await three.incoming()
    told = await story.peek(1)
    sooner, later = ("1002", "1001") if "1002" in told[0] else ("1001", "1002")
    await story.tells(f"CallStatus 1000 ANSWERED/6300, {sooner} RING/6300", f"{sooner} Ringing")
    await story.tells("CallStatus 1000 ANSWERED/6300, 1001 RING/6300, 1002 RING/6300", f"{later} Ringing")
    await first.answer()
    await story.tells("CallStatus 1000 ANSWERED/6300, 1001 ANSWER/6300", "1001 Busy")
    await second.answer()
    await story.tells("CallStatus 1000 ANSWERED/6300, 1001 ANSWER/6300, 1002 ANSWER/6300", "1002 Busy")
    await eventually(lambda: not first.rtp.silent and not second.rtp.silent, "the page is heard")
    return call, first, second


async def test_a_page_is_answered_by_star(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    page = "{number: 6300, name: All, type: paging, member: [1001, 1002], enabledialtoanswer: yes}"
    await pbx.apply(f"paginggroups: [{page}]")
    story = await Story.begin(pbx)
    call, first, second = await _page(story, one, two, three)
    await first.rtp.press("*")
    await story.tells("CallStatus 1002 BYE/6300", "1002 Registered")
    await second.over()
    await call.hears(570)
    await first.hears(440)
    await first.hangup()
    await story.tells("CallStatus 1001 BYE/6300")
    await call.hangup()
    await story.tells("CallStatus 1000 BYE/6300", "1001 Registered", "1000 Registered")
    await story.tells("NewCdr 1000 6300 ANSWERED Internal")
    await story.ends()
