"""Calling people into conferences (spec 05-conference: conference/add_member; the key # in a room)."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.rooms import OUT, carrier_of, rooms

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_from_outside_and_to_the_outside(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx, before=OUT)
    body = {"name": "in", "trunks": "siptrunk", "desttype": "conference", "dest": "6401"}
    await pbx.client.ok("inroute/add", body)
    inbound = await carrier.call_in("555", caller="777")
    await inbound.answered()
    await r.told("ConferenceStatus Other: 777>555 ANSWERED/6401")
    assert await r.no("kick", "777", number="6401") == "10106"
    await inbound.hangup()
    await r.invite("92100,1001")
    outbound, inside = await carrier.incoming(), await r.phones["1001"].incoming()
    assert "6400" in inside.shown
    await r.told("CallStatus 6400>92100 RING/6400")
    await outbound.answer()
    await r.told("ConferenceStatus Board: 6400>92100 ANSWER/6400")
    await inside.answer()
    await inside.hears(900)
    await outbound.hears(570)
    assert await r.session() == ["1001 ANSWER", "6400>92100 ANSWER"]
    (member,) = [
        m["outbound"] for m in pbx.receiver.named("ConferenceStatus")[-1]["members"] if "outbound" in m
    ]
    assert member["trunkname"] == "siptrunk"
    assert member["channelid"].startswith("PJSIP/trunk-siptrunk-endpoint-")
    await r.do("kick", "92100")
    await outbound.over()
    await inside.hangup()
    records = await r.over()
    assert [step for step in steps(records) if "777" not in step] == [
        "NewCdr 6400 92100 ANSWERED Outbound",
        "NewCdr 6400 1001 ANSWERED Internal",
    ]


async def test_an_invitation_step_by_step(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    await r.invite("1001")  # nobody is in the room
    call = await r.phones["1001"].incoming()
    await r.told("1001 Ringing")
    await r.invite("1001")  # is being called already
    await call.answer()
    await r.told("ConferenceStatus Board: 1001 ANSWER/6400")
    await r.invite("1001")  # is inside already
    await r.told("1001 Busy")
    await call.hangup()
    await r.over()
    assert steps(pbx.receiver.events) == [
        "CallStatus 1001 RING/6400",
        "1001 Ringing",
        "CallStatus 1001 ANSWER/6400",
        "1001 Busy",
        "ConferenceStatus Board: 1001 ANSWER/6400",
        "ConferenceStatus Board:",
        "CallStatus 1001 BYE/6400",
        "1001 Registered",
        "NewCdr 6400 1001 ANSWERED Internal",
    ]


@pytest.mark.parametrize("how", ["refused", "off", "rings out", "voicemail"])
async def test_who_does_not_come_leaves_nothing_behind(pbx: TestPbx, how: str) -> None:
    r = await rooms(pbx)
    update = {"number": "1001", "noanswerforward": "off", "busyforward": "off"}
    if how in {"rings out", "voicemail"}:
        update |= {"ringtimeout": "1"}
    if how == "voicemail":  # a box is not invited
        update |= {"noanswerforward": "on", "noanswertransferto": "Voicemail", "hasvoicemail": "on"}
    await pbx.client.ok("extension/update", update)
    if how == "off":
        await r.phones["1001"].register(0)
    await pbx.quiet()
    pbx.receiver.clear()
    one = await r.enter("1000")
    await r.invite("1001")
    if how != "off":
        call = await r.phones["1001"].incoming()
        if how == "refused":
            await call.refuse(486)
        await eventually(lambda: call.ended, "the phone does not ring any more")
    status = "BUSY" if how == "refused" else "NO ANSWER"
    await r.told(f"NewCdr 6400 1001 {status} Internal")
    assert await r.session() == ["1000 ANSWERED"]
    await r.invite("1002")  # and again, somebody else
    other = await r.phones["1002"].incoming()
    await other.answer()
    await one.hears(700)
    await one.hangup()
    await other.hangup()
    await r.over()


async def test_invitations_are_checked_before_anybody_is_called(pbx: TestPbx) -> None:
    await carrier_of(pbx)
    r = await rooms(pbx, before=OUT)
    await pbx.apply("queues: [{number: 6700, queuename: Queue, agents: 1002}]")

    async def errno(members: str, **fields: str) -> str:
        return await pbx.client.errno("conference/add_member", r.invitation(members, **fields))

    assert await errno("1001", number="6499") == "10110"
    assert await errno("1001", operator="1001") == "10106"
    assert await errno("1001", operator="1001;drop") == "10106"
    assert await errno("1001", dialpermission="6400") == "10006"
    assert await errno("1001", dialpermission="1999") == "10006"
    assert await errno("1001,92100", dialpermission="1001") == "10024"
    assert await errno("1001,4711") == "10011"
    assert await errno("1001,6700") == "10011"
    assert await errno("1001,6400") == "10011"
    assert await errno("1001,*4") == "10011"
    assert await errno("1001,1002@evil") == "10011"
    assert await errno("1001,1002\r\nAction: Logoff") == "10011"
    assert await errno("1001,1002-1003") == "10011"
    assert await errno(",") == "10011"
    assert await errno(",".join(str(n) for n in range(1000, 1300))) == "10112"
    for name in ("number", "operator", "invitemember", "dialpermission"):
        body = {**r.invitation("1001"), name: ""}
        assert await pbx.client.errno("conference/add_member", body) == "10004"
    await pbx.quiet()
    assert not [event for event in pbx.receiver.events if event["event"] != "ExtensionStatus"]
    assert not r.phones["1001"].calls


async def test_several_phones_and_the_mobile_that_rings_along(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx, before=OUT.replace("'1000'", "[1000, 1001]"))
    await pbx.extension("1001", maxregistrations="2", mobile="2100")
    along = sa.update(extensions).where(extensions.c.number == "1001")
    along = along.values(ringsimultaneous=True, mobileprefix="9")  # no endpoint sets it
    await pbx.core.store.write("rings along", lambda unit: unit.connection.execute(along).rowcount)
    await r.phones["1001"].register()
    other = await pbx.phone("1001", frequency=620)
    await pbx.client.ok("outroute/update", {"id": await _route(pbx), "extensions": "1000,1001"})
    await pbx.quiet()
    pbx.receiver.clear()
    one = await r.enter("1000")
    for mobile_answers in (False, True):
        await r.invite("1001")
        desk, second, mobile = [await phone.incoming() for phone in (r.phones["1001"], other, carrier)]
        answered, tone = (mobile, 900) if mobile_answers else (second, 620)
        await answered.answer()
        await one.hears(tone)
        await answered.hears(440)
        others = [call for call in (desk, second, mobile) if call is not answered]
        await eventually(lambda others=others: all(c.ended for c in others), "the others stop ringing")  # type: ignore[misc]
        who = "6400>92100" if mobile_answers else "1001"
        await r.told(f"ConferenceStatus Board: {who} ANSWER/6400, 1000 ANSWERED/6400")
        assert await r.session() == [f"{who} ANSWER", "1000 ANSWERED"]
        member = pbx.receiver.named("ConferenceStatus")[-1]["members"][0]
        assert next(iter(member.values()))["channelid"].startswith("PJSIP/")
        await r.do("mute", who.rpartition(">")[2])
        await one.hears_without(tone)
        await r.do("kick", who.rpartition(">")[2])
        await answered.over()
    await one.hangup()
    records = await r.over()
    assert [cdr["callfrom"] for cdr in records] == ["6400", "6400", "1000"]


async def _route(pbx: TestPbx) -> str:
    return str((await pbx.client.ok("outroute/query", {"id": "all"}))["outroutes"][0]["id"])


async def test_a_queue_is_not_invited(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    await pbx.apply("queues: [{number: 6700, queuename: Queue, agents: 1002}]")
    one = await r.enter("1000")
    await one.rtp.press("#")
    await one.rtp.press("6700#")
    await r.told("NewCdr 6400 6700 NO ANSWER Internal")
    assert not r.phones["1002"].calls
    assert await r.session() == ["1000 ANSWERED"]
    await one.hangup()
    await r.over()


async def test_a_route_with_a_password_cannot_be_invited(pbx: TestPbx) -> None:
    carrier = await carrier_of(pbx)
    r = await rooms(pbx, before=OUT.replace("strip: 1", "strip: 1, password: '4711'"))
    one = await r.enter("1000")
    await r.invite("92100")
    await r.told("NewCdr 6400 92100 BUSY Internal")
    assert not carrier.requests
    await one.hangup()
    await r.over()


async def test_two_requests_at_once_call_one_person_once(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    await asyncio.gather(*(r.invite("1001,1002") for _ in range(4)))
    calls = [await r.phones[number].incoming() for number in ("1001", "1002")]
    for call in calls:
        await call.answer()
    await calls[0].hears(700)
    assert [len(r.phones[number].calls) for number in ("1001", "1002")] == [1, 1]
    for call in calls:
        await call.hangup()
    assert len(await r.over()) == 2


async def test_who_was_invited_can_be_sent_on(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    one = await r.enter("1000")
    await r.invite("1001")
    call = await r.phones["1001"].incoming()
    await call.answer()
    await one.hears(570)
    member = pbx.receiver.named("ConferenceStatus")[-1]["members"][0]["ext"]
    await pbx.client.ok("call/transfer", {"channelid": member["channelid"], "number": "1002"})
    await r.told("ConferenceStatus Board: 1000 ANSWERED/6400")
    third = await r.phones["1002"].incoming()
    await third.answer()
    await call.hears(700)
    await third.hears(570)
    assert await r.session() == ["1000 ANSWERED"]
    assert await r.no("kick", "1001") == "10105"
    await call.hangup()
    await third.over()
    await one.hangup()
    assert len(await r.over()) == 2
