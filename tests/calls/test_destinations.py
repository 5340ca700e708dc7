"""Every kind of destination, reached by a carrier's call over an inbound route (spec 04-routes)."""

from __future__ import annotations

import pytest

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _carrier(pbx: TestPbx) -> Carrier:
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    return carrier


async def _to(pbx: TestPbx, desttype: str, dest: str = "") -> None:
    body = {"name": "in", "trunks": "siptrunk", "desttype": desttype, **({"dest": dest} if dest else {})}
    await pbx.client.ok("inroute/add", body)
    await pbx.quiet()
    pbx.receiver.clear()


async def _cdr(pbx: TestPbx) -> dict[str, str]:
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 12)
    cdr: dict[str, str] = pbx.receiver.named("NewCdr")[0]
    return cdr


async def _told(pbx: TestPbx, step: str) -> None:
    await eventually(lambda: step in steps(pbx.receiver.events), f"{step} in {steps(pbx.receiver.events)}")


async def test_hangup(pbx: TestPbx) -> None:
    carrier = await _carrier(pbx)
    await _to(pbx, "hangup")
    assert await (await carrier.call_in("1")).refused() >= 400
    assert (await _cdr(pbx))["status"] == "NO ANSWER"


async def test_voicemail(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    carrier = await _carrier(pbx)
    await _to(pbx, "voicemail", "1000")
    call = await carrier.call_in("1")
    await call.answered()
    await _told(pbx, "CallStatus 12345678>1 ANSWERED")
    await call.hangup()
    assert (await _cdr(pbx))["callto"] == "1000"


IVR = "{number: 6500, ivrname: Main, responsetimeout: 5, digittimeout: 1, dialext: off, "
REST = (
    "ringgroups: [{number: 6200, name: Group, members: 1000}]\n"
    "queues: [{number: 6700, queuename: Queue, agents: 1000, announcepos: off, announceholdtime: off,"
    " wrapuptime: 0}]\n"
    "conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]\n"
    "paginggroups: [{number: 6300, name: Page, member: 1000}]\n"
)


@pytest.mark.parametrize(
    ("key", "destination", "callto", "path"),
    [
        ("1", "extension 1000", "1000", "6500"),
        ("2", "ringgroup 6200", "6200(1000)", "6200"),
        ("3", "queue 6700", "6700(1000)", "6700"),
        ("5", "paging 6300", "6300", "6300"),
        ("*", "extension 1000", "1000", "6500"),
        ("#", "extension 1000", "1000", "6500"),
        ("0", "ivr 6501", "1000", "6501"),
    ],
)
async def test_ivr_key(pbx: TestPbx, key: str, destination: str, callto: str, path: str) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    one.auto_answer = True
    carrier = await _carrier(pbx)
    name = {"*": "keystar", "#": "keyhash"}.get(key, f"key{key}")
    second = "{number: 6501, ivrname: Second, responsetimeout: 3, timeout: extension 1000, promptrepeat: 1}"
    await pbx.apply(f"ivrs: [{IVR}{name}: {destination}}}, {second}]\n{REST}")
    await _to(pbx, "ivr", "6500")
    call = await carrier.call_in("1")
    await call.answered()
    await _told(pbx, "CallStatus 12345678>1 ANSWERED/6500")
    await call.rtp.press(key)
    if destination.startswith("paging"):
        # one way: only the paged phone hears
        await (await one.incoming()).hears(900)
    else:
        await eventually(lambda: call.rtp.hears(440), "the extension is heard", 15)
    await _told(pbx, f"DTMF 0:{key} of 12345678>1 ANSWERED/6500")
    await _told(pbx, f"DTMF {key} of 12345678>1 ANSWERED/6500")
    await call.hangup()
    cdr = await _cdr(pbx)
    assert (cdr["callto"], cdr["status"], cdr["type"]) == (callto, "ANSWERED", "Inbound")
    assert f"CallStatus 1000 BYE/{path}" in steps(pbx.receiver.events)
    assert len(pbx.receiver.named("NewCdr")) == 1
    assert not pbx.receiver.named("CallFailed")


async def test_ivr_prompt_repeats_then_times_out(pbx: TestPbx) -> None:
    await pbx.prompt("welcome", 1200)
    carrier = await _carrier(pbx)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: Main, prompt: welcome, promptrepeat: 2, responsetimeout: 1}]"
    )
    await _to(pbx, "ivr", "6500")
    call = await carrier.call_in("1")
    await call.hears(1200)
    await call.over()
    assert steps(pbx.receiver.events).count("PlayPromptEnd 6500 to 12345678>1/6500") == 2
    cdr = await _cdr(pbx)
    assert (cdr["callto"], cdr["status"]) == ("6500", "ANSWERED")


