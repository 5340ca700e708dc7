"""The whole switchboard of examples/switchboard.yaml, walked over a trunk of a second Asterisk.

The file is applied by the command that an operator types. Then an outside phone, a customer of the provider,
dials every number of the file and presses every key; for each station it is measured who hears whom, and
which records there are: exactly those that are named. `-s` prints a line for each station.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import tiff
from tests.support.pbx import running_pbx
from tests.support.phone import Call, eventually
from tests.support.second_asterisk import FAX, SecondAsterisk
from tests.support.switchboard_walk import CHIME, MUSIC, OTHER, OUTSIDE, House, inbound, internal, outbound

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The house for the whole walk."""
    async with running_pbx() as pbx, SecondAsterisk(pbx.registrar) as provider:
        house = House(pbx, provider)
        try:
            await house.move_in(tmp_path_factory.mktemp("example"))
            yield house
        finally:
            await house.move_out()


@pytest_asyncio.fixture(loop_scope="session")
async def house(the_house: House) -> AsyncIterator[House]:
    """The house, with nobody on the phone."""
    await the_house.pbx.quiet()
    the_house.forget()
    yield the_house
    for phone in the_house.phones.values():
        for call in phone.calls:
            if not call.ended:
                await phone.leave(call)


DID = "5503300"


async def test_the_welcome_and_an_extension_dialled_directly(house: House) -> None:
    call = await house.outside(DID)
    await call.answered()
    await call.hears(CHIME)
    await house.presses(call, "1001")
    await house.talk(call, await house.answers("1001"))
    await house.records("DID 5503300 IVR, 1001 keyed", inbound("1001", DID))


async def test_key_1_extension(house: House) -> None:
    call = await house.outside(DID, "1")
    await house.talk(call, await house.answers("1000"))
    await house.records("IVR key 1 extension 1000", inbound("1000", DID))


async def test_key_2_ring_group(house: House) -> None:
    call = await house.outside(DID, "2")
    other = await house.phones["1001"].incoming()
    answered = await house.answers("1002")
    await other.over()
    await house.talk(call, answered)
    await house.records("IVR key 2 ring group 6200", inbound("6200(1002)", DID))


async def test_key_3_queue(house: House) -> None:
    call = await house.outside(DID, "3")
    agent = await house.phones["1001"].incoming()
    await call.hears(MUSIC)
    await agent.answer()
    await house.talk(call, agent)
    await house.records("IVR key 3 queue 6700", inbound("6700(1001)", DID))


async def test_key_4_conference(house: House) -> None:
    call = await house.outside(DID, "4")
    await house.has(f"CallStatus {OUTSIDE}>{DID} ANSWERED/6400")
    await call.rtp.press("11#")
    moderator = await house.phones["1000"].call("6400")
    await moderator.answered()
    await moderator.rtp.press("22#")
    await call.hears(440)
    await moderator.hears(900)
    await call.hangup()
    await moderator.hangup()
    await house.records("IVR key 4 conference 6400", inbound("6400", DID), internal("1000", "6400"))


async def test_key_5_paging(house: House) -> None:
    house.phones["1001"].auto_answer = house.phones["1002"].auto_answer = True
    call = await house.outside(DID, "5")
    paged = [await house.phones[number].incoming() for number in ("1001", "1002")]
    for one in paged:
        await one.hears(900)
    await call.hangup()
    for one in paged:
        await one.over()
    await house.records("IVR key 5 paging 6300", inbound("6300", DID))


async def test_key_6_second_ivr_and_its_timeout(house: House) -> None:
    call = await house.outside(DID, "6")
    await house.talk(call, await house.answers("1000"))
    await house.records("IVR key 6 IVR 6501, time-out", inbound("1000", DID))


async def test_key_7_voicemail(house: House) -> None:
    call = await house.outside(DID, "7")
    await _leaves_a_message(house, call)
    await house.records("IVR key 7 voicemail 1001", inbound("1001", DID, "VOICEMAIL"))


