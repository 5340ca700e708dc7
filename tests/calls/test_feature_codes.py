"""Feature codes: each one in a real call, switched off, changed, and told apart (docs/compatibility.md).

Where the others are: *2 and # in test_extension_settings; *4, *04 and *6 in test_parking_and_pickup; *3 and
*03 in test_sequences_transfers; *5, *70, *75, *075, *76 and *076 in test_features.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.pbxsettings.sections import FEATURE_CODES
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.story import phones, stays

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def _codes(pbx: TestPbx) -> AsyncIterator[None]:
    """Whatever a test sets is as before after it."""
    yield
    await pbx.admin("PATCH", "/settings/featurecodes", FEATURE_CODES.defaults)


async def _settings(pbx: TestPbx, number: str) -> dict[str, Any]:
    found: dict[str, Any] = (await pbx.client.ok("extension/query", {"number": number}))["extinfos"][0]
    del found["status"]  # busy until the phone's last call is over
    return found


async def _dialled(pbx: TestPbx, phone: Phone, code: str) -> None:
    """Dial a code and wait until the PBX has ended the call."""
    call = await phone.call(code)
    await call.answered()
    await call.over()
    await pbx.quiet()


async def _talk(one: Phone, two: Phone) -> tuple[Call, Call]:
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(two.frequency)
    await talk.hears(one.frequency)
    return call, talk


FORWARDS = {"forwardalways": "*71", "forwardbusy": "*72", "forwardnoanswer": "*73"}


@pytest.mark.parametrize("name", FORWARDS)
async def test_forwards(pbx: TestPbx, name: str) -> None:
    one, _ = await phones(pbx, "1000", "1001")
    code, kind, letter = FORWARDS[name], name.removeprefix("forward"), name.removeprefix("forward")[0]
    switch = f"{kind}forward"

    async def shown() -> tuple[str, str, str]:
        found = await _settings(pbx, "1000")
        number = found.get(f"{letter}transferext") or found.get(f"{letter}transfernum") or ""
        return found[switch], found.get(f"{letter}transferto", ""), number

    await _dialled(pbx, one, f"{code}1001")
    assert await shown() == ("on", "Extension", "1001")
    await _dialled(pbx, one, f"*0{code[1:]}")
    assert (await shown())[0] == "off"
    await _dialled(pbx, one, f"{code}95551234")
    assert await shown() == ("on", "Custom Number", "95551234")
    await _dialled(pbx, one, code)
    assert (await shown())[:2] == ("on", "Voicemail")
    await _dialled(pbx, one, f"*0{code[1:]}")
    assert (await shown())[0] == "off"


async def test_a_forward_to_oneself_is_refused(pbx: TestPbx) -> None:
    (one,) = await phones(pbx, "1000")
    before = await _settings(pbx, "1000")
    await _dialled(pbx, one, "*711000")
    assert await _settings(pbx, "1000") == before


async def test_do_not_disturb_on_and_off(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.client.ok("extension/update", {"number": "1001", "busyforward": "off"})
    await _dialled(pbx, two, "*74")
    assert await (await one.call("1001")).refused() >= 400
    await _dialled(pbx, two, "*074")
    await one.call("1001")
    await two.incoming()
    assert len(two.calls) == 3  # the two codes and this call


async def test_any_box_by_its_number_and_pin(pbx: TestPbx) -> None:
    one, _ = await phones(pbx, "1000", "1001", e1001={"vmsecret": "2468"})
    call = await one.call("*02")
    await call.answered()
    await eventually(lambda: call.rtp.packets > 20 and not call.rtp.silent, "a box is asked for")
    await call.rtp.press("1001#")
    await call.rtp.press("2468#")
    await call.rtp.press("##")  # the exit of the main menu, not of the question for a PIN
    await call.over()


DIALLED = sorted(
    set(FEATURE_CODES.defaults)
    - {"attendedtransfer", "blindtransfer", "park", "voicemailbox", "extensionpickup"}
)


@pytest.mark.parametrize("name", [*DIALLED, "voicemailbox", "extensionpickup"])
async def test_an_empty_code_switches_its_feature_off(pbx: TestPbx, name: str) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("queues: [{number: 6700, queuename: Queue}]")
    before = await _settings(pbx, "1000")
    code = FEATURE_CODES.defaults[name]
    argument = "6700" if name.startswith("agent") else "1001"
    await pbx.admin("PATCH", "/settings/featurecodes", {name: ""})
    numbers = [code, code + argument] if code != "#" else [code + argument]
    for number in numbers:
        assert await (await one.call(number)).refused() == 404
    assert await _settings(pbx, "1000") == before
    assert not two.calls


@pytest.mark.parametrize("name", ["attendedtransfer", "blindtransfer", "park"])
async def test_an_empty_key_does_nothing_in_a_call(pbx: TestPbx, name: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.admin("PATCH", "/settings/featurecodes", {name: ""})
    call, talk = await _talk(one, two)
    heard = ""
    for keys in (FEATURE_CODES.defaults[name], "#", "1002"):  # the engine's own default would be #
        heard += keys
        await talk.rtp.press(keys)
        await eventually(lambda: call.rtp.keys == heard, "the keys are only heard")  # noqa: B023
    await stays(lambda: talk.is_up and not three.calls, "they talk on")
    await call.hears(570)
    await call.hangup()


async def test_changed_keys_work_at_once(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    changed = {"blindtransfer": "#1", "attendedtransfer": "#2", "park": "#3"}
    await pbx.admin("PATCH", "/settings/featurecodes", changed)
    call, talk = await _talk(one, two)
    await talk.rtp.press("*03")
    await eventually(lambda: call.rtp.keys == "*03", "the old key is only heard")
    await talk.rtp.press("#2")
    await talk.rtp.press("1002")
    third = await three.incoming()
    await third.answer()
    await talk.hears(700)
    await third.hangup()
    await call.hears(570)
    await talk.rtp.press("#1")
    await talk.rtp.press("1002")
    third = await three.incoming()
    await third.answer()
    await call.hears(700)
    await third.rtp.press("#3")
    await eventually(lambda: third.ended, "1002 has parked the call", 12)
    assert call.is_up
    taken = await two.call("6900")
    await taken.hears(440)
    await call.hangup()


async def test_a_changed_code_works_at_once_and_the_old_one_no_more(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.admin("PATCH", "/settings/featurecodes", {"intercom": "*81", "pickup": "*9"})
    assert await (await one.call("*51001")).refused() == 404
    assert await (await one.call("*4")).refused() == 404
    call = await one.call("*811001")
    incoming = await two.incoming()
    assert incoming.invite is not None
    assert "answer-after=0" in incoming.invite.get("call-info")
    await call.hangup()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dnd": "*4"}, "pickup and dnd have the same code *4"),
        ({"dnd": "*51"}, "intercom *5 and dnd *51 cannot be told apart"),
        ({"dnd": "#7"}, "voicemailbox # and dnd #7 cannot be told apart"),
        ({"intercom": "*7"}, "voicemailpin *77 and intercom *7 cannot be told apart"),
        ({"park": "*0"}, "blindtransfer *03 and park *0 cannot be told apart"),
        ({"park": "*3"}, "attendedtransfer and park have the same code *3"),
        ({"pickup": "1001"}, "pickup must be"),
        ({"pickup": "*4;x"}, "pickup must be"),
        ({"pickup": "*4\nexten"}, "pickup must be"),
        ({"pickup": "*1234567"}, "pickup must be"),
    ],
)
async def test_codes_that_cannot_be(pbx: TestPbx, changes: dict[str, str], says: str) -> None:
    status = 400 if "must be" in says else 409
    refused = await pbx.admin("PATCH", "/settings/featurecodes", changes, status=status)
    assert says in refused["error"]
    assert await pbx.admin("GET", "/settings/featurecodes") == FEATURE_CODES.defaults
