"""Voicemail by phone: hearing, deleting, greetings, a full box; and a room that is cleared meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.story import phones
from tests.support.voicemail import folder, has, lamp_shows, leave, opens, speak

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = ("msg0000.wav", "unread")
EVERYTHING = {"number": "1001", "voicemailfile": "all", "voicemailstatus": "all"}


async def _opened(pbx: TestPbx, phone: Phone) -> Call:
    """The phone's own box, opened by its PIN, which is its number."""
    call = await phone.call("*2")
    await call.answered()
    await call.rtp.press(f"{phone.number}#")
    await opens(pbx, phone.number)
    return call


async def _hears(call: Call, frequency: int) -> None:
    """Wait until the phone hears a tone, behind whatever is said before it."""
    await eventually(lambda: call.rtp.hears(frequency), f"{frequency} Hz are heard", 25)


async def test_messages_are_heard_deleted_and_a_room_is_cleared(pbx: TestPbx) -> None:
    data = pbx.settings.data
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await leave(data, one, "1001")
    await leave(data, three, "1001")
    await lamp_shows(two, 2, 0)

    call = await _opened(pbx, two)
    # the engine would take the second message for the first one
    assert await pbx.client.errno("voicemail/delete", EVERYTHING) == "10116"
    await call.rtp.press("1")
    await _hears(call, one.frequency)
    await call.rtp.press("67")
    await call.hangup()
    await lamp_shows(two, 0, 1)  # the first was heard, the second deleted
    await has(pbx, "1001", ("msg0000.wav", "read"))

    await leave(data, one, "1001")
    await has(pbx, "1001", FIRST, ("msg0000.wav", "read"))
    await lamp_shows(two, 1, 1)
    call = await _opened(pbx, two)
    await pbx.client.ok("hotel/checkout", {"number": "1001"})
    await call.over()
    await has(pbx, "1001")
    await lamp_shows(two, 0, 0)

    # a box that is switched off keeps what is in it, until it is deleted
    await leave(data, one, "1001")
    await pbx.client.ok("extension/update", {"number": "1001", "hasvoicemail": "off"})
    await has(pbx, "1001", FIRST)
    await pbx.client.ok("voicemail/delete", {**EVERYTHING, "voicemailfile": "msg0000.wav"})
    await has(pbx, "1001")


async def test_greetings_of_the_phone_and_of_the_operator(pbx: TestPbx) -> None:
    data = pbx.settings.data
    one, two, _ = await phones(pbx, "1000", "1001", "1002")
    await pbx.prompt("away", 1200, 3)
    call = await _opened(pbx, two)
    await call.rtp.press("01")
    box = folder(data, "1001", ".")
    await eventually(
        lambda: sum(path.stat().st_size for path in box.glob("unavail*.wav")) > 24000, "it is recorded", 20
    )
    await call.rtp.press("#")
    for _ in range(8):  # a key that comes during the thanks is not taken
        await call.rtp.press("1")
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: (box / "unavail.wav").exists(), "the greeting is kept", 1.5)
            break
    await call.hangup()

    # the PIN cannot be changed by phone, and what was typed is in no log
    call = await _opened(pbx, two)
    await call.rtp.press("05")
    for _ in range(2):
        call.rtp.forget()
        await eventually(lambda: call.rtp.packets > 40, "something is said")
        await call.rtp.press("24680#")
    call.rtp.forget()
    await eventually(lambda: call.rtp.packets > 40, "something is said")
    await call.hangup()
    (shown,) = (await pbx.client.ok("extension/query", {"number": "1001"}))["extinfos"]
    assert shown["vmsecret"] == "1001"
    assert "24680" not in (data / "asterisk/log/messages").read_text(encoding="utf-8", errors="replace")

    call = await one.call("#1001")
    await _hears(call, two.frequency)
    await call.hangup()
    made = await pbx.admin("POST", "/mailboxes", {"extension": "1001", "greetingbusy": "away"}, status=201)
    call = await one.call("1001")
    await (await two.incoming()).refuse(486)
    await _hears(call, 1200)
    await call.hangup()
    await pbx.admin("PATCH", f"/mailboxes/{made['id']}", {"greeting": "away", "greetingbusy": ""})
    call = await one.call("#1001")
    await _hears(call, 1200)
    await speak(data, call, "1001", 1.0)
    await call.hangup()
    await pbx.admin("DELETE", "/prompts/away", status=409)
    await pbx.client.ok("extension/delete", {"number": "1001"})
    assert (await pbx.admin("GET", "/mailboxes"))["items"] == []
    await pbx.admin("DELETE", "/prompts/away", status=204)


async def test_a_full_box_short_messages_and_old_ones(pbx: TestPbx) -> None:
    data = pbx.settings.data
    one, two, _ = await phones(pbx, "1000", "1001", "1002")
    before = await pbx.admin("GET", "/settings/voicemail")
    limits = {"maxmessages": 1, "minlength": 60, "maxlength": 10}
    try:
        await pbx.admin("PATCH", "/settings/voicemail", limits)
        call = await one.call("#1001")
        await call.answered()
        await eventually(lambda: call.rtp.packets > 20, "the greeting is heard", 10)
        await call.rtp.press("#")
        await asyncio.sleep(2)
        await call.hangup()
        await pbx.quiet()
        await has(pbx, "1001")  # too short
        await pbx.admin("PATCH", "/settings/voicemail", {"minlength": 1})
        await leave(data, one, "1001")
        await lamp_shows(two, 1, 0)
        call = await one.call("#1001")
        await call.answered()
        await eventually(lambda: call.rtp.packets > 20, "the greeting is heard", 10)
        await call.rtp.press("#")
        await call.over()  # the box is full, which is said
        await has(pbx, "1001", FIRST)
        text = folder(data, "1001") / "msg0000.txt"
        text.write_text(text.read_text().replace("origtime=", "origtime=1\nx="))
        await pbx.admin("PATCH", "/settings/voicemail", {"keepdays": 1})
        await has(pbx, "1001")
        await lamp_shows(two, 0, 0)
    finally:
        await pbx.admin("PATCH", "/settings/voicemail", before)
