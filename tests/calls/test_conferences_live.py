"""Conferences that run: who is in them, muting and removing (spec 05-conference, ConferenceStatus)."""

from __future__ import annotations

import pytest

from offhook.asterisk.switch import OriginateRequest
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.rooms import OUT, carrier_of, rooms

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_comes_and_goes_is_told(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    one = await r.enter("1000")
    two = await r.enter("1001")
    three = await r.enter("1002")
    await one.hears(570, 700)
    await two.hears(440, 700)
    assert await r.session() == ["1002 ANSWERED", "1001 ANSWERED", "1000 ANSWERED"]
    first = pbx.receiver.named("ConferenceStatus")[0]["callid"]
    await one.hangup()
    await r.told("NewCdr 1000 6400 ANSWERED Internal")
    await two.hangup()
    await r.told("NewCdr 1001 6400 ANSWERED Internal")
    await three.hangup()
    records = await r.over()
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ANSWERED/6400",
        "ConferenceStatus Board: 1000 ANSWERED/6400",
        "1001 Busy",
        "CallStatus 1001 ANSWERED/6400",
        "ConferenceStatus Board: 1001 ANSWERED/6400, 1000 ANSWERED/6400",
        "1002 Busy",
        "CallStatus 1002 ANSWERED/6400",
        "ConferenceStatus Board: 1002 ANSWERED/6400, 1001 ANSWERED/6400, 1000 ANSWERED/6400",
        "ConferenceStatus Board: 1002 ANSWERED/6400, 1001 ANSWERED/6400",
        "CallStatus 1000 BYE/6400",
        "1000 Registered",
        "NewCdr 1000 6400 ANSWERED Internal",
        "ConferenceStatus Board: 1002 ANSWERED/6400",
        "CallStatus 1001 BYE/6400",
        "1001 Registered",
        "NewCdr 1001 6400 ANSWERED Internal",
        "ConferenceStatus Board:",
        "CallStatus 1002 BYE/6400",
        "1002 Registered",
        "NewCdr 1002 6400 ANSWERED Internal",
    ]
    # all of it under the callid of who came first, though that one left first
    assert {event["callid"] for event in pbx.receiver.named("ConferenceStatus")} == {first}
    assert records[0]["callid"] == first
    raw = next(body for body in pbx.receiver.raw if b"ConferenceStatus" in body).rpartition(b"\r\n")[2]
    assert raw.startswith(
        b'{"event":"ConferenceStatus","callid":"%s","conferencenumber":"6400","conferencename":"Board",'
        b'"members":[{"ext":{"number":"1000","channelid":"PJSIP/1000-' % first.encode()
    )


async def test_members_wait_for_the_moderator(pbx: TestPbx) -> None:
    r = await rooms(pbx, settings=", waitformoderator: yes")
    two = await r.enter("1001")
    three = await r.enter("1002")
    await eventually(lambda: not two.rtp.silent and not two.rtp.hears(700), "1001 hears music")
    assert await r.session() == ["1002 HOLD", "1001 HOLD"]
    one = await r.enter("1000")
    await two.hears(440, 700)
    assert await r.session() == ["1000 ANSWERED", "1002 ANSWERED", "1001 ANSWERED"]
    await one.hangup()
    await two.hears_without(700)
    await r.told("NewCdr 1000 6400 ANSWERED Internal")
    assert await r.session() == ["1002 HOLD", "1001 HOLD"]
    await two.hangup()
    await three.hangup()
    await r.over()
    told = [step for step in steps(pbx.receiver.events) if step.startswith("Conf")]
    assert told == [
        "ConferenceStatus Board: 1001 HOLD/6400",
        "ConferenceStatus Board: 1002 HOLD/6400, 1001 HOLD/6400",
        "ConferenceStatus Board: 1000 ANSWERED/6400, 1002 ANSWERED/6400, 1001 ANSWERED/6400",
        "ConferenceStatus Board: 1002 HOLD/6400, 1001 HOLD/6400",
        "ConferenceStatus Board: 1002 HOLD/6400",
        "ConferenceStatus Board:",
    ]