async def _leaves_a_message(house: House, call: Call) -> None:
    """Stay on the line until the box records, then for the second that a message needs, and hang up."""
    spool = house.pbx.settings.data / "asterisk" / "spool" / "voicemail"

    def recorded() -> bool:
        return any(path.stat().st_size > 24000 for path in spool.rglob("tmp/*.wav"))

    await eventually(recorded, "the message is recorded", 20)
    await call.hangup()


async def test_key_8_disa_to_an_extension(house: House) -> None:
    call = await house.outside(DID, "8")
    await house.has(f"DTMF 8 of {OUTSIDE}>{DID} ANSWERED/6500")
    await call.rtp.press("4711#")
    await _dials(call, "1002")
    await house.talk(call, await house.answers("1002"))
    await house.records("IVR key 8 DISA, 1002 dialled", inbound("1002", DID))


async def _dials(call: Call, number: str) -> None:
    """Dial once there is a dial tone."""
    await eventually(lambda: call.rtp.share(350, 440) > 0.8, "a dial tone")
    await call.rtp.press(number)


async def test_key_9_dial_by_name(house: House) -> None:
    call = await house.outside(DID, "9")
    await house.has(f"DTMF 9 of {OUTSIDE}>{DID} ANSWERED/6500")
    await call.rtp.press("262")  # B o b
    bob = house.phones["1001"]
    async with asyncio.timeout(15):
        while not bob.calls:  # 1 says yes to the name, once it is asked for
            await call.rtp.press("1")
            await asyncio.sleep(0.3)
    await house.talk(call, await house.answers("1001"))
    await house.records("IVR key 9 dial by name: Bob", inbound("1001", DID))


async def test_key_0_hangs_up(house: House) -> None:
    call = await house.outside(DID, "0")
    await call.over()
    await house.records("IVR key 0 hang-up", inbound("6500", DID))


async def test_a_key_that_is_none(house: House) -> None:
    call = await house.outside(DID, "*")
    ring = await _after(house, "1000")
    await house.talk(call, ring)
    await house.records("IVR invalid key: extension 1000", inbound("1000", DID))


async def _after(house: House, number: str, seconds: float = 20) -> Call:
    """A phone takes a call that comes after prompts have been played."""
    await eventually(lambda: house.phones[number].calls, f"{number} is called", seconds)
    return await house.answers(number)


async def test_no_key_at_all(house: House) -> None:
    call = await house.outside(DID)
    await call.answered()
    await house.talk(call, await _after(house, "1001"))
    assert house.events.count(f"PlayPromptEnd 6500 to {OUTSIDE}>{DID}/6500") == 2
    await house.records("IVR time-out: queue 6700", inbound("6700(1001)", DID))


@pytest.mark.parametrize(("did", "number"), [("5503310", "1000"), ("5503311", "1001"), ("5503312", "1002")])
async def test_a_range_of_extensions(house: House, did: str, number: str) -> None:
    call = await house.outside(did)
    await house.talk(call, await house.answers(number))
    await house.records(f"DID {did} extrange", inbound(number, did))


async def test_sales(house: House) -> None:
    call = await house.outside("5503320")
    await house.talk(call, await house.answers("1001"))
    await house.records("DID 5503320 ring group", inbound("6200(1001)", "5503320"))


async def test_support(house: House) -> None:
    call = await house.outside("5503330")
    await call.hears(MUSIC)
    await house.talk(call, await house.answers("1001"))
    await house.records("DID 5503330 queue", inbound("6700(1001)", "5503330"))


async def test_board(house: House) -> None:
    first = await house.outside("5503340")
    second = await house.phones[OTHER].call("5503340")
    for call in (first, second):
        await call.answered()
        await house.presses(call, "11#")
    await first.hears(1150)
    await second.hears(900)
    await first.hangup()
    await second.hangup()
    await house.records(
        "DID 5503340 conference, two from outside",
        inbound("6400", "5503340"),
        (OTHER, "6400", "ANSWERED", "carrier>", "5503340", ""),
    )


