"""Conferences that run: who is in them, inviting, muting, removing (spec 05-conference, ConferenceStatus)."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import OriginateRequest
from tests.support.carrier import Carrier
from tests.support.pbx import Json, TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

TONES = {"1000": 440, "1001": 570, "1002": 700, "1003": 850}
ROOM = (
    "conferences: [{number: 6400, name: Board, moderators: 1000, moderatorpassword: '99', announcements: off,"
    " musiconhold: yes%s}, {number: 6401, name: Other, announcements: off}]"
)
OUT = "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: '1000'}]\n"


class Rooms:
    """The phones 1000 to 1003 and the rooms 6400 (moderator 1000) and 6401."""

    def __init__(self, pbx: TestPbx, phones: dict[str, Phone]) -> None:
        self.pbx, self.phones = pbx, phones

    async def enter(self, number: str, room: str = "6400", keys: str = "") -> Call:
        """Let an extension dial a room; 6400 asks for a password unless `keys` are its moderator's."""
        call = await self.phones[number].call(room)
        await call.answered()
        if room == "6400" and number != "1000":
            await call.rtp.press(f"{keys}#")
        await self.inside(room, number)
        return call

    async def inside(self, room: str, *numbers: str) -> None:
        """Wait until these are among those in a room."""

        def there() -> bool:
            found = self.pbx.pbx.live.picture.rooms.get(room)
            calls = self.pbx.pbx.live.picture.calls.values()
            legs = [
                leg for call in calls for leg in call.legs.values() if found and leg.uniqueid in found.inside
            ]
            names = {leg.channelid.rpartition("-")[0] for leg in legs}
            return {f"PJSIP/{number}" for number in numbers} <= names

        await eventually(there, f"{numbers} are in {room}")

    async def told(self, step: str) -> None:
        """Wait for an event."""
        events = self.pbx.receiver.events
        await eventually(lambda: step in steps(events), f"{step} in {steps(events)}", 12)

    async def session(self, number: str = "6400") -> list[str]:
        """Who query_in_session says is in the room: number and status."""
        found = (await self.pbx.client.ok("conference/query_in_session", {"number": number}))["conference"]
        return [_short(member) for room in found for member in room["members"]]

    async def do(self, what: str, member: str, operator: str = "1000", number: str = "6400") -> None:
        """Kick, mute or unmute."""
        body = {"number": number, "operator": operator, "membernumber": member}
        await self.pbx.client.ok(f"conference/{what}_member", body)

    async def no(self, what: str, member: str, operator: str = "1000", number: str = "6400") -> str:
        """The errno of a refused kick, mute or unmute."""
        body = {"number": number, "operator": operator, "membernumber": member}
        return await self.pbx.client.errno(f"conference/{what}_member", body)

    def invitation(self, members: str, **fields: str) -> Json:
        """A request of conference/add_member."""
        body = {"number": "6400", "operator": "1000", "invitemember": members, "dialpermission": "1000"}
        return {**body, **fields}

    async def invite(self, members: str, **fields: str) -> None:
        """conference/add_member that succeeds."""
        await self.pbx.client.ok("conference/add_member", self.invitation(members, **fields))

    async def over(self) -> list[Json]:
        """Wait until nothing is left in the engine; each callid has one record, which are returned."""
        await self.pbx.quiet()
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        assert await self.pbx.pbx.switch.items(actions.ConfbridgeListRooms()) == ()
        records = self.pbx.receiver.named("NewCdr")
        assert len({cdr["callid"] for cdr in records}) == len(records)
        told = {event["callid"] for event in self.pbx.receiver.named("CallStatus")}
        assert told <= {cdr["callid"] for cdr in records}
        return records


def _short(member: Json) -> str:
    (body,) = member.values()
    assert "callpath" not in body
    return f"{body.get('number') or body['from'] + '>' + body['to']} {body['memberstatus']}"


async def rooms(pbx: TestPbx, *numbers: str, settings: str = "", before: str = "") -> Rooms:
    """Make phones and rooms."""
    phones = {}
    for number in numbers or ("1000", "1001", "1002"):
        await pbx.extension(number)
        phones[number] = await pbx.phone(number, frequency=TONES[number])
    await pbx.apply(before + ROOM % settings)
    await pbx.quiet()
    pbx.receiver.clear()
    return Rooms(pbx, phones)


async def _carrier(pbx: TestPbx) -> Carrier:
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    return carrier


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


async def test_from_outside_and_to_the_outside(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
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
    await _carrier(pbx)
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


async def test_who_may_operate(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
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


async def test_several_phones_and_the_mobile_that_rings_along(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
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


async def test_a_queue_that_is_invited_by_key(pbx: TestPbx) -> None:
    r = await rooms(pbx)
    await pbx.apply(
        "queues: [{number: 6700, queuename: Queue, agents: 1002, announcepos: off, announceholdtime: off}]"
    )
    one = await r.enter("1000")
    await one.rtp.press("#")
    await one.rtp.press("6700#")
    agent = await r.phones["1002"].incoming()
    await agent.answer()
    await one.hears(700)
    await agent.hears(440)
    assert await r.session() == ["1002 ANSWER", "1000 ANSWERED"]
    await r.do("mute", "1002")
    await one.hears_without(700)
    await r.do("kick", "1002")
    await agent.over()
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


async def test_a_route_with_a_password_cannot_be_invited(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
    r = await rooms(pbx, before=OUT.replace("strip: 1", "strip: 1, password: '4711'"))
    one = await r.enter("1000")
    await r.invite("92100")
    await r.told("NewCdr 6400 92100 NO ANSWER Internal")
    assert not carrier.requests
    await one.hangup()
    await r.over()


async def test_rooms_outlive_the_control_plane(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
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


async def test_who_is_sent_into_a_room_by_a_moderator_is_none(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
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
