"""Instant conferences: started by a request, there until everybody has left (spec 05-conference)."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from offhook.asterisk.ami import actions
from tests.support.carrier import Carrier
from tests.support.pbx import STRONG, Json, Receiver, TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.process import up_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

TONES = {"4000": 440, "4001": 570, "4002": 700, "4003": 850}
START = {
    "number": "6466",
    "name": "Talk",
    "moderators": "4000",
    "members": "4000,4001",
    "dialpermission": "4000",
}
OUT = "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: '4000'}]\n"


async def phones(pbx: TestPbx, *numbers: str) -> list[Phone]:
    """Phones of these extensions; unanswered calls end there."""
    found = []
    for number in numbers:
        await pbx.extension(number, noanswerforward="off", busyforward="off")
        found.append(await pbx.phone(number, frequency=TONES[number]))
    await pbx.quiet()
    pbx.receiver.clear()
    return found


async def carrier_with_route(pbx: TestPbx) -> Carrier:
    """A carrier, reached by 4000 with 9 before the number."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(OUT)
    await pbx.quiet()
    pbx.receiver.clear()
    return carrier


async def start(pbx: TestPbx, **fields: str) -> None:
    """instant_conference/start that succeeds."""
    await pbx.client.ok("instant_conference/start", {**START, **fields})


async def told(pbx: TestPbx, step: str) -> None:
    """Wait for an event."""
    events = pbx.receiver.events
    await eventually(lambda: step in steps(events), f"{step} in {steps(events)}", 12)


async def running(pbx: TestPbx) -> list[Json]:
    """What instant_conference/query says of all."""
    found: list[Json] = (await pbx.client.ok("instant_conference/query", {"number": "all"}))["conferences"]
    return found


async def over(pbx: TestPbx) -> list[str]:
    """Wait until nothing is left: no channel, no room, no instant conference. Returns the records."""
    await pbx.quiet()
    assert not (await pbx.pbx.switch.snapshot()).channels
    assert await pbx.pbx.switch.items(actions.ConfbridgeListRooms()) == ()
    assert await running(pbx) == []
    assert await pbx.client.errno("instant_conference/query", {"number": "6466"}) == "10110"
    assert await pbx.client.errno("conference/query_in_session", {"number": "6466"}) == "10110"
    records = pbx.receiver.named("NewCdr")
    assert len({cdr["callid"] for cdr in records}) == len(records)
    return sorted(steps(records))


async def answer(phone: Phone) -> Call:
    """Answer the next call."""
    call = await phone.incoming()
    await call.answer()
    return call


async def test_from_the_first_ring_to_the_last_bye(pbx: TestPbx) -> None:
    moderator, member = await phones(pbx, "4000", "4001")
    await start(pbx)
    assert await running(pbx) == [{"number": "6466", "name": "Talk", "moderators": "4000", "members": "4001"}]
    chair, other = await moderator.incoming(), await member.incoming()
    await told(pbx, "4000 Ringing")
    await told(pbx, "4001 Ringing")
    assert len(moderator.calls) == 1  # named twice, called once
    assert "6466" in other.shown
    await other.answer()
    await told(pbx, "ConferenceStatus Talk: 4001 HOLD/6466")
    await eventually(lambda: not other.rtp.silent, "the member hears music")
    await chair.answer()
    await chair.hears(570)
    await other.hears(440)
    await told(pbx, "4000 Busy")
    session = (await pbx.client.ok("conference/query_in_session", {"number": "6466"}))["conference"]
    assert [(room["conferencename"], len(room["members"])) for room in session] == [("Talk", 2)]
    await chair.hangup()
    await told(pbx, "NewCdr 6466 4000 ANSWERED Internal")
    assert len(await running(pbx)) == 1
    await other.hangup()
    assert await over(pbx) == ["NewCdr 6466 4000 ANSWERED Internal", "NewCdr 6466 4001 ANSWERED Internal"]
    found = steps(pbx.receiver.events)
    begin, rest = found[:4], found[4:]
    assert sorted(begin) == sorted(
        ["CallStatus 4000 RING/6466", "4000 Ringing", "CallStatus 4001 RING/6466", "4001 Ringing"]
    )
    assert rest == [
        "CallStatus 4001 ANSWER/6466",
        "4001 Busy",
        "ConferenceStatus Talk: 4001 HOLD/6466",
        "CallStatus 4000 ANSWER/6466",
        "4000 Busy",
        "ConferenceStatus Talk: 4000 ANSWER/6466, 4001 ANSWER/6466",
        "ConferenceStatus Talk: 4001 HOLD/6466",
        "CallStatus 4000 BYE/6466",
        "4000 Registered",
        "NewCdr 6466 4000 ANSWERED Internal",
        "ConferenceStatus Talk:",
        "CallStatus 4001 BYE/6466",
        "4001 Registered",
        "NewCdr 6466 4001 ANSWERED Internal",
    ]


