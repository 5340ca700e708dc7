"""Pages: who hears whom, who is left in peace, and pages to loudspeakers (spec 08-paging)."""

from __future__ import annotations

import pytest

from tests.support.multicast import Loudspeaker
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, eventually
from tests.support.story import Story, phones, stays

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _group(pbx: TestPbx, kind: str = "paging", members: str = "1001, 1002", more: str = "") -> None:
    await pbx.apply(f"paginggroups: [{{number: 6300, name: All, type: {kind}, member: [{members}]{more}}}]")


async def test_members_of_a_page_one_way_are_not_heard(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    await _group(pbx)
    call = await one.call("6300")
    first, second = await two.incoming(), await three.incoming()
    await first.hears(440)
    await second.hears(440)
    await eventually(lambda: call.rtp.silent, "who pages hears nothing")
    await stays(
        lambda: call.rtp.silent and first.rtp.hears(440) and second.rtp.hears(440), "only he is heard"
    )
    call.rtp.stop()
    await eventually(lambda: first.rtp.silent and second.rtp.silent, "the members do not hear each other")
    await call.hangup()
    await first.over()
    await second.over()


async def test_all_are_heard_two_way(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    await _group(pbx, "intercom")
    call = await one.call("6300")
    first, second = await two.incoming(), await three.incoming()
    await eventually(lambda: not call.rtp.silent, "who pages hears the members")
    second.rtp.stop()
    await call.hears(570)
    await first.hears(440)
    call.rtp.stop()
    await second.hears(570)
    await eventually(lambda: first.rtp.silent, "nobody else speaks")
    await call.hangup()
    await first.over()
    await second.over()


async def test_members_by_group_and_by_number_are_called_once(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    await pbx.client.ok("extensiongroup/add", {"name": "Floor", "members": "1000,1001,1002"})
    await _group(pbx, members="1002", more=", membergroup: Floor")
    call = await one.call("6300")
    for phone in (two, three):
        await (await phone.incoming()).hears(440)
    await call.hangup()
    await pbx.quiet()
    assert [len(phone.calls) for phone in (one, two, three)] == [1, 1, 1]  # and nobody pages himself


@pytest.mark.parametrize("why", ["in a call", "rings", "not to be disturbed", "off"])
async def test_who_is_left_in_peace(pbx: TestPbx, why: str) -> None:
    one, two, three, four = await phones(pbx, "1000", "1001", "1002", "1003")
    three.auto_answer = True
    await _group(pbx)
    before: Call | None = None
    if why in {"in a call", "rings"}:
        before = await four.call("1001")
        other = await two.incoming()
        if why == "in a call":
            await other.answer()
            await before.hears(570)
    elif why == "off":
        await two.register(0)
    else:
        await pbx.client.ok("extension/update", {"number": "1001", "dnd": "on"})
    count = len(two.calls)
    call = await one.call("6300")
    await (await three.incoming()).hears(440)
    await stays(lambda: len(two.calls) == count, "1001 is left in peace", 1.0)
    if before is not None and why == "in a call":
        assert before.rtp.hears(570)
    await call.hangup()
    if before is not None:
        await before.hangup()
    await pbx.quiet()


async def test_a_page_to_nobody(pbx: TestPbx) -> None:
    (one, _) = await phones(pbx, "1000", "1001", e1001={"dnd": "on"})
    await _group(pbx, members="1000, 1001")
    story = await Story.begin(pbx)
    call = await one.call("6300")
    assert await call.refused() >= 400
    await story.tells("1000 Busy", "CallStatus 1000 BYE/6300", "1000 Registered")
    await story.tells("CallFailed 408 Request Time: 1000", "NewCdr 1000 6300 NO ANSWER Internal")
    await story.ends()


async def test_a_page_to_who_is_in_calls(pbx: TestPbx) -> None:
    one, two, _, four = await phones(pbx, "1000", "1001", "1002", "1003")
    await _group(pbx, members="1000, 1001")
    before = await four.call("1001")
    await (await two.incoming()).answer()
    await before.hears(570)
    await eventually(lambda: "1001 Busy" in steps(pbx.receiver.events), "all of the beginning is told")
    pbx.receiver.clear()
    story = Story(pbx)
    call = await one.call("6300")
    assert await call.refused() >= 400
    await story.tells("1000 Busy", "CallStatus 1000 BYE/6300", "1000 Registered")
    await story.tells("CallFailed User Busy: 1000", "NewCdr 1000 6300 BUSY Internal")
    await before.hangup()


async def test_who_leaves_a_page_leaves_the_others(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    await _group(pbx)
    pbx.receiver.clear()
    call = await one.call("6300")
    first, second = await two.incoming(), await three.incoming()
    await first.hears(440)
    await second.hears(440)
    await first.hangup()
    await eventually(lambda: "CallStatus 1001 BYE/6300" in steps(pbx.receiver.events), "he has left")
    await stays(lambda: second.rtp.hears(440) and call.is_up, "the page goes on", 1.0)
    await call.hangup()
    await second.over()
    await pbx.quiet()
    assert steps(pbx.receiver.named("NewCdr")) == ["NewCdr 1000 6300 ANSWERED Internal"]


@pytest.mark.parametrize("kind", ["paging", "intercom"])
async def test_star_means_nothing_where_it_is_not_allowed(pbx: TestPbx, kind: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    two.auto_answer = three.auto_answer = True
    await _group(pbx, kind, more=", enabledialtoanswer: no")
    call = await one.call("6300")
    first, second = await two.incoming(), await three.incoming()
    await eventually(lambda: not first.rtp.silent and not second.rtp.silent, "the page is heard")
    await first.rtp.press("*")
    await stays(lambda: second.is_up and call.is_up and first.is_up, "the page goes on", 1.0)
    await call.hangup()
    await first.over()
    await second.over()


@pytest.mark.parametrize(
    ("address", "group", "port"),
    [("239.77.1.5:34567", "239.77.1.5", 34567), ("239.77.1.6", "239.77.1.6", 2000)],
)
async def test_a_page_to_loudspeakers(pbx: TestPbx, address: str, group: str, port: int) -> None:
    (one,) = await phones(pbx, "1000")
    fields = {"number": "6300", "name": "Yard", "type": "multicast", "multicastip": address}
    await pbx.client.ok("paginggroup/add", fields)
    async with Loudspeaker(group, port) as speaker, Loudspeaker("239.77.1.7", port) as other:
        story = await Story.begin(pbx)
        call = await one.call("6300")
        await story.tells("1000 Busy", "CallStatus 1000 ANSWERED/6300")
        await eventually(lambda: speaker.rtp.hears(440), "the loudspeaker is heard")
        assert not other.rtp.packets
        await call.hangup()
        await story.tells("CallStatus 1000 BYE/6300", "1000 Registered", "NewCdr 1000 6300 ANSWERED Internal")
        await story.ends()
        speaker.rtp.forget()
        await stays(lambda: not speaker.rtp.packets, "nothing more comes", 0.5)


GOOD = ("239.1.2.3", "224.0.1.75:10000", "239.255.255.255:65535", "ff02::1", "[ff02::1]", "[ff05::2:3]:5004")
BAD = (
    "192.168.1.5",
    "239.1.2.3:0",
    "239.1.2.3:65536",
    "239.1.2.3:",
    "239.1.2",
    "239.1.2.3:2000:1",
    "[239.1.2.3]x",
    "239.1.2.3/24",
    "fe80::1",
    "[ff02::1",
    "all",
    "239.1.2.3//c(ulaw)",
    "239.1.2.3&PJSIP/1000",
    "239.1.2.3,q",
    "٢٣٩.1.2.3",
)


async def test_which_addresses_are_taken(pbx: TestPbx) -> None:
    fields = {"number": "6300", "name": "Yard", "type": "multicast"}
    for address in BAD:
        assert await pbx.client.errno("paginggroup/add", {**fields, "multicastip": address}) == "10039", (
            address
        )
    for address in GOOD:
        await pbx.client.ok("paginggroup/add", {**fields, "multicastip": address})
        shown = (await pbx.client.ok("paginggroup/query", {"number": "6300"}))["paginggroup"][0]
        assert shown["multicastip"] == address
        for wrong in BAD[:3]:
            assert (
                await pbx.client.errno("paginggroup/update", {"number": "6300", "multicastip": wrong})
                == "10039"
            )
        await pbx.client.ok("paginggroup/delete", {"number": "6300"})