async def test_who_may_operate(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx)
    body = {"name": "in", "trunks": "siptrunk", "desttype": "conference", "dest": "6400"}
    await pbx.client.ok("inroute/add", body)
    two = await r.enter("1001")
    outside = await carrier.call_in("555", caller="777")
    await outside.answered()
    await outside.rtp.press("99#")
    await r.told("ConferenceStatus Board: 777>555 ANSWERED/6400, 1001 ANSWERED/6400")
    assert await r.no("mute", "1001", operator="1001") == "10106"
    await r.do("mute", "1001", operator="777")  # by the moderators' password
    await outside.hears_without(570)
    await r.do("mute", "1001")  # by the settings, without being inside
    await r.do("unmute", "1001")
    await outside.hears(570)
    pbx.receiver.clear()
    await outside.hangup()
    await r.told("ConferenceStatus Board: 1001 ANSWERED/6400")
    assert await r.no("mute", "1001", operator="777") == "10106"
    assert await r.no("kick", "777") == "10105"
    assert await r.no("kick", "1001", number="6401") == "10106"
    assert await r.no("kick", "1001", number="6499") == "10110"
    assert await r.no("kick", "1001,1002") == "10105"
    assert await r.no("kick", "1001';--") == "10105"
    assert await r.session() == ["1001 ANSWERED"]
    await two.hangup()
    await r.over()