async def test_ivr_invalid_key(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    one.auto_answer = True
    carrier = await _carrier(pbx)
    await pbx.apply(f"ivrs: [{IVR}key1: hangup, invalid: extension 1000}}]")
    await _to(pbx, "ivr", "6500")
    call = await carrier.call_in("1")
    await call.answered()
    await call.rtp.press("9")
    await eventually(lambda: call.rtp.hears(440), "the invalid destination answers", 15)
    await call.hangup()
    await _cdr(pbx)


async def test_ivr_dials_out_only_where_it_may(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    carrier = await _carrier(pbx)
    ivr = "ivrs: [{number: 6500, ivrname: Main, digittimeout: 1, dialoutboundroutes: %s}]"
    await pbx.apply(
        ivr % "off" + "\noutroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}]"
    )
    await _to(pbx, "ivr", "6500")
    for allowed in (False, True):
        await pbx.client.ok(
            "ivr/update", {"number": "6500", "dialoutboundroutes": "on" if allowed else "off"}
        )
        call = await carrier.call_in("1", caller="777")
        await call.answered()
        await call.rtp.press("9123")
        if allowed:
            out = await carrier.incoming()
            assert out.invite is not None
            assert out.invite.uri.startswith("sip:123@")
            await _told(pbx, "CallStatus 777>1 ALERT/6500, 6500>9123 RING/6500")
            await out.answer()
        else:
            await _told(pbx, "DTMF 9 of 777>1 ANSWERED/6500")
        await call.hangup()
        await pbx.quiet()
    cdrs = pbx.receiver.named("NewCdr")
    assert [(c["dsttrcunkname"], c["type"]) for c in cdrs] == [("", "Inbound"), ("siptrunk", "Inbound")]


async def test_ring_group_in_turn_and_failover(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one, two, last = [await pbx.phone(n) for n in ("1000", "1001", "1002")]
    carrier = await _carrier(pbx)
    await pbx.apply(
        "ringgroups: [{number: 6200, name: Group, members: [1000, 1001], ringstrategy: Ring In Order,"
        " ringtime: 1, failover: extension 1002}]"
    )
    await _to(pbx, "ringgroup", "6200")
    call = await carrier.call_in("1")
    first = await one.incoming()
    await eventually(lambda: first.ended, "the first has rung out")
    second = await two.incoming()
    await eventually(lambda: second.ended, "the second has rung out")
    await (await last.incoming()).answer()
    await call.answered()
    await call.hangup()
    cdr = await _cdr(pbx)
    assert (cdr["callto"], cdr["status"]) == ("6200(1002)", "ANSWERED")


async def test_queue_failover_breakout_and_empty(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    await pbx.phone("1000")
    two = await pbx.phone("1001", frequency=620)
    two.auto_answer = True
    carrier = await _carrier(pbx)
    queue = (
        "queues: [{number: 6700, queuename: Queue, agents: 1000, announcepos: off, announceholdtime: off,"
        " maxwaittime: %s, failoveraction: Extension, failoverdest: 1001, breakoutkey: 5,"
        " breakoutaction: Extension, breakoutdest: 1001, joinempty: %s}]"
    )
    await pbx.apply(queue % ("2", "on"))
    await _to(pbx, "queue", "6700")

    async def reaches(press: str = "") -> Call:
        call = await carrier.call_in("1")
        await call.answered()
        if press:
            await _told(pbx, "CallStatus 12345678>1 ANSWERED/6700, 1000 RING/6700")
            await call.rtp.press(press)
        await eventually(lambda: call.rtp.hears(620), "the destination answers", 15)
        await call.hangup()
        await pbx.quiet()
        pbx.receiver.clear()
        return call

    await reaches()  # nobody answers in time
    await pbx.apply(queue % ("60", "on"))
    await reaches(press="5")
    await pbx.apply(queue % ("60", "off") + "\n")
    await pbx.client.ok("queue/pause_agent", {"queuenumber": "6700", "extnumber": "1000"})
    await reaches()  # nobody is there


async def test_satisfaction_survey(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    await pbx.prompt("survey", 1200)
    carrier = await _carrier(pbx)
    await pbx.apply(
        "queues: [{number: 6700, queuename: Queue, agents: 1000, announcepos: off, announceholdtime: off,"
        " wrapuptime: 0, satisfactionsurvey: survey}]"
    )
    await _to(pbx, "queue", "6700")
    call = await carrier.call_in("1")
    agent = await one.incoming()
    await agent.answer()
    await call.hears(440)
    await agent.hangup()
    await call.hears(1200)
    await call.rtp.press("4")
    await call.over()
    await _cdr(pbx)
    told = steps(pbx.receiver.events)
    survey = told.index("satisfaction 4")
    assert told.index("CallStatus 1000 BYE/6700") < survey < told.index("CallStatus 12345678>1 BYE/6700")
    assert told[-1] == "NewCdr 12345678 6700(1000) ANSWERED Inbound"


async def test_conference_rooms_from_outside(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    carrier = await _carrier(pbx)
    await pbx.apply(
        "conferences: [{number: 6400, name: Room, participantepassword: '11', moderatorpassword: '22',"
        " waitformoderator: yes, moderators: 1000, announcements: off, musiconhold: no}]"
    )
    await _to(pbx, "conference", "6400")
    call = await carrier.call_in("1")
    await call.answered()
    await call.rtp.press("99#")
    await call.rtp.press("11#")
    await _told(pbx, "CallStatus 12345678>1 ANSWERED/6400")
    moderator = await one.call("6400")  # is asked no password
    await moderator.hears(900)
    await call.hears(440)
    await moderator.hangup()
    await call.hangup()
    assert (await _cdr(pbx))["callto"] == "6400"


async def test_disa(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    carrier = await _carrier(pbx)
    await pbx.apply(
        "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}]\n"
        "disa: [{name: remote, password: '4711', digittimeout: 1, outroutes: out}]"
    )
    await _to(pbx, "disa", "remote")
    inside = await carrier.call_in("1")
    await inside.answered()
    await inside.rtp.press("4711#")
    await inside.rtp.press("1000")
    await (await one.incoming()).answer()
    await inside.hears(440)
    await inside.hangup()

    outside = await carrier.call_in("1")
    await outside.answered()
    await outside.rtp.press("1234#")
    await outside.rtp.press("4711#")
    await outside.rtp.press("9555#")
    called = await carrier.incoming()
    assert called.invite is not None
    assert called.invite.uri.startswith("sip:555@")
    await called.answer()
    await outside.hangup()
    await called.over()
    await pbx.quiet()
    assert not pbx.receiver.named("DTMF"), "a password is never told"


async def test_callback(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    one.auto_answer = True
    carrier = await _carrier(pbx)
    await pbx.apply(
        "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}]\n"
        "callbacks: [{name: back, outroute: out, delay: 1, prepend: '9', destination: extension 1000}]"
    )
    await _to(pbx, "callback", "back")
    call = await carrier.call_in("1", caller="5551234")
    assert await call.refused() >= 400
    back = await carrier.incoming()
    assert back.invite is not None
    assert back.invite.uri.startswith("sip:5551234@")
    await back.answer()
    await back.hears(440)
    await back.hangup()
    await pbx.quiet()
    told = steps(pbx.receiver.events)
    assert "CallStatus callback>95551234 ALERT" in told
    assert told[-1] == "NewCdr 1000 95551234 ANSWERED Outbound"


async def test_an_outbound_route_as_destination(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    carrier = await _carrier(pbx)
    far = await pbx.carrier(address="127.0.0.3", frequency=700)
    await pbx.trunk(far, "far")
    await pbx.client.ok(
        "outroute/add", {"name": "through", "prefix": "X.", "trunks": "far", "extensions": "1000"}
    )
    await _to(pbx, "outroute", "through")
    call = await carrier.call_in("4930123")
    out = await far.incoming()
    assert out.invite is not None
    assert out.invite.uri.startswith("sip:4930123@")
    await out.answer()
    await call.hears(700)
    await call.hangup()
    cdr = await _cdr(pbx)
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"], cdr["callto"]) == ("siptrunk", "far", "4930123")


async def test_what_a_route_uses_cannot_be_deleted(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await _carrier(pbx)
    await pbx.apply(f"ivrs: [{IVR}key1: queue 6700}}]\n{REST}")
    await _to(pbx, "ivr", "6500")
    refused = await pbx.admin("DELETE", "/ivrs/6500", status=409)
    assert refused["error"] == "IVR 6500 is in use by inbound route in"
    refused = await pbx.admin("DELETE", "/queues/6700", status=409)
    assert refused["error"] == "queue 6700 is in use by IVR 6500"
    await pbx.admin("PATCH", "/ivrs/6500", {"key1": "extension 1000"})
    await pbx.admin("DELETE", "/queues/6700", status=204)
    assert await pbx.client.errno("extension/delete", {"number": "1000"}) == "10017"
    assert await pbx.client.errno("ivr/query", {"number": "6500,6599"}) == "10012"
