"""Applications decide about calls from outside: Invite, Incoming, accept, refuse, transfer (spec 13, 15)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.support.carrier import Carrier
from tests.support.crowd import Crowd
from tests.support.pbx import STRONG, Client, Receiver, TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.process import UpProcess, up_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLER, DID = "12345678", "5503301"
WHO = f"{CALLER}>{DID}"
REACHED = [
    f"CallStatus {WHO} ALERT, 1000 RING",
    "1000 Ringing",
    f"CallStatus {WHO} ANSWERED, 1000 ANSWER",
    "1000 Busy",
    f"CallStatus {WHO} BYE",
    "CallStatus 1000 BYE",
    "1000 Registered",
    f"NewCdr {CALLER} 1000 ANSWERED Inbound",
]
"""A call that 1000 answers and the caller ends."""

GIVEN_UP = f"NewCdr {CALLER} {DID} NO ANSWER Inbound"


class Line:
    """A trunk that asks applications, a carrier that calls on it, and 1000 where its route leads."""

    def __init__(self, pbx: TestPbx, carrier: Carrier, phone: Phone, trunk: str) -> None:
        self.pbx, self.carrier, self.phone, self.trunk = pbx, carrier, phone, trunk
        self.callid = ""
        self._calling: list[asyncio.Task[Call]] = []

    async def set(self, **settings: str) -> None:
        """Change settings of the trunk as an operator does."""
        await self.pbx.admin("PATCH", f"/trunks/{self.trunk}", settings)
        await self.pbx.quiet()
        self.pbx.receiver.clear()

    async def ring(self, caller: str = CALLER) -> Call:
        """Call in, without waiting for an answer of the PBX."""
        count = len(self.carrier.calls)
        self._calling.append(asyncio.create_task(self.carrier.call_in(DID, caller=caller)))
        await eventually(lambda: len(self.carrier.calls) > count, "the carrier calls")
        return self.carrier.calls[-1]

    async def told(self, name: str, count: int = 1) -> dict[str, str]:
        """Wait for an Invite or Incoming; returns its inbound member."""
        await eventually(lambda: len(self.pbx.receiver.named(name)) >= count, name, 15)
        event = self.pbx.receiver.named(name)[-1]
        self.callid = event["callid"]
        assert list(event) == ["event", "callid", "members", "sn"]
        (member,) = event["members"]
        assert list(member) == ["inbound"]
        inbound: dict[str, str] = member["inbound"]
        assert list(inbound) == ["from", "to", "trunkname", "channelid"]
        assert (inbound["to"], inbound["trunkname"]) == (DID, "siptrunk")
        return inbound

    async def say(self, word: str, channelid: str, **fields: str) -> str:
        """Let the application decide; returns the errno, empty for a success."""
        callid = self.callid
        answer = await self.pbx.client.post(f"call/{word}", {"channelid": channelid, **fields})
        if answer["status"] == "Success":
            assert answer["callid"] == callid
        return str(answer.get("errno", ""))

    async def talk(self, call: Call, incoming: Call | None = None) -> None:
        """The call reaches a phone, 1000 unless it is told, which answers; the caller ends it."""
        incoming = incoming or await self.phone.incoming()
        assert 200 not in call.statuses, "nobody has answered yet"
        await incoming.answer()
        await call.answered()
        await call.hears(incoming.phone.frequency)
        await incoming.hears(self.carrier.frequency)
        await call.hangup()
        await incoming.over()

    async def all_told(self) -> list[str]:
        """Wait until all is over and nothing is left in the engine; the whole sequence."""
        await self.pbx.quiet()
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        return steps(self.pbx.receiver.events)


async def line(pbx: TestPbx, settings: Mapping[str, str] | None = None, **route: str) -> Line:
    """A line whose trunk has these settings; `route` changes where the calls go."""
    await pbx.extension("1000", noanswerforward="off", busyforward="off")
    phone = await pbx.phone("1000")
    carrier = await pbx.carrier()
    made = Line(pbx, carrier, phone, await pbx.trunk(carrier))
    to = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000", **route}
    await pbx.client.ok("inroute/add", to)
    await made.set(**(settings or {"control_answering": "on"}))
    return made


async def shown(pbx: TestPbx, callid: str) -> list[dict[str, dict[str, str]]]:
    """The members that call/query shows."""
    (call,) = (await pbx.client.ok("call/query", {"callid": callid}))["Calls"]
    members: list[dict[str, dict[str, str]]] = call["members"]
    return members


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


DECLARED = f"""
extensions:
- {{{{number: "1000", username: One, registername: "1000", registerpassword: "{STRONG}"}}}}
trunks:
- {{{{trunkname: siptrunk, trunktype: peer, host: 127.0.0.2, domain: 127.0.0.2, port: {{0}},
    control_answering: on}}}}
