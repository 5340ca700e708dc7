"""Where applications send calls from outside that Incoming has told (spec 13-call, 15-events)."""

from __future__ import annotations

import pytest

from tests.support.line import CALLER, DID, REACHED, WHO, Line, line
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


REST = (
    "ivrs: [{number: 6500, ivrname: Main}]\n"
    "ringgroups: [{number: 6200, name: Group, members: 1001}]\n"
    "queues: [{number: 6700, queuename: Queue, agents: 1001, announcepos: off, announceholdtime: off}]\n"
    "conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]\n"
)


async def _sent_to(pbx: TestPbx, number: str, **fields: str) -> tuple[Line, Call]:
    """A call in Incoming that the application sends to a number."""
    one = await line(pbx, {"control_destination": "on"})
    await pbx.extension("1001", noanswerforward="off", busyforward="off")
    await pbx.apply(REST)
    await pbx.quiet()
    pbx.receiver.clear()
    call = await one.ring()
    asked = await one.told("Incoming")
    assert await one.say("transfer", asked["channelid"], number=number, **fields) == ""
    return one, call


@pytest.mark.parametrize(("number", "path"), [("6500", "6500"), ("6700", "6700"), ("6400", "6400")])
async def test_an_application_sends_a_call_to_what_answers_by_itself(
    pbx: TestPbx, number: str, path: str
) -> None:
    one, call = await _sent_to(pbx, number)
    await call.answered()
    await eventually(lambda: len(pbx.receiver.events) >= 2, "it is told")
    await call.hangup()
    told = await one.all_told()
    room = [f"ConferenceStatus Room: {WHO} ANSWERED/6400", "ConferenceStatus Room:"]
    assert [step for step in told if "ConferenceStatus" not in step] == [
        "Incoming",
        f"CallStatus {WHO} ANSWERED/{path}",
        f"CallStatus {WHO} BYE/{path}",
        f"NewCdr {CALLER} {number} {'NO ANSWER' if number == '6700' else 'ANSWERED'} Inbound",
    ]
    assert [step for step in told if "ConferenceStatus" in step] == (room if number == "6400" else [])
    assert not one.phone.calls


async def test_an_application_sends_a_call_to_a_ring_group(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_destination": "on"})
    await pbx.extension("1001")
    other = await pbx.phone("1001", frequency=570)
    await pbx.apply(REST)
    await pbx.quiet()
    pbx.receiver.clear()
    call = await one.ring()
    asked = await one.told("Incoming")
    assert await one.say("transfer", asked["channelid"], number="6200") == ""
    await one.talk(call, await other.incoming())
    assert await one.all_told() == [
        "Incoming",
        f"CallStatus {WHO} ALERT/6200, 1001 RING/6200",
        "1001 Ringing",
        f"CallStatus {WHO} ANSWERED/6200, 1001 ANSWER/6200",
        "1001 Busy",
        f"CallStatus {WHO} BYE/6200",
        "CallStatus 1001 BYE/6200",
        "1001 Registered",
        f"NewCdr {CALLER} 6200(1001) ANSWERED Inbound",
    ]


async def test_an_application_sends_a_call_out_again(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_destination": "on"})
    far = await pbx.carrier(address="127.0.0.3", frequency=700)
    await pbx.trunk(far, "way out")
    route = {"name": "out", "prefix": "9X.", "strip": "1", "trunks": "way out", "extensions": "1000"}
    await pbx.client.ok("outroute/add", route)
    await pbx.extension("1001")
    await pbx.quiet()
    pbx.receiver.clear()
    call = await one.ring()
    asked = await one.told("Incoming")
    to = {"number": "9777"}
    assert await one.say("transfer", asked["channelid"], **to) == "10004", "whose right?"
    assert await one.say("transfer", asked["channelid"], **to, dialpermission="1001") == "10024"
    assert await one.say("transfer", asked["channelid"], **to, dialpermission="1009") == "10006"
    assert await one.say("transfer", asked["channelid"], number="1009") == "10011"
    assert await one.say("transfer", asked["channelid"], **to, dialpermission="1000") == ""
    called = await far.incoming()
    assert called.invite is not None
    assert called.invite.uri.startswith("sip:777@")
    await one.talk(call, called)
    assert await one.all_told() == [
        "Incoming",
        f"CallStatus {WHO} ALERT, {CALLER}>9777 RING",
        f"CallStatus {WHO} ANSWERED, {CALLER}>9777 ANSWER",
        f"CallStatus {WHO} BYE",
        f"CallStatus {CALLER}>9777 BYE",
        f"NewCdr {CALLER} 9777 ANSWERED Inbound",
    ]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"], cdr["didnumber"]) == ("siptrunk", "way out", DID)


async def test_a_destination_that_is_not_reached_fails_the_call(pbx: TestPbx) -> None:
    one, call = await _sent_to(pbx, "1001")
    assert await call.refused() >= 400
    assert await one.all_told() == [
        "Incoming",
        f"CallStatus {WHO} BYE",
        f"CallFailed 408 Request Time: {WHO}",
        f"NewCdr {CALLER} {DID} NO ANSWER Inbound",
    ]


async def test_a_transfer_after_the_time_is_an_ordinary_one(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_destination": "off"})
    await pbx.extension("1001")
    other = await pbx.phone("1001", frequency=570)
    await pbx.quiet()
    pbx.receiver.clear()
    call = await one.ring()
    first = await one.phone.incoming()
    await eventually(lambda: "1000 Ringing" in steps(pbx.receiver.events), "1000 rings")
    event = pbx.receiver.named("CallStatus")[0]
    one.callid = event["callid"]
    assert await one.say("transfer", event["members"][0]["inbound"]["channelid"], number="1001") == ""
    second = await other.incoming()
    await eventually(lambda: first.ended, "1000 is let go")
    await one.talk(call, second)
    assert await one.all_told() == [
        *REACHED[:2],
        "CallStatus 1000 BYE",
        "1000 Registered",
        *(step.replace("1000", "1001") for step in REACHED),
    ]


async def test_an_odd_account_name_hides_no_setting(pbx: TestPbx) -> None:
    one = await line(pbx, {"username": "a[b", "control_answering": "on"})
    call = await one.ring()
    asked = await one.told("Invite")
    assert await one.say("refuse_inbound", asked["channelid"]) == ""
    assert await call.refused() == 403


async def test_a_call_that_no_route_takes_can_be_decided_about(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_destination": "on"}, did="1111")
    call = await one.ring()
    asked = await one.told("Incoming")
    assert await one.say("transfer", asked["channelid"], number="1000") == ""
    await one.talk(call)
    assert await one.all_told() == ["Incoming", *REACHED]
