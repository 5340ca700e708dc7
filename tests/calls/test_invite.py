"""Applications decide about calls from outside: Invite, Incoming, accept, refuse, transfer (spec 13, 15)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.crowd import Crowd
from tests.support.line import CALLER, DID, GIVEN_UP, REACHED, line, shown
from tests.support.pbx import Receiver, TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_is_let_in(pbx: TestPbx) -> None:
    one = await line(pbx)
    call = await one.ring()
    asked = await one.told("Invite")
    assert asked["from"] == CALLER
    await eventually(lambda: 180 in call.statuses, "the caller hears ringing")
    assert await shown(pbx, one.callid) == [{"inbound": {**asked, "memberstatus": "ALERT"}}]
    (listed,) = (await pbx.client.ok("call/query", {"type": "inbound"}))["Calls"]
    assert listed["callid"] == one.callid
    assert not one.phone.calls, "nobody is rung before"

    assert await one.say("accept_inbound", asked["channelid"]) == ""
    await one.talk(call)
    assert await one.all_told() == ["Invite", *REACHED]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["srctrunkname"], cdr["didnumber"]) == ("siptrunk", DID)


async def test_a_call_is_turned_away(pbx: TestPbx) -> None:
    one = await line(pbx)
    call = await one.ring()
    asked = await one.told("Invite")
    assert await one.say("refuse_inbound", asked["channelid"]) == ""
    assert await call.refused() == 403
    assert await one.all_told() == ["Invite"]
    assert await pbx.client.errno("call/query", {"callid": one.callid}) == "10005"
    assert not one.phone.calls


async def test_both_questions_are_asked_one_after_the_other(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_answering": "on", "control_destination": "on"})
    await pbx.extension("1001")
    other = await pbx.phone("1001", frequency=570)
    await pbx.quiet()
    pbx.receiver.clear()
    call = await one.ring()
    asked = await one.told("Invite")
    assert await one.say("transfer", asked["channelid"], number="1001") == "10102", "it is not in yet"
    assert not pbx.receiver.named("Incoming")
    assert await one.say("accept_inbound", asked["channelid"]) == ""
    assert await one.told("Incoming") == asked
    assert await one.say("refuse_inbound", asked["channelid"]) == "10016"
    assert await shown(pbx, one.callid) == [{"inbound": {**asked, "memberstatus": "ALERT"}}]
    assert await one.say("transfer", asked["channelid"], number="1001") == ""
    await one.talk(call, await other.incoming())
    assert await one.all_told() == ["Invite", "Incoming", *(step.replace("1000", "1001") for step in REACHED)]
    assert not one.phone.calls


async def test_without_a_word_the_call_goes_its_way(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_answering": "on", "control_destination": "on"})
    clock = asyncio.get_running_loop().time
    call = await one.ring()
    asked = await one.told("Invite")
    begun = clock()
    await one.told("Incoming")
    assert 8.0 < clock() - begun < 13.0
    begun = clock()
    assert await one.say("accept_inbound", asked["channelid"]) == "10016"
    await eventually(lambda: one.phone.calls, "the route's phone rings", 15)
    assert 8.0 < clock() - begun < 13.0
    assert await one.say("refuse_inbound", asked["channelid"]) == "10016"
    await one.talk(call)
    assert await one.all_told() == ["Invite", "Incoming", *REACHED]


async def test_a_silent_caller_gets_nothing_before_the_decision(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_answering": "on", "control_destination": "on"})
    await pbx.admin("PATCH", "/settings/general", {"undecided": "silence"})
    try:
        call = await one.ring()
        asked = await one.told("Invite")
        assert await one.say("accept_inbound", asked["channelid"]) == ""
        await one.told("Incoming")
        assert call.statuses == []
        one.phone.auto_ring = False
        assert await one.say("transfer", asked["channelid"], number="1000") == ""
        incoming = await one.phone.incoming()
        assert call.statuses == []
        await incoming.ring()
        await eventually(lambda: call.statuses == [180], "the phone's ringing is passed on")
        await one.talk(call, incoming)
    finally:
        await pbx.admin("PATCH", "/settings/general", {"undecided": "ringing"})
    assert await one.all_told() == ["Invite", "Incoming", *REACHED]


@pytest.mark.parametrize("asking", ["control_answering", "control_destination"])
@pytest.mark.parametrize("by", ["caller", "application", "engine"])
async def test_a_call_that_ends_while_it_waits_leaves_one_record(pbx: TestPbx, asking: str, by: str) -> None:
    one = await line(pbx, {asking: "on"})
    call = await one.ring()
    name = "Invite" if asking == "control_answering" else "Incoming"
    asked = await one.told(name)
    match by:
        case "caller":
            await call.hangup()
        case "application":
            assert await one.say("hangup", asked["channelid"]) == ""
        case _:
            await pbx.pbx.switch.hangup(asked["channelid"], 16)
    await eventually(lambda: call.ended, "it is over")
    await pbx.receiver.cdr(one.callid)
    assert await one.all_told() == [name, GIVEN_UP]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["talkduraction"], cdr["srctrunkname"], cdr["didnumber"]) == ("0", "siptrunk", DID)
    for word in ("accept_inbound", "refuse_inbound"):
        assert await one.say(word, asked["channelid"]) == "10103"


async def test_of_words_at_the_same_time_one_decides(pbx: TestPbx) -> None:
    one = await line(pbx)
    for turn in range(6):
        pbx.receiver.clear()
        call = await one.ring(caller=f"4000{turn}")
        asked = await one.told("Invite")
        words = ["accept_inbound", "refuse_inbound", "refuse_inbound", "accept_inbound"][turn % 2 :]
        answers = await asyncio.gather(*(one.say(word, asked["channelid"]) for word in words))
        assert sorted(answers) == ["", *["10016"] * (len(words) - 1)], answers
        if words[answers.index("")] == "accept_inbound":
            await (await one.phone.incoming()).refuse(486)
            await call.refused()
            await pbx.receiver.cdr(one.callid)
        else:
            assert await call.refused() == 403
            assert await one.all_told() == ["Invite"]
        await one.all_told()
        assert await one.say("accept_inbound", asked["channelid"]) == "10103"


async def test_a_second_word_comes_too_late(pbx: TestPbx) -> None:
    one = await line(pbx)
    call = await one.ring()
    asked = await one.told("Invite")
    assert await one.say("accept_inbound", asked["channelid"]) == ""
    for word in ("accept_inbound", "refuse_inbound"):
        assert await one.say(word, asked["channelid"]) == "10016"
    await one.talk(call)
    assert await one.all_told() == ["Invite", *REACHED]


@pytest.mark.parametrize("word", ["accept_inbound", "refuse_inbound"])
async def test_a_caller_who_leaves_at_the_moment_of_the_decision(pbx: TestPbx, word: str) -> None:
    one = await line(pbx)
    for turn in range(10):
        pbx.receiver.clear()
        call = await one.ring(caller=f"4000{turn}")
        asked = await one.told("Invite")
        said = asyncio.create_task(one.say(word, asked["channelid"]))
        # before the word, between it and the moment when the dialplan reads it, or just after
        await asyncio.sleep(0.015 * turn)
        await call.hangup()
        answer = await said
        assert answer in {"", "10007", "10103"}
        await eventually(lambda call=call: call.ended, "it is over")  # type: ignore[misc]
        told = await one.all_told()
        records = [step for step in told if step.startswith("NewCdr")]
        refused = word == "refuse_inbound" and answer == ""
        assert len(records) == (0 if refused else 1), (answer, told)
        if answer or refused:
            assert len(told) == 1 + len(records), told


async def test_words_that_name_nothing_that_waits(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_destination": "on"})
    for word in ("accept_inbound", "refuse_inbound"):
        assert await pbx.client.errno(f"call/{word}", {}) == "20007"
        assert await pbx.client.errno(f"call/{word}", {"channelid": ""}) == "10004"
        for channelid in ("PJSIP/trunk-siptrunk-endpoint-ffffffff", "x", "Local/1@offhook-invite-1;1"):
            assert await pbx.client.errno(f"call/{word}", {"channelid": channelid}) == "10103"
    await one.set(control_destination="off")
    call = await one.ring()
    incoming = await one.phone.incoming()
    await eventually(lambda: pbx.receiver.named("CallStatus"), "it rings")
    members = pbx.receiver.named("CallStatus")[0]["members"]
    for member in members:
        (party,) = member.values()
        for word in ("accept_inbound", "refuse_inbound"):
            assert await one.say(word, party["channelid"]) == "10016", "the trunk does not ask"
    await one.talk(call, incoming)
    assert await one.all_told() == REACHED


async def test_settings_count_from_the_next_call_on(pbx: TestPbx) -> None:
    one = await line(pbx)
    first = await one.ring()
    asked = await one.told("Invite")
    await pbx.admin("PATCH", f"/trunks/{one.trunk}", {"control_answering": "off"})
    second = await one.ring(caller="99")
    await (await one.phone.incoming()).refuse(486)
    await second.refused()
    # the one that was asked about before waits on
    assert await one.say("accept_inbound", asked["channelid"]) == ""
    await one.talk(first)
    await one.set(control_destination="on")
    third = await one.ring()
    await one.told("Incoming")
    await third.hangup()
    assert await one.all_told() == ["Incoming", GIVEN_UP]


async def test_the_gates_of_a_trunk_are_separate(pbx: TestPbx) -> None:
    one = await line(pbx, {"control_answering": "on", "control_destination": "on", "status_monitor": "off"})
    call = await one.ring()
    asked = await one.told("Invite")
    assert await one.say("accept_inbound", asked["channelid"]) == ""
    await one.told("Incoming")
    assert await one.say("transfer", asked["channelid"], number="1000") == ""
    await one.talk(call)
    assert await one.all_told() == [
        "Invite",
        "Incoming",
        *(step for step in REACHED if not step.startswith("CallStatus")),
    ]


@pytest.mark.parametrize("dialect", ["1.0.0", "1.0.2"])
async def test_receivers_of_older_formats(pbx: TestPbx, dialect: str) -> None:
    one = await line(pbx, {"control_answering": "on", "control_destination": "on"})
    old = Receiver()
    await old.start()
    session = await pbx.client.login(version=dialect, port=str(old.port))
    try:
        call = await one.ring()
        asked = await one.told("Invite")
        assert await one.say("accept_inbound", asked["channelid"]) == ""
        await one.told("Incoming")
        callid = one.callid
        await eventually(lambda: len(old.events) == 2, "both are told")
        party = {"from": CALLER, "to": DID, "trunk": "siptrunk", "inboundid": callid}
        sn = {"sn": pbx.receiver.events[0]["sn"]}
        parties = {"inbound": party} if dialect == "1.0.0" else {"call": [{"inbound": party}], **sn}
        assert old.events == [
            {"action": "Invite", "callid": callid, **parties},
            {"action": "Incoming", "callid": callid, **parties},
        ]
        await call.hangup()
        await one.all_told()
    finally:
        await pbx.client.post("logout", {}, token=session["token"])
        await old.close()
        await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))


async def test_a_hundred_calls_wait_at_once(pbx: TestPbx) -> None:
    await pbx.extension("1000", noanswerforward="off", busyforward="off")
    phone = await pbx.phone("1000")
    async with Crowd(pbx.registrar) as crowd:
        body = {"trunkname": "siptrunk", "trunktype": "peer", "host": crowd.address, "domain": crowd.address}
        added = await pbx.client.ok("trunk/add_siptrunk", {**body, "port": str(crowd.port)})
        await pbx.admin("PATCH", f"/trunks/{added['id']}", {"control_answering": "on"})
        route = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
        await pbx.client.ok("inroute/add", route)
        await pbx.quiet()
        pbx.receiver.clear()
        await crowd.call(DID, [str(40_000 + one) for one in range(100)])
        await eventually(lambda: len(pbx.receiver.events) == 100, "all are asked about")
        asked = {event["callid"]: event["members"][0]["inbound"] for event in pbx.receiver.events}
        in_, out = list(asked)[::2], list(asked)[1::2]

        async def say(word: str, callid: str) -> None:
            body = {"channelid": asked[callid]["channelid"]}
            assert await pbx.client.ok(f"call/{word}", body) == {"status": "Success", "callid": callid}

        words = [("accept_inbound", one) for one in in_] + [("refuse_inbound", one) for one in out]
        await asyncio.gather(*(say(*word) for word in words))
        refused = {asked[callid]["from"] for callid in out}
        by_number = {caller.number: caller for caller in crowd.callers.values()}
        await eventually(
            lambda: all(by_number[one].statuses[-1] == 403 for one in refused), "these are turned away"
        )
        await eventually(lambda: len(phone.calls) == 50, "the others ring")
        assert all(not caller.ended for number, caller in by_number.items() if number not in refused)
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 50, "their records")
    await pbx.quiet()
    assert sorted(cdr["callid"] for cdr in pbx.receiver.named("NewCdr")) == sorted(in_)
    assert {event["callid"] for event in pbx.receiver.events if event["event"] == "CallStatus"} == set(in_)
    assert not pbx.receiver.named("CallFailed")
