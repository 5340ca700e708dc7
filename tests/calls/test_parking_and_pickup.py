"""Parking and pick-up beyond the plain case: outside parties, slots, groups, queues, two at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.story import outside, phones, stays

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def _settings(pbx: TestPbx) -> AsyncIterator[None]:
    """Whatever a test sets for parking is as before after it."""
    yield
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 60, "slots": "6900-6999"})


async def _ready(pbx: TestPbx) -> None:
    await pbx.quiet()
    pbx.receiver.clear()


async def _talk(one: Phone, two: Phone, number: str = "1001") -> tuple[Call, Call]:
    call = await one.call(number)
    talk = await two.incoming()
    await talk.answer()
    await call.hears(two.frequency)
    await talk.hears(one.frequency)
    return call, talk


async def _park(call: Call) -> None:
    """Park the other side; who parks hears the slot and is let go."""
    await call.rtp.press("*6")
    await eventually(lambda: not call.rtp.silent, "the slot is told")
    await eventually(lambda: call.ended, "who parks is let go", 12)


# Parking ----------------------------------------------------------------------------------------------


async def test_an_outside_caller_is_parked_and_never_gets_keys(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1001", "1002")
    carrier = await outside(pbx)
    await _ready(pbx)
    call = await carrier.call_in("55")
    talk = await one.incoming()
    await talk.answer()
    await talk.hears(900)
    await _park(talk)
    assert call.is_up
    taken = await two.call("6900")
    await taken.hears(900)
    await call.hears(570)
    for keys in ("*031001", "*6", "*31001"):
        await call.rtp.press(keys)
    await eventually(lambda: taken.rtp.keys.endswith("*31001"), "the keys are only heard")
    assert call.is_up
    assert taken.is_up
    # who has taken it has his keys
    await taken.rtp.press("*03")
    await taken.rtp.press("1001")
    back = await one.incoming()
    await back.answer()
    await call.hears(440)
    await call.hangup()
    await pbx.quiet()
    assert sorted(steps(pbx.receiver.named("NewCdr"))) == [
        "NewCdr 1002 6900 ANSWERED Internal",
        "NewCdr 12345678 1001 ANSWERED Inbound",
    ]


async def test_an_outside_party_that_was_called_is_parked_and_returns(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1001", "1002")
    carrier = await outside(pbx)
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 10})
    await _ready(pbx)
    call = await one.call("95551234")
    called = await carrier.incoming()
    await called.answer()
    await call.hears(900)
    await called.hears(440)
    await _park(call)
    assert called.is_up
    await eventually(lambda: len(one.calls) == 2, "it returns", 20)
    back = await one.incoming()
    await back.answer()
    await called.hears(440)
    for keys in ("*031002", "*6", "*31002"):
        await called.rtp.press(keys)
    await eventually(lambda: back.rtp.keys.endswith("*31002"), "the keys are only heard")
    assert back.is_up
    assert not two.calls
    await back.hangup()
    await called.over()
    await pbx.quiet()
    assert steps(pbx.receiver.named("NewCdr")) == ["NewCdr 1001 95551234 ANSWERED Outbound"]
    told = steps(pbx.receiver.named("CallStatus"))
    assert "CallStatus 1001>95551234 ALERT, 1001 RING" in told
    assert "CallStatus 1001>95551234 ANSWERED, 1001 ANSWER" in told


async def test_outside_callers_take_nothing_out(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("ivrs: [{number: 6500, ivrname: Menu, dialext: on, digittimeout: 1}]")
    carrier = await outside(pbx, desttype="ivr", dest="6500")
    await pbx.client.ok("ivr/update", {"number": "6500", "dialoutboundroutes": "on"})
    await pbx.apply("disa: [{name: remote, password: '4711', digittimeout: 1, outroutes: out}]")
    call, talk = await _talk(one, two)
    await _park(talk)
    thief = await carrier.call_in("55")
    await thief.answered()
    await thief.rtp.press("6900")
    await stays(lambda: not thief.rtp.hears(440), "the parked caller is not heard", 4)
    await thief.hangup()
    # behind the password of a DISA one dials as in the house
    route = (await pbx.client.ok("inroute/query", {"id": "all"}))["inroutes"][0]
    await pbx.client.ok("inroute/update", {"id": route["id"], "desttype": "disa", "dest": "remote"})
    boss = await carrier.call_in("55")
    await boss.answered()
    await boss.rtp.press("4711#")
    await boss.rtp.press("6900")
    await eventually(lambda: boss.rtp.hears(440), "the parked caller is heard", 15)
    await call.hears(900)
    await boss.hangup()
    await call.over()
    await pbx.quiet()


async def test_another_range_of_slots_is_in_force_at_once(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    refused = await pbx.admin("PATCH", "/settings/parking", {"slots": "1000-1005"}, status=409)
    assert "taken by another extension" in refused["error"]
    await pbx.admin("PATCH", "/settings/parking", {"slots": "7100-7101"})
    call, talk = await _talk(one, two)
    await _park(talk)
    assert await (await three.call("6900")).refused() == 404
    taken = await three.call("7100")
    await taken.hears(440)
    await call.hears(700)
    await taken.hangup()
    await call.over()


async def test_slots_do_not_collide_and_may_run_out(pbx: TestPbx) -> None:
    one, two, three, four, five, six = await phones(pbx, *(str(number) for number in range(1000, 1006)))
    await pbx.admin("PATCH", "/settings/parking", {"slots": "7100-7101"})
    await _ready(pbx)
    first, talk = await _talk(one, two)
    await _park(talk)
    second, talk = await _talk(three, four, "1003")
    await _park(talk)
    third, talk = await _talk(five, six, "1005")
    await talk.rtp.press("*6")
    # no slot is free: the talk goes on
    await eventually(lambda: talk.rtp.keys == "" and talk.is_up and third.rtp.hears(1090), "they talk on", 12)
    await third.hangup()
    await talk.over()
    one_taken, other_taken = await two.call("7100"), await four.call("7101")
    await one_taken.hears(440)
    await other_taken.hears(700)
    await first.hangup()
    await second.hangup()
    await one_taken.over()
    await other_taken.over()
    await pbx.quiet()
    assert len(pbx.receiver.named("NewCdr")) == 5


async def test_two_take_one_call_out(pbx: TestPbx) -> None:
    one, two, three, four = await phones(pbx, "1000", "1001", "1002", "1003")
    call, talk = await _talk(one, two)
    await _park(talk)
    pbx.receiver.clear()
    takers = await asyncio.gather(three.call("6900"), four.call("6900"))
    await eventually(lambda: any(one_of.rtp.hears(440) for one_of in takers), "one has it", 12)
    await eventually(lambda: sum(one_of.ended for one_of in takers) == 1, "the other has not", 12)
    winner = next(one_of for one_of in takers if not one_of.ended)
    await call.hears(winner.phone.frequency)
    await winner.hangup()
    await call.over()
    await pbx.quiet()
    statuses = sorted(cdr["status"] for cdr in pbx.receiver.named("NewCdr"))
    assert statuses == ["ANSWERED", "ANSWERED", "NO ANSWER"]
    assert len(pbx.receiver.named("CallFailed")) == 1


async def test_who_waits_in_a_slot_may_give_up(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await _ready(pbx)
    call, talk = await _talk(one, two)
    await _park(talk)
    await call.hangup()
    await pbx.quiet()
    assert steps(pbx.receiver.events)[-3:] == [
        "CallStatus 1000 BYE",
        "1000 Registered",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]
    assert await (await two.call("6900")).refused() == 404


# Pick-up ----------------------------------------------------------------------------------------------

CODES = ["*4", "*041001"]


@pytest.mark.parametrize("code", CODES)
async def test_pick_up_of_an_outside_call(pbx: TestPbx, code: str) -> None:
    one, two = await phones(pbx, "1001", "1002")
    carrier = await outside(pbx)
    await _ready(pbx)
    call = await carrier.call_in("55")
    ringing = await one.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    taken = await two.call(code)
    await taken.hears(900)
    await call.hears(570)
    await eventually(lambda: ringing.ended, "1001 stops ringing")
    await call.hangup()
    await pbx.quiet()
    told = steps(pbx.receiver.events)
    assert "CallStatus 12345678>55 ANSWERED, 1002 ANSWER" in told
    assert told[-1] == "NewCdr 12345678 1002 ANSWERED Inbound"
    assert f"NewCdr 1002 {code} ANSWERED Internal" in told


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("number", ["6200", "6700"])
async def test_pick_up_from_a_group_or_a_queue(pbx: TestPbx, number: str, code: str) -> None:
    one, two, three, four = await phones(pbx, "1000", "1001", "1002", "1003")
    await pbx.apply(
        "ringgroups: [{number: 6200, name: Group, members: [1001, 1002]}]\n"
        "queues: [{number: 6700, queuename: Queue, agents: [1001, 1002], announcepos: off, wrapuptime: 0,"
        " announceholdtime: off, ringstrategy: Ring All}]"
    )
    await _ready(pbx)
    call = await one.call(number)
    first, second = await two.incoming(), await three.incoming()
    await eventually(lambda: {"1001 Ringing", "1002 Ringing"} <= set(steps(pbx.receiver.events)), "both ring")
    taken = await four.call(code)
    await call.hears(830)
    await taken.hears(440)
    await eventually(lambda: first.ended and second.ended, "nobody rings any more")
    await taken.hangup()
    await call.over()
    await pbx.quiet()
    told = steps(pbx.receiver.events)
    assert f"CallStatus 1000 ANSWERED/{number}, 1003 ANSWER/{number}" in told
    for member in ("1001", "1002"):
        assert f"CallStatus {member} BYE/{number}" in told
    assert told[-1] == f"NewCdr 1000 {number}(1003) ANSWERED Internal"
    assert told.count(f"NewCdr 1003 {code} ANSWERED Internal") == 1
    assert len(pbx.receiver.named("NewCdr")) == 2
    assert not pbx.receiver.named("CallFailed")


async def test_two_pick_up_at_once(pbx: TestPbx) -> None:
    one, two, three, four = await phones(pbx, "1000", "1001", "1002", "1003")
    await _ready(pbx)
    call = await one.call("1001")
    ringing = await two.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    tries = await asyncio.gather(three.call("*4"), four.call("*041001"))
    await eventually(lambda: any(one_of.rtp.hears(440) for one_of in tries), "one has it")
    await eventually(lambda: sum(one_of.ended for one_of in tries) == 1, "the other has not")
    winner = next(one_of for one_of in tries if not one_of.ended)
    loser = next(one_of for one_of in tries if one_of.ended)
    assert await loser.refused() == 404
    await call.hears(winner.phone.frequency)
    await eventually(lambda: ringing.ended, "1001 stops ringing")
    await winner.hangup()
    await call.over()
    await pbx.quiet()
    failed = steps(pbx.receiver.named("CallFailed"))
    assert failed == [f"CallFailed 404 NOT found: {loser.phone.number}"]
    assert len(pbx.receiver.named("NewCdr")) == 3
    assert steps(pbx.receiver.events)[-1] == f"NewCdr 1000 {winner.phone.number} ANSWERED Internal"


@pytest.mark.parametrize("registrations", ["1", "2"])
async def test_a_phone_that_an_application_rings_first_is_not_picked_up(
    pbx: TestPbx, registrations: str
) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1001={"maxregistrations": registrations})
    three.auto_answer = True
    await _ready(pbx)
    callid = (await pbx.client.ok("call/dial", {"caller": "1001", "callee": "1002"}))["callid"]
    first = await two.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    for code in CODES:
        assert await (await one.call(code)).refused() == 404
    await first.answer()
    await first.hears(700)
    await first.hangup()
    cdr = await pbx.receiver.cdr(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("1001", "1002", "ANSWERED")


async def test_who_is_called_into_a_room_or_a_talk_is_not_replaced(pbx: TestPbx) -> None:
    one, two, three, four = await phones(pbx, "1000", "1001", "1002", "1003")
    await pbx.apply("conferences: [{number: 6400, name: Room, moderators: 1000, announcements: off}]")
    await _talk(one, two)
    (talk,) = pbx.pbx.live.picture.calls.values()
    channel = next(member.channelid for member in talk.members if member.number == "1000")
    invitation = {"number": "6400", "operator": "1000", "invitemember": "1002", "dialpermission": "1000"}
    addition = {"channelid": channel, "number": "1002"}
    for endpoint, body, told in (
        ("conference/add_member", invitation, "CallStatus 1002 ANSWER/6400"),
        ("call/add_member", addition, "CallStatus 1000 ANSWERED, 1001 ANSWER, 1002 ANSWER"),
    ):
        pbx.receiver.clear()
        await pbx.client.ok(endpoint, body)
        ringing = await three.incoming()
        await eventually(lambda: "1002 Ringing" in steps(pbx.receiver.events), "1002 rings")
        for code in ("*4", "*041002"):
            assert await (await four.call(code)).refused() == 404
        assert not ringing.ended
        await ringing.answer()
        await eventually(lambda: told in steps(pbx.receiver.events), f"1002 is in: {told}")  # noqa: B023
        await ringing.hangup()
        await eventually(lambda: "1002 Registered" in steps(pbx.receiver.events), "1002 has left")


async def test_the_call_that_is_meant_is_picked_up(pbx: TestPbx) -> None:
    one, two, three, four, five = await phones(pbx, "1000", "1001", "1002", "1003", "1004")
    await one.call("1001")
    wanted = await three.call("1003")
    await two.incoming()
    ringing = await four.incoming()
    await eventually(lambda: 180 in wanted.statuses, "it rings")
    taken = await five.call("*041003")
    await taken.hears(700)
    await wanted.hears(960)
    await eventually(lambda: ringing.ended, "1003 stops ringing")
    await stays(lambda: not two.calls[0].ended, "1001 rings on", 0.5)
    await taken.hangup()
