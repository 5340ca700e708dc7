"""IVRs and dialling by name in real calls (spec 06-ivr, 15-events `ivr_called`)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.queue_calls import all_events, carrier_to, document, has_told, ready, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MENU = "number: 6500, ivrname: Menu, prompt: menu, dialext: off"
QUEUE = "announcepos: off, announceholdtime: off, wrapuptime: 0, retry: 1"


NAMES = {"237": "Anna Berg", "266": "Anna Berg", "685": "Eva Müller", "732": "Reality"}
"""What is pressed, and whose name it spells: last name, first name, a letter with an accent, one word."""


@pytest.mark.parametrize("keys", NAMES)
@pytest.mark.parametrize("way", ["ivr", "failover", "breakout"])
async def test_dial_by_name_finds_who_has_no_voicemail(pbx: TestPbx, way: str, keys: str) -> None:
    await pbx.extension("1000", username="Zoe Other")
    await pbx.extension("1002", username=NAMES[keys], hasvoicemail="off")
    called = await pbx.phone("1002", frequency=620)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: Menu, dialext: off, key1: dialbyname}]\n"
        f"queues: [{{number: 6700, queuename: Queue, agents: 1000, {QUEUE}, failoveraction: Dial by name,"
        f" maxwaittime: {1 if way == 'failover' else 60},"
        " breakoutkey: 5, breakoutaction: Dial by name}]"
    )
    carrier = await carrier_to(pbx, *(("ivr", "6500") if way == "ivr" else ("queue", "6700")))
    call = await carrier.call_in("1")
    await call.answered()
    if way != "failover":
        await eventually(lambda: call.rtp.packets > 10, "the menu or the music is heard")
        await call.rtp.press("1" if way == "ivr" else "5")
    else:
        await eventually(lambda: call.rtp.packets > 150, "the directory speaks after the music", 15)
    await call.rtp.press(keys)
    async with asyncio.timeout(15):
        while not called.calls:  # the name is spelt, and 1 takes it
            await call.rtp.press("1")
            await asyncio.sleep(0.3)
    talk = await called.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(900)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    group = {"ivr": "1002"}.get(way, "6700(1002)")
    assert steps(pbx.receiver.events)[-1] == f"NewCdr 12345678 {group} ANSWERED Inbound"
    assert [event.get("info", event.get("infos")) for event in pbx.receiver.named("DTMF")] == (
        ["1", "1"] if way == "ivr" else []
    ), "what is spelt is not told"


async def test_sequence_of_an_ivr_that_times_out(pbx: TestPbx) -> None:
    await pbx.prompt("menu", 1200, 0.5)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: Menu, prompt: menu, promptrepeat: 2, responsetimeout: 1}]"
    )
    carrier = await carrier_to(pbx, "ivr", "6500")
    call = await carrier.call_in("5503301")
    await call.hears(1200)
    await call.over()
    who = "12345678>5503301"
    assert await all_events(pbx) == [
        f"CallStatus {who} ANSWERED/6500",
        f"PlayPromptEnd 6500 to {who}/6500",
        f"PlayPromptEnd 6500 to {who}/6500",
        f"CallStatus {who} BYE/6500",
        "NewCdr 12345678 6500 ANSWERED Inbound",
    ]


async def test_sequence_of_an_ivr_with_a_wrong_key(pbx: TestPbx) -> None:
    """`invalid` is empty: the prompt is played again; a key in it cuts it short."""
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    await pbx.prompt("menu", 1200, 1.5)
    await pbx.apply(f"ivrs: [{{{MENU}, promptrepeat: 2, responsetimeout: 1}}]")
    await ready(pbx)
    call = await one.call("6500")
    await call.hears(1200)
    await call.rtp.press("9")
    await eventually(lambda: not call.rtp.hears(1200), "the prompt is cut short")
    await call.hears(1200)
    await call.over()
    assert await all_events(pbx) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6500",
        "DTMF 0:9 of 1000 ANSWERED/6500",
        "DTMF 9 of 1000 ANSWERED/6500",
        "PlayPromptEnd 6500 to 1000/6500",
        "CallStatus 1000 BYE/6500",
        "1000 Registered",
        "NewCdr 1000 6500 ANSWERED Internal",
    ]


async def test_sequence_of_one_ivr_in_another_and_on_to_a_queue(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one, agent = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    await pbx.prompt("menu", 1200, 0.5)
    await pbx.prompt("second", 1700, 0.5)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: First, prompt: menu, dialext: off, key1: ivr 6501},"
        " {number: 6501, ivrname: Second, prompt: second, dialext: off, key2: queue 6700}]\n"
        f"queues: [{document()}]"
    )
    await until(pbx, {"1001": "1"})
    await ready(pbx)
    call = await one.call("6500")
    await has_told(pbx, "PlayPromptEnd 6500 to 1000/6500")
    await call.rtp.press("1")
    await has_told(pbx, "PlayPromptEnd 6501 to 1000/6501")
    await call.rtp.press("2")
    talk = await agent.incoming()
    await has_told(pbx, "1001 Ringing")
    await asyncio.sleep(2)
    await talk.answer()
    await call.hears(620)
    await talk.hangup()
    await call.over()
    assert await all_events(pbx) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6500",
        "PlayPromptEnd 6500 to 1000/6500",
        "DTMF 0:1 of 1000 ANSWERED/6500",
        "DTMF 1 of 1000 ANSWERED/6500",
        "CallStatus 1000 ANSWERED/6501",
        "PlayPromptEnd 6501 to 1000/6501",
        "DTMF 0:2 of 1000 ANSWERED/6501",
        "DTMF 2 of 1000 ANSWERED/6501",
        "CallStatus 1000 ANSWERED/6700",
        "CallStatus 1000 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED/6700, 1001 ANSWER/6700",
        "1001 Busy",
        "CallStatus 1001 BYE/6700",
        "CallStatus 1000 BYE/6700",
        "1001 Registered",
        "1000 Registered",
        "NewCdr 1000 6700(1001) ANSWERED Internal",
    ]
    record = pbx.receiver.named("NewCdr")[0]
    assert record["agentringtime"] in {"2", "3"}, "from entering the queue, not the IVR"
    assert int(record["callduraction"]) > int(record["agentringtime"]) + int(record["talkduraction"])


def _keys(pbx: TestPbx) -> list[str]:
    """The keys that were told, and the closing events in brackets."""
    return [event.get("info") or f"[{event['infos']}]" for event in pbx.receiver.named("DTMF")]


async def test_a_caller_of_an_ivr_hears_his_voicemail_and_his_pin_is_not_told(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", hasvoicemail="on", vmsecret="90817")
    one = await pbx.phone("1000", frequency=910)
    await pbx.prompt("menu", 1200, 0.5)
    await pbx.apply(f"ivrs: [{{{MENU}, dialtocheckvoicemail: on, keystar: hangup, digittimeout: 2}}]")
    carrier = await carrier_to(pbx, "ivr", "6500")
    message = await one.call("#1001")
    await message.answered()
    await message.rtp.press("#")
    await asyncio.sleep(3)
    await message.hangup()
    await ready(pbx)

    call = await carrier.call_in("1")
    await call.hears(1200)
    await call.rtp.press("*2")
    await eventually(lambda: _keys(pbx) == ["*", "2", "[*2]"], "the code is told")
    call.rtp.forget()
    await eventually(lambda: call.rtp.packets > 15, "the box is asked")
    await call.rtp.press("1001#")
    call.rtp.forget()
    await eventually(lambda: call.rtp.packets > 15, "the PIN is asked")
    await call.rtp.press("90817#")
    async with asyncio.timeout(20):
        while not call.rtp.hears(910):  # 1 plays the message; it counts once the menu is reached
            await call.rtp.press("1")
            await asyncio.sleep(0.5)
    await call.hangup()
    await all_events(pbx)
    assert _keys(pbx) == ["*", "2", "[*2]"]


async def test_an_extension_that_begins_like_a_key(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one = await pbx.phone("1000", frequency=440)
    two, three = await pbx.phone("1001", frequency=620), await pbx.phone("1002", frequency=750)
    two.auto_answer = three.auto_answer = True
    await pbx.prompt("menu", 1200, 0.5)
    ivr = "number: 6500, ivrname: Menu, prompt: menu, dialext: on, digittimeout: 2, key1: extension 1002"
    await pbx.apply(f"ivrs: [{{{ivr}}}]")
    await ready(pbx)
    loop = asyncio.get_running_loop()
    for keys, frequency, told in (
        ("1001", 620, ["1", "0", "0", "1", "[1001]"]),
        ("1", 750, ["1", "[1]"]),
        ("1#", 750, ["1", "#", "[1]"]),
    ):
        call = await one.call("6500")
        await call.hears(1200)
        pressed = loop.time()
        await call.rtp.press(keys)
        await call.hears(frequency)
        assert (loop.time() - pressed > 2) == (keys == "1"), "only a key alone waits for more"
        await call.hangup()
        await pbx.quiet()
        assert _keys(pbx) == told
        pbx.receiver.clear()


async def test_digits_that_come_too_slowly_are_taken_as_they_are(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.prompt("menu", 1200, 0.5)
    ivr = "number: 6500, ivrname: Menu, prompt: menu, dialext: on, digittimeout: 1, invalid: extension 1001"
    await pbx.apply(f"ivrs: [{{{ivr}}}]")
    await ready(pbx)
    call = await one.call("6500")
    await call.hears(1200)
    await call.rtp.press("10")
    await has_told(pbx, "DTMF 10 of 1000 ANSWERED/6500")
    await call.rtp.press("01")
    await two.incoming()
    await call.hangup()
    assert _keys(pbx)[:3] == ["1", "0", "[10]"]