async def test_remote_disa_out_over_the_trunk(house: House) -> None:
    call = await house.outside("5503350", "4711#")
    await _dials(call, f"9{OTHER}#")
    await house.talk(call, await house.answers(OTHER))
    await house.records("DID 5503350 DISA and out again", inbound(f"9{OTHER}", "5503350", out="carrier"))


async def test_remote_disa_with_a_wrong_password(house: House) -> None:
    call = await house.outside("5503350", "1234#9999#0000#")
    await call.over()
    assert not house.pbx.receiver.named("DTMF")
    await house.records("DID 5503350 DISA, wrong password", inbound("5503350", "5503350", "NO ANSWER"))


async def test_back(house: House) -> None:
    call = await house.outside("5503360")
    assert await call.refused() == 486
    back = await house.phones[OUTSIDE].incoming()
    await back.answer()
    await house.talk(back, await house.answers("1000"))
    await house.records(
        "DID 5503360 callback",
        inbound("5503360", "5503360", "BUSY"),
        outbound("1000", f"9{OUTSIDE}"),
    )


async def test_through(house: House) -> None:
    call = await house.outside(f"9{OTHER}")
    ring = await house.phones[OTHER].incoming()
    assert f"<sip:{OUTSIDE}@" in ring.shown
    await ring.answer()
    await house.talk(call, ring)
    await house.records("DID 9X. outbound route", inbound(f"9{OTHER}", f"9{OTHER}", out="carrier"))


async def test_fax(house: House, tmp_path: Path) -> None:
    (tmp_path / "page.tif").write_bytes(tiff.pages(120))
    await house.provider.send_fax("5503370", tmp_path / "page.tif")
    await eventually(lambda: house.pbx.receiver.named("NewCdr"), "the fax has come", 60)
    folder = house.pbx.settings.data / "fax"
    await eventually(lambda: list(folder.glob("*-1000.tif")), "the fax is put in its place")
    (file,) = folder.glob("*-1000.tif")
    assert tiff.page_sizes(file.read_bytes()) == [(tiff.WIDTH, 120)]
    await house.records("DID 5503370 fax", (FAX, "1000", "ANSWERED", "carrier>", "5503370", ""))


async def test_box(house: House) -> None:
    call = await house.outside("5503380")
    await call.answered()
    await _leaves_a_message(house, call)
    await house.records("DID 5503380 voicemail", inbound("1001", "5503380", "VOICEMAIL"))


async def test_closed(house: House) -> None:
    call = await house.outside("5503390")
    assert await call.refused() >= 400
    await house.records("DID 5503390 hang-up", inbound("5503390", "5503390", "NO ANSWER"))


async def test_a_number_that_is_none(house: House) -> None:
    call = await house.outside("5503399")
    assert await call.refused() == 404
    await house.records("DID 5503399 unknown", inbound("5503399", "5503399", "NO ANSWER"))


async def test_main_when_the_house_is_closed(house: House) -> None:
    (condition,) = (await house.pbx.admin("GET", "/timeconditions"))["items"]
    address = f"/timeconditions/{condition['id']}"
    await house.pbx.admin("PATCH", address, {"times": "not *"})
    try:
        call = await house.outside(DID)
        await call.answered()
        await _leaves_a_message(house, call)
    finally:
        await house.pbx.admin("PATCH", address, {"times": condition["times"]})
    await house.records("DID 5503300 when closed: voicemail", inbound("1000", DID, "VOICEMAIL"))


async def test_ring_group_and_queue_from_inside(house: House) -> None:
    for number, callto in (("6200", "6200(1001)"), ("6700", "6700(1001)")):
        call = await house.phones["1000"].call(number)
        await house.talk(call, await house.answers("1001"))
        await house.records(f"1000 dials {number}", internal("1000", callto))
        house.forget()


async def test_paging_from_inside(house: House) -> None:
    house.phones["1001"].auto_answer = house.phones["1002"].auto_answer = True
    call = await house.phones["1000"].call("6300")
    for number in ("1001", "1002"):
        await (await house.phones[number].incoming()).hears(440)
    await call.hangup()
    await house.records("1000 dials 6300 paging", internal("1000", "6300"))
    house.forget()
    loud = await house.phones["1000"].call("6301")
    await loud.answered()
    await loud.hangup()
    await house.records("1000 dials 6301 multicast", internal("1000", "6301"))


