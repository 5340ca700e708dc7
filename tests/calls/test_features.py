"""What phones do by keys: transfers, parking, forwards, agents, paging; and the operator's own dialplan."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
DATA = Path(__file__).parent.parent / "data" / "customdialplan"


async def _phones(pbx: TestPbx, *numbers: str) -> list[Phone]:
    phones = []
    for at, number in enumerate(numbers):
        await pbx.extension(number)
        phones.append(await pbx.phone(number, frequency=440 + 130 * at))
    await pbx.quiet()
    pbx.receiver.clear()
    return phones


async def _settings(pbx: TestPbx, number: str) -> dict[str, Any]:
    found: dict[str, Any] = (await pbx.client.ok("extension/query", {"number": number}))["extinfos"][0]
    return found


async def _dialled(pbx: TestPbx, phone: Phone, code: str) -> None:
    """Dial a code and wait until the PBX has ended the call."""
    call = await phone.call(code)
    await call.answered()
    await call.over()
    await pbx.quiet()


async def test_blind_transfer_by_key(pbx: TestPbx) -> None:
    one, two, three = await _phones(pbx, "1000", "1001", "1002")
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(570)
    await talk.hears(440)
    await talk.rtp.press("*03")
    await talk.rtp.press("1002")
    third = await three.incoming()
    await third.answer()
    await call.hears(700)
    await third.hears(440)
    await eventually(lambda: pbx.receiver.named("Tranfer"), "the transfer is told")
    told = pbx.receiver.named("Tranfer")[0]
    assert [next(iter(m.values()))["number"] for m in told["members"]] == ["1000", "1001"]
    await call.hangup()
    await pbx.quiet()
    assert len(pbx.receiver.named("NewCdr")) == 1


async def test_attended_transfer_by_key(pbx: TestPbx) -> None:
    one, two, three = await _phones(pbx, "1000", "1001", "1002")
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(570)
    await talk.hears(440)
    await talk.rtp.press("*3")
    await talk.rtp.press("1002")
    third = await three.incoming()
    await third.answer()
    await talk.hears(700)
    await talk.hangup()
    await call.hears(700)
    await third.hears(440)
    await call.hangup()
    await third.over()
    await eventually(lambda: pbx.receiver.named("Tranfer"), "the transfer is told")
    await pbx.quiet()


async def test_an_outside_caller_has_no_transfer_keys(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    await pbx.client.ok("inroute/add", route)
    call = await carrier.call_in("1")
    talk = await one.incoming()
    await talk.answer()
    await call.hears(440)
    for keys in ("*031001", "*31001", "*6"):
        await call.rtp.press(keys)
    await eventually(lambda: talk.rtp.keys.endswith("*6"), "the keys are only heard")
    assert call.is_up
    assert not two.calls
    # the extension may transfer him, with its own rights
    await talk.rtp.press("*03")
    await talk.rtp.press("1001")
    await (await two.incoming()).answer()
    await call.hears(570)
    await call.hangup()


async def test_parking(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(570)
    await talk.hears(440)
    await talk.rtp.press("*6")
    await eventually(lambda: talk.ended, "who parks is let go", 12)
    assert call.is_up
    taken = await two.call("6900")
    await taken.hears(440)
    await call.hears(570)
    await taken.hangup()
    await call.over()
    await pbx.quiet()
    assert await (await two.call("6950")).refused() == 404


async def test_forwards_by_code(pbx: TestPbx) -> None:
    one, two, three = await _phones(pbx, "1000", "1001", "1002")
    await _dialled(pbx, two, "*711002")
    shown = await _settings(pbx, "1001")
    assert (shown["alwaysforward"], shown["atransferto"], shown["atransferext"]) == (
        "on",
        "Extension",
        "1002",
    )
    call = await one.call("1001")
    await (await three.incoming()).refuse(486)
    await call.answered()  # by the box of 1002
    await call.hangup()
    await _dialled(pbx, two, "*071")
    assert (await _settings(pbx, "1001"))["alwaysforward"] == "off"
    await _dialled(pbx, two, "*72")
    shown = await _settings(pbx, "1001")
    assert (shown["busyforward"], shown["btransferto"]) == ("on", "Voicemail")
    await _dialled(pbx, two, "*7399887766")
    shown = await _settings(pbx, "1001")
    assert (shown["ntransferto"], shown["ntransfernum"]) == ("Custom Number", "99887766")
    await _dialled(pbx, two, "*70")
    assert (await _settings(pbx, "1001"))["ntransferto"] == "Voicemail"
    assert [e["extid"] for e in pbx.receiver.named("ConfigChange")].count("1001") >= 5


async def test_do_not_disturb_by_code_and_changed_codes(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    await _dialled(pbx, two, "*74")
    assert (await _settings(pbx, "1001"))["dnd"] == "on"
    await pbx.admin("PATCH", "/settings/featurecodes", {"dndoff": "*99"})
    assert await (await two.call("*074")).refused() == 404
    await _dialled(pbx, two, "*99")
    assert (await _settings(pbx, "1001"))["dnd"] == "off"
    refused = await pbx.admin("PATCH", "/settings/featurecodes", {"dndoff": "*74"}, status=409)
    assert "same code" in refused["error"]
    await pbx.admin("PATCH", "/settings/featurecodes", {"dndoff": "*074"})
    assert one


async def test_agents_log_in_and_pause_by_code(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    await pbx.apply(
        "queues: [{number: 6700, queuename: Queue, password: '4711', announcepos: off, announceholdtime: off,"
        " retry: 1}]"
    )
    login = await two.call("*756700")
    await login.answered()
    await login.rtp.press("4711#")
    await login.over()
    assert (await pbx.client.ok("queue/query", {"number": "6700"}))["queues"][0]["dynamicagents"] == "1001,"
    call = await one.call("6700")
    await (await two.incoming()).answer()
    await call.hears(570)
    await call.hangup()
    await _dialled(pbx, two, "*766700")
    waiting = await one.call("6700")
    await waiting.answered()
    await asyncio.sleep(2.5)  # more than two turns of the queue
    assert len(two.calls) == 3, "a paused agent is not rung"
    await waiting.hangup()
    await _dialled(pbx, two, "*0766700")
    await _dialled(pbx, two, "*0756700")
    assert "dynamicagents" not in (await pbx.client.ok("queue/query", {"number": "6700"}))["queues"][0]


async def test_intercom(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    call = await one.call("*51001")
    incoming = await two.incoming()
    assert incoming.invite is not None
    assert "answer-after=0" in incoming.invite.get("call-info")
    await incoming.answer()
    await call.hears(570)
    await call.hangup()


async def test_two_way_paging_and_star_to_answer(pbx: TestPbx) -> None:
    one, two, three = await _phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    page = (
        "paginggroups: [{number: 6300, name: Page, type: %s, member: [1001, 1002], enabledialtoanswer: yes}]"
    )
    await pbx.apply(page % "intercom")
    call = await one.call("6300")
    await call.answered()
    first, second = await two.incoming(), await three.incoming()
    await first.hears(440, 700)
    await call.hears(570, 700)
    await call.hangup()
    await first.over()
    await second.over()
    await pbx.quiet()

    await pbx.apply(page % "paging")
    call = await one.call("6300")
    first, second = await two.incoming(), await three.incoming()
    await first.hears(440)
    await second.hears(440)
    await first.rtp.press("*")
    await second.over()
    await call.hears(570)
    await first.hears(440)
    await call.hangup()
    await first.over()
    await pbx.quiet()
    assert [e["callto"] for e in pbx.receiver.named("NewCdr")] == ["6300", "6300"]


async def test_who_is_in_a_room_invites_by_key(pbx: TestPbx) -> None:
    one, two = await _phones(pbx, "1000", "1001")
    await pbx.apply(
        "conferences: [{number: 6400, name: Room, allowinvite: yes, announcements: off, musiconhold: no}]"
    )
    call = await one.call("6400")
    await call.answered()
    await eventually(lambda: "CallStatus 1000 ANSWERED/6400" in steps(pbx.receiver.events), "in the room")
    await call.rtp.press("#")
    await call.rtp.press("1001#")
    invited = await two.incoming()
    await invited.answer()
    await call.hears(570)
    await invited.hears(440)
    await invited.hangup()
    await call.hangup()
    await pbx.quiet()


async def custom(pbx: TestPbx, *names: str) -> None:
    """Put files of the guide in force as the operator's own dialplan, and no others."""
    folder = pbx.settings.data / "custom"
    for path in folder.glob("*.conf"):
        path.unlink()
    for name in names:
        (folder / name).write_text((DATA / name).read_text())
    await pbx.admin("POST", "/dialplan")