async def test_the_number_is_taken_while_it_runs_and_free_afterwards(pbx: TestPbx) -> None:
    moderator, member, _ = await phones(pbx, "4000", "4001", "4002")
    await pbx.apply(
        "conferences: [{number: 6400, name: Board}]\nqueues: [{number: 6700, queuename: Queue}]\n"
        "ivrs: [{number: 6500, ivrname: Main}]\nringgroups: [{number: 6200, name: Group, members: 4002}]\n"
        "paginggroups: [{number: 6300, name: Page, member: 4002}]"
    )
    for number in ("4002", "6400", "6700", "6500", "6200", "6300", "6900", "*4"):
        errno = await pbx.client.errno("instant_conference/start", {**START, "number": number})
        assert errno == ("10004" if number == "*4" else "10113"), number
    for _ in range(2):
        await start(pbx)
        assert await pbx.client.errno("instant_conference/start", START) == "10113"
        body = {
            "number": "6466",
            "username": "Late",
            "registername": "6466",
            "registerpassword": "v0S*ZrB6Y3g~1-oe",
        }
        assert await pbx.client.errno("extension/add", body) == "10017"
        await pbx.admin("POST", "/conferences", {"number": "6466", "name": "Late"}, status=409)
        chair, other = await answer(moderator), await answer(member)
        await chair.hears(570)
        assert await pbx.client.errno("instant_conference/start", START) == "10113"
        await other.hangup()
        await chair.hangup()
        await over(pbx)


@pytest.mark.parametrize("how", ["refuse", "off", "ring out"])
async def test_nobody_comes(pbx: TestPbx, how: str) -> None:
    moderator, member = await phones(pbx, "4000", "4001")
    for phone in (moderator, member):
        if how == "off":
            await phone.register(0)
        if how == "ring out":
            await pbx.client.ok("extension/update", {"number": phone.number, "ringtimeout": "1"})
    await start(pbx)
    if how != "off":
        for phone in (moderator, member):
            call = await phone.incoming()
            if how == "refuse":
                await call.refuse(603)
            await eventually(lambda call=call: call.ended, "it rings no more")  # type: ignore[misc]
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "both records", 12)
    status = "BUSY" if how == "refuse" else "NO ANSWER"
    assert await over(pbx) == [f"NewCdr 6466 {n} {status} Internal" for n in ("4000", "4001")]
    assert not pbx.receiver.named("ConferenceStatus")
    await start(pbx)  # the number is free
    for phone in (moderator, member):
        if how != "off":
            await (await phone.incoming()).refuse(603)
    await over(pbx)


async def test_who_was_called_may_come_back_and_nobody_else(pbx: TestPbx) -> None:
    moderator, member, stranger = await phones(pbx, "4000", "4001", "4002")
    await start(pbx)
    chair, other = await answer(moderator), await answer(member)
    await other.hears(440)
    await chair.hangup()
    await other.hears_without(440)
    assert await (await stranger.call("6466")).refused() >= 400
    chair = await moderator.call("6466")
    await chair.hears(570)
    await other.hears(440)
    await told(pbx, "ConferenceStatus Talk: 4000 ANSWERED/6466, 4001 ANSWER/6466")
    await other.hangup()
    other = await member.call("6466")
    await chair.hears(570)
    # one who is sent there by a member is still a stranger
    await stranger.call("4001")
    asked = await answer(member)
    answer_ = await pbx.client.ok(
        "call/transfer", {"channelid": await _channel(pbx, "4002"), "number": "6466"}
    )
    assert answer_["callid"]
    await asked.over()
    await told(pbx, "4002 Registered")
    for call in (chair, other):
        await call.hangup()
    await over(pbx)
    assert await (await moderator.call("6466")).refused() >= 400


async def _channel(pbx: TestPbx, number: str) -> str:
    def found() -> list[str]:
        calls = pbx.pbx.live.picture.calls_of(number)
        return [m.channelid for call in calls for m in call.members if m.number == number and call.connected]

    await eventually(found, f"{number} talks")
    return found()[0]


async def test_moderators_operate(pbx: TestPbx) -> None:
    moderator, member, third = await phones(pbx, "4000", "4001", "4002")
    carrier = await carrier_with_route(pbx)
    await start(pbx, members="4001,92100")
    chair, other, outside = await answer(moderator), await answer(member), await answer(carrier)
    await chair.hears(570, 900)
    body = {"number": "6466", "operator": "4000"}
    assert (
        await pbx.client.errno("conference/mute_member", {**body, "operator": "4001", "membernumber": "4000"})
        == "10106"
    )
    await pbx.client.ok("conference/mute_member", {**body, "membernumber": "92100"})
    await chair.hears_without(900)
    await pbx.client.ok("conference/unmute_member", {**body, "membernumber": "all"})
    await chair.hears(570, 900)
    invite = {**body, "invitemember": "4002", "dialpermission": "4000"}
    await pbx.client.ok("conference/add_member", invite)
    late = await answer(third)
    await chair.hears(570, 700, 900)
    assert (await running(pbx))[0]["members"] == "4001,92100"  # as it was started
    await pbx.client.ok("conference/kick_member", {**body, "membernumber": "4001,92100"})
    await other.over()
    await outside.over()
    await chair.hears(700)
    await pbx.client.ok("conference/kick_member", {**body, "membernumber": "all"})
    await chair.over()
    await late.over()
    assert await over(pbx) == [
        "NewCdr 6466 4000 ANSWERED Internal",
        "NewCdr 6466 4001 ANSWERED Internal",
        "NewCdr 6466 4002 ANSWERED Internal",
        "NewCdr 6466 92100 ANSWERED Outbound",
    ]
    assert await pbx.client.errno("conference/add_member", invite) == "10110"
    assert await pbx.client.errno("conference/kick_member", {**body, "membernumber": "4001"}) == "10110"