async def test_ivrs_from_inside(house: House) -> None:
    call = await house.phones["1001"].call("6500")
    await call.answered()
    await call.hears(CHIME)
    await house.presses(call, "6")
    await house.talk(call, await house.answers("1000"))
    await house.records("1001 dials 6500, 6: 6501, time-out", internal("1001", "1000"))


async def test_an_agent_logs_in_by_his_feature_code(house: House) -> None:
    login = await house.phones["1000"].call("*756700")
    await login.over()
    await house.records("1000 logs in to 6700 by *75", internal("1000", "*756700", "NO ANSWER"))
    house.forget()
    call = await house.outside("5503330")
    await house.talk(call, await house.answers("1000"))
    await house.records("DID 5503330 queue, by key agent", inbound("6700(1000)", "5503330"))
    house.forget()
    await (await house.phones["1000"].call("*0756700")).over()
    await house.records("1000 logs out", internal("1000", "*0756700", "NO ANSWER"))


async def test_parked_and_taken_elsewhere(house: House) -> None:
    call = await house.outside("5503310")
    first = await house.answers("1000")
    await first.hears(900)
    await first.rtp.press("*6")
    await eventually(lambda: first.ended, "1000 has parked the call", 20)
    second = await house.phones["1001"].call("6900")
    await second.answered()
    await house.talk(call, second)
    await house.records(
        "DID 5503310, parked, 6900 by 1001",
        inbound("1000", "5503310"),
        internal("1001", "6900", "ANSWERED"),
    )


async def test_out_with_the_number_of_the_extension(house: House) -> None:
    call = await house.phones["1000"].call(f"9{OUTSIDE}")
    ring = await house.phones[OUTSIDE].incoming()
    assert "<sip:5503300@" in ring.shown
    await ring.answer()
    await house.talk(call, ring)
    await house.records("1000 out, DOD of the extension", outbound("1000", f"9{OUTSIDE}"))


async def test_out_with_the_number_of_the_group(house: House) -> None:
    call = await house.phones["1002"].call(f"9{OUTSIDE}")
    ring = await house.phones[OUTSIDE].incoming()
    assert "<sip:5503301@" in ring.shown
    await ring.answer()
    await house.talk(call, ring)
    await house.records("1002 out, DOD of the group", outbound("1002", f"9{OUTSIDE}"))


async def test_abroad_with_a_pin(house: House) -> None:
    call = await house.phones["1000"].call(f"00{OUTSIDE}")
    await call.answered()
    await house.presses(call, "4711#")
    await house.talk(call, await house.answers(OUTSIDE))
    await house.records("1000 abroad with PIN", outbound("1000", f"00{OUTSIDE}", pin="4711"))


async def test_abroad_with_wrong_pins(house: House) -> None:
    call = await house.phones["1000"].call(f"00{OUTSIDE}")
    await call.answered()
    await house.presses(call, "1234#9999#0000#")
    await call.over()
    assert not house.phones[OUTSIDE].calls
    await house.has("CallFailed NO Outbound Restriction: 1000")
    await house.records("1000 abroad, wrong PINs", internal("1000", f"00{OUTSIDE}", "BUSY"))


async def test_abroad_without_the_right(house: House) -> None:
    call = await house.phones["1001"].call(f"00{OUTSIDE}")
    assert await call.refused() == 403
    await house.has("CallFailed NO Outbound Restriction: 1001")
    await house.records("1001 abroad, no right", internal("1001", f"00{OUTSIDE}", "BUSY"))


async def test_a_number_that_no_route_fits(house: House) -> None:
    call = await house.phones["1000"].call("7777777")
    assert await call.refused() == 404
    await house.has("CallFailed 404 NOT found: 1000")
    await house.records("1000 dials what fits no route", internal("1000", "7777777", "NO ANSWER"))