async def sounds(pbx: TestPbx) -> None:
    """Put the prompts of the guide's files in their places; each is a short tone."""
    await pbx.prompt("guide", 1200, 0.3)
    tone = (pbx.settings.data / "sounds" / "record" / "guide.wav").read_bytes()
    bare = "product_id product_idc product_num product_numc confirm success roomstatus room cleaned uncleaned"
    for name in bare.split():
        (pbx.settings.data / "sounds" / f"{name}.wav").write_bytes(tone)
    mount = pbx.settings.data / "media" / "networkdisk1"
    for name in ("notice", "confirm", "password", "password1", "holdon", "ok"):
        (mount / f"{name}.wav").write_bytes(tone)


@pytest.mark.parametrize(
    ("keys", "ends", "told"),
    [
        ("1", False, ["778*123*2"]),  # accepted: asks for the next product
        ("*", False, []),  # starts over
        ("9", True, []),  # hangs up
        ("5", False, []),  # anything else: good-bye, and the next product is asked
    ],
)
async def test_the_minibar_of_the_guide(pbx: TestPbx, keys: str, ends: bool, told: list[str]) -> None:
    (one,) = await _phones(pbx, "2003")
    await sounds(pbx)
    await custom(pbx, "guide_hotel.conf")
    call = await one.call("778")
    await call.answered()
    await call.rtp.press("123#")
    # what follows is said digit by digit, and keys in between would be lost
    await silent_for(call, 0.7)
    await call.rtp.press("2#")
    await silent_for(call, 0.7)
    await call.rtp.press(keys)
    if ends:
        await call.over()
    else:
        await silent_for(call, 0.5)
        assert call.is_up
        await call.hangup()
    await pbx.quiet()
    assert [event["infos"] for event in pbx.receiver.named("DTMF")] == told
    for event in pbx.receiver.named("DTMF"):
        assert event["members"][0]["ext"]["number"] == "2003"
        assert "callpath" not in event["members"][0]["ext"]