- {{{{trunkname: other, trunktype: peer, host: 127.0.0.3, domain: 127.0.0.3, port: {{1}},
    control_destination: on}}}}
inroutes:
- {{{{name: in, trunks: "siptrunk,other", desttype: extension, dest: "1000"}}}}
"""


@contextlib.asynccontextmanager
async def two_waiting() -> AsyncIterator[tuple[UpProcess, Client, Receiver, Phone, list[Call], list[str]]]:
    """A PBX of its own where one call waits in Invite and one in Incoming; their channelids."""
    async with contextlib.AsyncExitStack() as stack:
        up = await stack.enter_async_context(up_process())
        await up.start()
        client, receiver = await up.client(), Receiver()
        await receiver.start()
        stack.push_async_callback(receiver.close)
        stack.push_async_callback(client.close)
        await client.login(version="2.0.0", port=str(receiver.port))
        where = ("127.0.0.1", up.sip_port)
        carriers = [
            await stack.enter_async_context(Carrier(where, address=address, frequency=frequency))
            for address, frequency in (("127.0.0.2", 900), ("127.0.0.3", 700))
        ]
        declared = up.data / "declared.yaml"
        declared.write_text(DECLARED.format(*(carrier.port for carrier in carriers)))
        status, output = await up.command("apply", str(declared))
        assert status == 0, output
        phone = await stack.enter_async_context(Phone("1000", STRONG, where))
        assert await phone.register() == 200
        calls, channels = [], []
        for carrier, name in zip(carriers, ("Invite", "Incoming"), strict=True):
            calls.append(await carrier.call_in(DID, caller=CALLER))
            await eventually(lambda name=name: receiver.named(name), name)  # type: ignore[misc]
            channels.append(receiver.named(name)[0]["members"][0]["inbound"]["channelid"])
        yield up, client, receiver, phone, calls, channels


async def test_a_new_control_plane_goes_on_asking() -> None:
    async with two_waiting() as (up, client, receiver, phone, calls, channels):
        asked = [receiver.named(name)[0] for name in ("Invite", "Incoming")]
        receiver.clear()
        await up.command("restart")
        await up.ready()
        await eventually(lambda: len(receiver.events) == 2, "both are asked about once more")
        assert sorted(receiver.events, key=lambda one: str(one["event"]), reverse=True) == asked
        for event in asked:
            (found,) = (await client.ok("call/query", {"callid": event["callid"]}))["Calls"]
            (member,) = found["members"]
            assert member["inbound"]["memberstatus"] == "ALERT"
        assert await client.errno("call/refuse_inbound", {"channelid": channels[1]}) == "10016"
        assert await client.errno("call/transfer", {"channelid": channels[0], "number": "1000"}) == "10102"
        await client.ok("call/accept_inbound", {"channelid": channels[0]})
        await client.ok("call/transfer", {"channelid": channels[1], "number": "1000"})
        ringing = [await phone.incoming() for _ in calls]  # in whatever order
        for incoming in ringing:
            await incoming.answer()
        for call, event in zip(calls, asked, strict=True):
            await eventually(lambda call=call: call.is_up, "it is up")  # type: ignore[misc]
            await call.hangup()
            cdr = await receiver.cdr(event["callid"])
            assert (cdr["callto"], cdr["status"], cdr["didnumber"]) == ("1000", "ANSWERED", DID)
        for incoming in ringing:
            await incoming.over()
        assert len(receiver.named("NewCdr")) == 2


async def test_calls_go_on_while_nobody_is_there_to_ask() -> None:
    async with two_waiting() as (up, client, receiver, phone, calls, channels):
        asked = [receiver.named(name)[0] for name in ("Invite", "Incoming")]
        receiver.clear()
        await up.kill()
        await eventually(lambda: len(phone.calls) == 2, "both ring", 15)
        await up.start()
        for channelid in channels:
            assert await client.errno("call/accept_inbound", {"channelid": channelid}) == "10016"
        for _ in calls:
            await (await phone.incoming()).answer()
        for call, event in zip(calls, asked, strict=True):
            await call.answered()
            await call.hangup()
            assert (await receiver.cdr(event["callid"]))["status"] == "ANSWERED"
        assert not receiver.named("Invite")
        assert not receiver.named("Incoming")
        assert len(receiver.named("NewCdr")) == 2