async def test_mute_and_unmute(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    one, two, three = await r.enter("1000"), await r.enter("1001"), await r.enter("1002")
    for _ in range(2):
        await r.do("mute", "1001")
        await one.hears_without(570)
        await one.hears(700)
    await two.hears(440, 700)
    await r.do("mute", "all")
    await one.hears_without(700)
    await two.hears_without(440)
    for _ in range(2):
        await r.do("unmute", "1001, 1000,")
        await three.hears(440, 570)
        await two.hears(440)
    await one.hears_without(700)
    await r.do("unmute", "all")
    await one.hears(570, 700)
    await three.hangup()
    await r.told("NewCdr 1002 6400 ANSWERED Internal")
    assert await r.no("mute", "1002") == "10105"
    assert await r.no("unmute", "1002") == "10105"
    await one.hangup()
    await two.hangup()
    await r.over()
    await r.do("mute", "all")  # nobody is there


async def test_kick(pbx: TestPbx) -> None:
    r = await rooms(pbx, "1000", "1001", "1002", "1003")
    calls = {number: await r.enter(number) for number in r.phones}
    await r.do("kick", "1001")
    await calls["1001"].over()
    assert await r.no("kick", "1001") == "10105"
    assert await r.no("kick", "1002,1001") == "10105"
    assert await r.session() == ["1003 ANSWERED", "1002 ANSWERED", "1000 ANSWERED"]
    await r.do("kick", "1002,1003")
    await calls["1002"].over()
    await calls["1003"].over()
    assert await r.session() == ["1000 ANSWERED"]
    again = await r.enter("1001")
    await again.hears(440)
    await r.do("kick", "all")  # the operator too
    await calls["1000"].over()
    await again.over()
    await r.do("kick", "all")
    assert await r.session() == []
    await r.over()


async def test_who_is_inside_twice(pbx: TestPbx) -> None:
    r = await rooms(pbx, "1000", "1001")
    one, two = await r.enter("1000"), await r.enter("1001")
    second = await r.phones["1001"].call("6400")
    await second.answered()
    await second.rtp.press("#")
    await eventually(lambda: len(pbx.pbx.live.picture.rooms["6400"].inside) == 3, "inside twice")
    assert await r.session() == ["1001 ANSWERED", "1001 ANSWERED", "1000 ANSWERED"]
    await one.hears(570)
    await r.do("mute", "1001")
    await one.hears_without(570)
    await r.do("kick", "1001")
    await two.over()
    await second.over()
    await one.hangup()
    await r.over()


async def test_query_in_session(pbx: TestPbx) -> None:
    r = await rooms(pbx)

    async def query(number: str) -> list[str]:
        answer = await pbx.client.ok("conference/query_in_session", {"number": number})
        return [room["conferencenumber"] for room in answer["conference"]]

    assert await query("all") == []
    assert await query("6400") == []
    one = await r.enter("1000")
    assert await query("6401,6400") == ["6400"]
    two = await r.enter("1001", "6401")
    assert await query("all") == ["6400", "6401"]
    assert await query("6401") == ["6401"]
    for number in ("6499", "6400,6499", "1000", "6400' OR 1=1"):
        assert await pbx.client.errno("conference/query_in_session", {"number": number}) == "10110"
    assert await pbx.client.errno("conference/query_in_session", {"number": ""}) == "10004"
    answer = await pbx.client.ok("conference/query_in_session", {"number": "6401"})
    channel = answer["conference"][0]["members"][0]["ext"]["channelid"]
    callid = await pbx.call_id(lambda call: call.callpath == "6401")
    member = {"number": "1001", "channelid": channel, "memberstatus": "ANSWERED"}
    assert answer["conference"] == [
        {
            "callid": callid,
            "conferencenumber": "6401",
            "conferencename": "Other",
            "members": [{"ext": member}],
        }
    ]
    await pbx.client.ok("conference/update", {"number": "6401", "name": "Renamed"})
    await two.hangup()
    await r.told("ConferenceStatus Renamed:")
    await one.hangup()
    await r.over()


async def test_one_with_several_phones_dials_in_by_an_application(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    await pbx.extension("1001", maxregistrations="2")
    await r.phones["1001"].register()
    await pbx.phone("1001", frequency=620)
    await pbx.quiet()
    pbx.receiver.clear()
    switch = pbx.pbx.switch
    callid = switch.next_call_id()
    pbx.pbx.live.expect(callid, "1001", "6401")
    await switch.originate(
        OriginateRequest(
            callid=callid,
            channel="Local/1001@ring-extension",
            other_channel_id=switch.next_call_id(),
            context="from-extension",
            exten="6401",
            timeout=20,
            variables={"__OFFHOOK_API": "1", "OFFHOOK_CALLER": "1001"},
        )
    )
    call = await r.phones["1001"].incoming()
    await call.answer()
    await r.told("ConferenceStatus Other: 1001 ANSWERED/6401")
    one = await r.enter("1000", "6401")
    await one.hears(570)
    assert await r.session("6401") == ["1000 ANSWERED", "1001 ANSWERED"]
    member = pbx.receiver.named("ConferenceStatus")[-1]["members"][1]["ext"]
    assert member["channelid"].startswith("PJSIP/1001-")
    await call.hangup()
    await r.told("ConferenceStatus Other: 1000 ANSWERED/6401")
    await one.hangup()
    await r.over()


async def test_rooms_outlive_the_control_plane(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx, settings=", waitformoderator: yes", before=OUT)
    two = await r.enter("1001")
    await r.invite("92100,1002")
    out, three = await carrier.incoming(), await r.phones["1002"].incoming()
    await out.answer()
    await r.told("ConferenceStatus Board: 6400>92100 HOLD/6400, 1001 HOLD/6400")
    first = pbx.receiver.named("ConferenceStatus")[0]["callid"]
    pbx.receiver.clear()
    await pbx.restart_control()
    assert await r.session() == ["6400>92100 HOLD", "1001 HOLD"]
    await r.invite("1002")  # it still rings
    await three.answer()
    await r.told("ConferenceStatus Board: 1002 HOLD/6400, 6400>92100 HOLD/6400, 1001 HOLD/6400")
    one = await r.enter("1000")
    await one.hears(570, 700, 900)
    assert await r.session() == ["1000 ANSWERED", "1002 ANSWER", "6400>92100 ANSWER", "1001 ANSWERED"]
    assert {event["callid"] for event in pbx.receiver.named("ConferenceStatus")} == {first}
    await r.do("mute", "1001,92100")
    await one.hears_without(570)
    await r.do("kick", "all")
    for call in (one, two, three, out):
        await call.over()
    records = await r.over()
    assert sorted(steps(records)) == [
        "NewCdr 1000 6400 ANSWERED Internal",
        "NewCdr 1001 6400 ANSWERED Internal",
        "NewCdr 6400 1002 ANSWERED Internal",
        "NewCdr 6400 92100 ANSWERED Outbound",
    ]


async def test_who_is_sent_into_a_room_by_a_moderator_is_none(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx)
    await pbx.client.ok(
        "inroute/add", {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    )
    two = await r.enter("1001")
    outside = await carrier.call_in("555", caller="777")
    desk = await r.phones["1000"].incoming()
    await desk.answer()
    await outside.hears(440)
    await desk.rtp.press("*03")
    await desk.hears_without(900)
    await desk.rtp.press("6400")
    await desk.over()
    await outside.rtp.press("#")  # no password: a participant
    await two.hears(900)
    assert await r.session() == ["777>555 ANSWERED", "1001 ANSWERED"]
    assert await r.no("kick", "1001", operator="777") == "10106"
    await outside.hangup()
    await two.hangup()
    await r.over()


async def test_who_waits_can_be_muted_and_removed(pbx: TestPbx) -> None:
    r = await rooms(pbx, settings=", waitformoderator: yes")
    two, three = await r.enter("1001"), await r.enter("1002")
    await r.do("mute", "1001")
    await r.do("kick", "1002")
    await three.over()
    assert await r.session() == ["1001 HOLD"]
    one = await r.enter("1000")
    await two.hears(440)
    await one.hears_without(570)
    await r.do("unmute", "1001")
    await one.hears(570)
    await one.hangup()
    await two.hangup()
    await r.over()