async def silent_for(call: Any, seconds: float) -> None:
    """Wait until no audio has come for a while."""
    deadline = asyncio.get_running_loop().time() + 15
    while True:
        call.rtp.forget()
        await asyncio.sleep(seconds)
        if not call.rtp.packets:
            return
        assert asyncio.get_running_loop().time() < deadline, "it is never silent"


async def test_the_room_state_of_the_guide(pbx: TestPbx) -> None:
    (one,) = await _phones(pbx, "2003")
    await sounds(pbx)
    await custom(pbx, "guide_hotel.conf")
    call = await one.call("777")
    await call.answered()
    await call.rtp.press("*01")
    await call.over()
    await pbx.quiet()
    assert [event["infos"] for event in pbx.receiver.named("DTMF")] == ["777*01"]


async def test_an_ivr_of_the_custom_dialplan_stands_before_the_one_that_was_made(pbx: TestPbx) -> None:
    (one,) = await _phones(pbx, "1000")
    await sounds(pbx)
    await pbx.apply("ivrs: [{number: 6500, ivrname: Made}, {number: 6501, ivrname: Made}]")
    await custom(pbx, "guide_ivr.conf")
    call = await one.call("6500")
    await call.answered()
    await eventually(lambda: pbx.receiver.named("PlayPromptEnd"), "the custom IVR has played", 12)
    assert pbx.receiver.named("PlayPromptEnd")[0]["ivr"] == {"number": "6500"}
    await call.rtp.press("1")
    await eventually(lambda: len(pbx.receiver.named("PlayPromptEnd")) == 2, "the second IVR", 12)
    await call.rtp.press("4711#")
    await eventually(lambda: pbx.receiver.named("DTMF"), "the code is told", 12)
    assert pbx.receiver.named("DTMF")[0]["infos"] == "4711#"
    await call.hangup()
    await pbx.quiet()
    assert steps(pbx.receiver.events)[-1] == "NewCdr 1000 6501 ANSWERED Internal"


async def test_a_broken_file_is_refused_and_the_old_one_stays(pbx: TestPbx) -> None:
    (one,) = await _phones(pbx, "2003")
    await sounds(pbx)
    await custom(pbx, "guide_hotel.conf")
    broken = pbx.settings.data / "custom" / "broken.conf"
    broken.write_text("[extra]\nexten = 779,1,Playback(room\n")
    refused = await pbx.admin("POST", "/dialplan", status=400)
    assert refused["error"] == "broken.conf:2: a bracket '(' is not closed"
    call = await one.call("777")
    await call.answered()
    await call.hangup()
    broken.unlink()
    await custom(pbx)
    assert await (await one.call("777")).refused() == 404