async def test_nothing_is_started_when_something_is_wrong(pbx: TestPbx) -> None:
    moderator, member = await phones(pbx, "4000", "4001")
    await carrier_with_route(pbx)

    async def errno(**fields: str) -> str:
        return await pbx.client.errno("instant_conference/start", {**START, **fields})

    for name in START:
        assert await errno(**{name: ""}) == "10004"
    assert await errno(moderators="4000,4999") == "10006"
    assert await errno(moderators="4000,92100") == "10006"
    assert await errno(moderators="4000;x") == "10006"
    assert await errno(dialpermission="4999") == "10006"
    assert await errno(dialpermission="6466") == "10006"
    assert await errno(members="4001,92100", dialpermission="4001") == "10024"
    assert await errno(members="4001,4711") == "10011"
    assert await errno(members="4001,6466") == "10011"
    assert await errno(members="4001,40\r\n01") == "10011"
    assert await errno(members="4001,4002@from-trunk") == "10011"
    assert await errno(members=",".join(str(n) for n in range(5000, 5300))) == "10112"
    for number in ("64660000", "6466-1", "64 66", "6466' OR 1=1", "٦٤٦٦"):
        assert await errno(number=number) == "10004"
    for bad in "&'<>`|$]\\\"":
        assert await errno(name=f"a{bad}b") == "10004"
    await pbx.quiet()
    assert not moderator.calls
    assert not member.calls
    assert await over(pbx) == []


async def test_it_outlives_the_control_plane_and_ends_while_that_is_away(pbx: TestPbx) -> None:
    moderator, member = await phones(pbx, "4000", "4001")
    await start(pbx)
    chair, ringing = await answer(moderator), await member.incoming()
    await told(pbx, "ConferenceStatus Talk: 4000 ANSWER/6466")
    await pbx.restart_control()
    assert len(await running(pbx)) == 1
    assert await pbx.client.errno("instant_conference/start", START) == "10113"
    await ringing.answer()
    await chair.hears(570)
    await told(pbx, "ConferenceStatus Talk: 4001 ANSWER/6466, 4000 ANSWER/6466")
    await chair.hangup()
    await told(pbx, "ConferenceStatus Talk: 4001 HOLD/6466")
    await ringing.hangup()
    assert len(await over(pbx)) == 2


@pytest.mark.parametrize("killed", ["control plane", "engine"])
async def test_one_that_ends_while_something_is_killed(killed: str) -> None:
    receiver = Receiver()
    await receiver.start()
    async with up_process() as up, contextlib.AsyncExitStack() as stack:
        await up.start()
        client = await up.client()
        stack.push_async_callback(client.close)
        stack.push_async_callback(receiver.close)
        await client.login(version="2.0.0", port=str(receiver.port))
        calls = []
        for number in ("4000", "4001"):
            body = {"number": number, "username": number, "registername": number, "registerpassword": STRONG}
            await client.ok("extension/add", body)
            phone = Phone(number, STRONG, ("127.0.0.1", up.sip_port), frequency=TONES[number])
            calls.append(await stack.enter_async_context(phone))
            assert await phone.register() == 200
        await client.ok("instant_conference/start", START)
        chair, other = [await answer(phone) for phone in calls]
        await chair.hears(570)
        await eventually(lambda: len(receiver.named("ConferenceStatus")) == 2, "both are told")
        ids = {receiver.named("CallStatus")[0]["callid"], receiver.named("CallStatus")[1]["callid"]}
        if killed == "control plane":
            await up.kill()
            await chair.hears(570)  # it goes on
            await chair.hangup()
            await other.hangup()
            await up.start()
        else:
            os.kill(up.engine_pid, signal.SIGKILL)
            await eventually(lambda: receiver.named("BootUp"), "the engine is started again", 30)
            assert receiver.named("ConferenceStatus")[-1]["members"] == []
            for phone in calls:
                phone.forget_calls()
            await client.login(version="2.0.0", port=str(receiver.port))
        for callid in ids:
            assert (await receiver.cdr(callid, 15))["callfrom"] == "6466"
        answered = await client.ok("instant_conference/query", {"number": "all"})
        assert answered["conferences"] == []
        for phone in calls:
            assert await phone.register() == 200
        await client.ok("instant_conference/start", START)
        for phone in calls:
            await (await phone.incoming()).refuse(603)
