"""What the PBX says is said in the extension's language: prompts, numbers, times. German is tones here."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.clock import Clock
from tests.support.pbx import TestPbx, tone_file
from tests.support.phone import Call, eventually
from tests.support.queue_calls import carrier_to
from tests.support.story import phones
from tests.support.voicemail import leave, opens

pytestmark = pytest.mark.asyncio(loop_scope="session")

VOICEMAIL, NUMBERS, OTHERS = 1500, 1200, 910
NOBODY = "general: {language: en}"


@pytest_asyncio.fixture(loop_scope="session")
async def german(pbx: TestPbx) -> AsyncIterator[TestPbx]:
    """The PBX with German sounds: those that the engine has in English, and the genders of `one`."""
    sounds = pbx.settings.data / "sounds"
    tones = {tone: tone_file(tone, 0.6, rate=8000, channels=1) for tone in (VOICEMAIL, NUMBERS, OTHERS)}
    for english in (sounds / "en").resolve().rglob("*.wav"):
        path = sounds / "de" / english.relative_to((sounds / "en").resolve())
        path.parent.mkdir(parents=True, exist_ok=True)
        said = (
            NUMBERS if path.parent.name == "digits" else VOICEMAIL if path.name.startswith("vm-") else OTHERS
        )
        path.write_bytes(tones[said])
    for gender in "FN":
        (sounds / "de" / "digits" / f"1{gender}.wav").write_bytes(tones[NUMBERS])
    yield pbx
    await pbx.apply(NOBODY)
    shutil.rmtree(sounds / "de")


async def _hears(call: Call, frequency: int) -> None:
    await eventually(lambda: call.rtp.hears(frequency), f"{frequency} Hz are heard", 20)


async def _says(call: Call) -> None:
    await eventually(lambda: call.rtp.level > 300, "something is said")


async def test_prompts_numbers_and_times_are_said_in_the_extensions_language(german: TestPbx) -> None:
    pbx = german
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("extensions: [{number: 1000, language: de}, {number: 1001}]")
    shown = (await pbx.client.ok("extension/query", {"number": "1000,1001"}))["extinfos"]
    assert [extension["language"] for extension in shown] == ["de", "System Default"]

    await leave(pbx.settings.data, two, "1000")
    call = await one.call("*2")
    await _hears(call, VOICEMAIL)
    await call.rtp.press("1000#")
    await opens(pbx, "1000")
    await _hears(call, NUMBERS)  # how many messages there are
    await call.hangup()
    call = await two.call("*2")
    await _says(call)
    assert call.rtp.share(VOICEMAIL) < 0.3, "the other one's is English"
    await call.hangup()
    call = await one.call("*74")
    await _hears(call, OTHERS)  # do not disturb is on
    await call.over()

    await pbx.prompt("morning", 700, 0.3)
    then = datetime.datetime.fromtimestamp(Clock().now() + 120, datetime.UTC)
    wish = {
        "time": f"{then:%H:%M}",
        "type": "onetime",
        "repeats": 1,
        "repeatinterval": 5,
        "prompt": "morning",
    }
    await pbx.admin("PATCH", "/settings/wakeup", {"saytime": True})
    await pbx.client.ok("wakeupcall/create", {"number": "1000", "wakeup": [wish]})
    try:
        pbx.core.clock.now = lambda: Clock().now() + 120  # type: ignore[method-assign]
        woken = await one.incoming()
        await woken.answer()
        await _hears(woken, NUMBERS)
        await woken.hangup()
    finally:
        del pbx.core.clock.now
        await pbx.admin("PATCH", "/settings/wakeup", {"saytime": False})


async def test_who_has_no_language_hears_that_of_the_pbx_and_a_missing_one_is_english(
    german: TestPbx,
) -> None:
    pbx = german
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("{general: {language: de}, extensions: [{number: 1000, language: pt}, {number: 1001}]}")
    carrier = await carrier_to(pbx, "voicemail", "1001")
    call = await carrier.call_in("1")
    await _hears(call, VOICEMAIL)
    await call.hangup()
    call = await two.call("*2")
    await _hears(call, VOICEMAIL)
    await call.hangup()
    call = await one.call("*2")
    await _says(call)
    assert call.rtp.share(VOICEMAIL) < 0.3
    await call.hangup()
    await pbx.apply(NOBODY)
    call = await carrier.call_in("1")
    await _says(call)
    assert call.rtp.share(VOICEMAIL) < 0.3
    await call.hangup()
