"""Trunks and routes with carriers on addresses of their own (spec 03-trunk, 04-routes)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_inbound_to_an_extension(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "did": "5503301", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    await pbx.client.ok("inroute/add", route)
    await pbx.quiet()
    pbx.receiver.clear()

    call = await carrier.call_in("5503301", caller="12345678")
    incoming = await one.incoming()
    assert "12345678" in incoming.shown
    await eventually(lambda: "1000 Ringing" in steps(pbx.receiver.events), "1000 rings")
    await incoming.answer()
    await call.answered()
    await call.hears(440)
    await incoming.hears(900)
    await incoming.hangup()
    await call.over()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")

    assert steps(pbx.receiver.events) == [
        "CallStatus 12345678>5503301 ALERT, 1000 RING",
        "1000 Ringing",
        "CallStatus 12345678>5503301 ANSWERED, 1000 ANSWER",
        "1000 Busy",
        "CallStatus 1000 BYE",
        "CallStatus 12345678>5503301 BYE",
        "1000 Registered",
        "NewCdr 12345678 1000 ANSWERED Inbound",
    ]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"], cdr["didnumber"]) == ("siptrunk", "", "5503301")


async def test_outbound_from_an_extension(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "out", "prefix": "9X.", "strip": "1", "prepend": "00", "trunks": "siptrunk"}
    await pbx.client.ok("outroute/add", {**route, "extensions": "1000"})
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("915880123456")
    incoming = await carrier.incoming()
    assert incoming.invite is not None
    assert incoming.invite.uri.startswith("sip:0015880123456@")
    assert "<sip:1000@" in incoming.shown
    await eventually(
        lambda: "CallStatus 1000 ALERT, 1000>915880123456 RING" in steps(pbx.receiver.events), "ring"
    )
    await incoming.answer()
    await call.answered()
    await call.hears(900)
    await incoming.hears(440)
    await call.hangup()
    await incoming.over()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")

    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ALERT, 1000>915880123456 RING",
        "CallStatus 1000 ANSWERED, 1000>915880123456 ANSWER",
        "CallStatus 1000 BYE",
        "CallStatus 1000>915880123456 BYE",
        "1000 Registered",
        "NewCdr 1000 915880123456 ANSWERED Outbound",
    ]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"]) == ("", "siptrunk")


async def _route_in(pbx: TestPbx, name: str = "in", **fields: str) -> None:
    body = {"name": name, "trunks": "siptrunk", "desttype": "extension", "dest": "1000", **fields}
    await pbx.client.ok("inroute/add", body)


async def _route_out(pbx: TestPbx, **fields: str) -> str:
    body = {"name": "out", "prefix": "9X.", "strip": "1", "trunks": "siptrunk", "extensions": "1000"}
    return str((await pbx.client.ok("outroute/add", {**body, **fields}))["id"])


async def _state(pbx: TestPbx, name: str = "siptrunk") -> str:
    listed = (await pbx.client.ok("trunk/list"))["trunklist"]
    return str(next(trunk["status"] for trunk in listed if trunk["trunkname"] == name))


async def _state_is(pbx: TestPbx, wanted: str, name: str = "siptrunk", seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (state := await _state(pbx, name)) != wanted:
        assert asyncio.get_running_loop().time() < deadline, f"{name} is {state}, not {wanted}"
        await asyncio.sleep(0.1)


async def _alarm_is(pbx: TestPbx, key: str, active: bool) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while (found := {one["key"]: one["active"] for one in (await pbx.admin("GET", "/alarms"))["items"]}).get(
        key
    ) is not active:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.1)


REGISTER = {"trunktype": "register", "username": "acct", "authname": "auth", "password": "Pajsjx9183"}


async def test_a_register_trunk_registers_is_called_and_calls(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    carrier = await pbx.carrier(accounts={"acct": "Pajsjx9183", "auth": "Pajsjx9183"})
    await pbx.trunk(carrier, **REGISTER, fromuser="acct")
    contact = await carrier.has_registration("acct")
    assert "acct@" in contact
    await _state_is(pbx, "registered")
    await _route_in(pbx, did="5503301")
    await _route_out(pbx)

    # the provider calls our account; the called number stands in To
    call = await carrier.call_in("acct", to="5503301")
    await (await one.incoming()).answer()
    await call.hears(440)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert pbx.receiver.named("NewCdr")[0]["didnumber"] == "5503301"

    out = await one.call("9123")
    incoming = await carrier.incoming()
    assert "<sip:acct@127.0.0.2>" in incoming.shown
    await incoming.answer()
    await out.answered()
    await out.hangup()


async def test_a_wrong_password_at_the_provider_is_a_failure_and_an_alarm(pbx: TestPbx) -> None:
    carrier = await pbx.carrier(accounts={"acct": "other"})
    identity = await pbx.trunk(carrier, "badtrunk", **REGISTER)
    await _state_is(pbx, "failure", "badtrunk")
    await _alarm_is(pbx, "trunk:badtrunk", True)
    await pbx.client.ok("trunk/delete_siptrunk", {"id": identity})
    await _alarm_is(pbx, "trunk:badtrunk", False)


async def test_the_state_of_a_peer_follows_the_peer(pbx: TestPbx) -> None:
    carrier = await pbx.carrier()
    identity = await pbx.trunk(carrier)
    await _state_is(pbx, "registered")
    carrier.silent = True
    body = {"id": identity, "trunktype": "peer", "host": "127.0.0.2"}
    await pbx.client.ok("trunk/update_siptrunk", {**body, "port": "9"})
    await _state_is(pbx, "failure")


async def test_an_account_trunk_registers_with_us(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    fields = {"trunktype": "account", "username": "gateway", "authname": "gateway", "password": "S3cret-word"}
    await pbx.client.ok("trunk/add_siptrunk", {"trunkname": "siptrunk", **fields})
    carrier = await pbx.carrier(address="127.0.0.3", username="gateway", password="S3cret-word")
    assert await _state(pbx) == "unknown"
    assert await carrier.register() == 200
    await _state_is(pbx, "registered")
    await _route_in(pbx)
    await _route_out(pbx)
    call = await carrier.call_in("777000", caller="99887766")
    incoming = await one.incoming()
    assert "99887766" in incoming.shown
    await incoming.answer()
    await call.hears(440)
    await call.hangup()
    await incoming.over()

    out = await one.call("9123")
    called = await carrier.incoming()
    assert called.invite is not None
    assert called.invite.uri.startswith("sip:123@")
    await called.answer()
    await out.hears(900)
    await out.hangup()


async def test_a_stranger_is_no_trunk_whatever_he_writes(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await _route_in(pbx)
    stranger = await pbx.carrier(address="127.0.0.9")
    for caller in ("trunk-siptrunk-endpoint", "siptrunk", "1000", "carrier"):
        call = await stranger.call_in("5503301", caller=caller)
        assert await call.refused() in {401, 403}
    assert not one.calls


async def test_trunks_of_a_route_stand_in_for_each_other(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    first, second = await pbx.carrier(), await pbx.carrier(address="127.0.0.3", frequency=700)
    await pbx.trunk(first, "first")
    await pbx.trunk(second, "second")
    await _route_out(pbx, trunks="first,second")
    first.refusing = 503
    call = await one.call("9123")
    await (await second.incoming()).answer()
    await call.hears(700)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["dsttrcunkname"], cdr["callto"], cdr["status"]) == ("second", "9123", "ANSWERED")
    assert len(first.requests) == 1
    await pbx.quiet()
    pbx.receiver.clear()

    second.refusing = 503
    failed = await one.call("9123")
    assert await failed.refused() == 503
    await eventually(lambda: pbx.receiver.named("CallFailed"), "the failure")
    assert pbx.receiver.named("CallFailed")[0]["reason"] == "Circuit/channel congestion"


async def test_dod_numbers(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    phones = [await pbx.phone(number) for number in ("1000", "1001", "1002")]
    group = await pbx.client.ok("extensiongroup/add", {"name": "sales", "members": "1000,1001"})
    assert group["id"]
    carrier = await pbx.carrier()
    dods = {"extensionsdod": "5503301-yeastar-1000", "extensionsgroupdod": "5503302-yealink-sales,"}
    identity = await pbx.trunk(carrier, **dods)
    shown = (await pbx.client.ok("trunk/query_siptrunk", {"id": identity}))["trunks"][0]
    assert shown["extensionsgroupdod"] == "5503302-yealink-sales"
    await _route_out(pbx, extensions="1000,1001,1002")
    for phone, number in zip(phones, ("5503301", "5503302", "1002"), strict=True):
        call = await phone.call("9123")
        incoming = await carrier.incoming()
        assert f"<sip:{number}@" in incoming.shown
        await incoming.refuse(486)
        assert await call.refused() == 486


async def test_who_may_use_a_route(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002", "1003"):
        await pbx.extension(number)
    await pbx.client.ok("extension/update", {"number": "1003", "callrestriction": "on"})
    await pbx.client.ok("extensiongroup/add", {"name": "sales", "members": "1001"})
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await _route_out(pbx, extensions="1000,1003", extensionsgroup="sales")
    for number, allowed in (("1000", True), ("1001", True), ("1002", False), ("1003", False)):
        await pbx.quiet()
        pbx.receiver.clear()
        phone = await pbx.phone(number)
        call = await phone.call("9123")
        if allowed:
            await (await carrier.incoming()).answer()
            await call.answered()
            await call.hangup()
            continue
        assert await call.refused() == 403
        await eventually(lambda: pbx.receiver.named("CallFailed"), "the failure")
        assert pbx.receiver.named("CallFailed")[0]["reason"] == "NO Outbound Restriction"
    shown = (await pbx.client.ok("extension/query", {"number": "1000,1002"}))["extinfos"]
    assert [one["selectoutroute"] for one in shown] == ["out", ""]
    assert [one["unselectoutroute"] for one in shown] == ["", "out"]
    await pbx.client.ok("extension/update", {"number": "1002", "selectoutroute": "out"})
    routes = (await pbx.client.ok("outroute/query", {"id": "all"}))["outroutes"]
    assert routes[0]["extensions"] == "1000,1003,1002"


async def test_the_most_specific_did_wins_and_the_rest_is_refused(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002", "1003"):
        await pbx.extension(number)
    phones = {number: await pbx.phone(number) for number in ("1000", "1001", "1002", "1003")}
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await _route_in(pbx, "wide", did="55.", dest="1000")
    await _route_in(pbx, "exact", did="5503301", dest="1001")
    await _route_in(pbx, "pattern", did="55033XX", dest="1002")
    await _route_in(pbx, "vip", did="5503301", caller_id="88X.", dest="1003")
    cases = (("5503301", "123", "1001"), ("5503302", "123", "1002"), ("559", "123", "1000"))
    for did, caller, wanted in (*cases, ("5503301", "8812", "1003")):
        call = await carrier.call_in(did, caller)
        incoming = await phones[wanted].incoming()
        await incoming.refuse(486)
        await call.hangup()
    refused = await carrier.call_in("4711")
    assert await refused.refused() == 404


async def test_ranges_of_numbers_and_extensions(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    phones = {number: await pbx.phone(number) for number in ("1000", "1001", "1002")}
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await _route_in(pbx, did="5503308-5503310", desttype="extrange", dest="1000-1002")
    for did, wanted in (("5503308", "1000"), ("5503309", "1001"), ("5503310", "1002")):
        call = await carrier.call_in(did)
        await (await phones[wanted].incoming()).refuse(486)
        await call.hangup()
    assert await (await carrier.call_in("5503311")).refused() == 404
    # the last digits of what was called say who is meant where the route has no range of its own
    await _route_in(pbx, name="last", did="550XXXX", desttype="extrange", dest="1000-1002")
    call = await carrier.call_in("5501001")
    await (await phones["1001"].incoming()).refuse(486)
    await call.hangup()
    assert await (await carrier.call_in("5501003")).refused() == 404


async def test_a_pin_is_asked_and_stands_in_the_record(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(
        "pinlists: [{name: staff, pins: '4711,0815'}]\n"
        "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000, pinlist: staff}]"
    )
    call = await one.call("9123")
    await call.answered()
    await call.rtp.press("1234#")
    await call.rtp.press("0815#")
    await (await carrier.incoming()).answer()
    await call.hears(900)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert pbx.receiver.named("NewCdr")[0]["pincode"] == "0815"
    assert not pbx.receiver.named("DTMF")


async def test_time_conditions(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(
        "timeconditions: [{name: always, times: '*'}, {name: never, times: 'not *; mon-sun 00:00-23:59'}]\n"
        "outroutes:\n"
        "- {name: closed, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000,"
        " timecondition: never, priority: 1}\n"
        "- {name: open, prefix: 9X., strip: 2, trunks: siptrunk, extensions: 1000, timecondition: always}\n"
        "inroutes: [{name: in, trunks: siptrunk, desttype: extension, dest: 1000, timecondition: never,"
        " closed: extension 1001}]"
    )
    call = await one.call("9123")
    incoming = await carrier.incoming()
    assert incoming.invite is not None
    assert incoming.invite.uri.startswith("sip:23@")
    await incoming.refuse(486)
    await call.refused()
    inbound = await carrier.call_in("1")
    await (await two.incoming()).refuse(486)
    await inbound.hangup()
    assert not one.calls[-1].incoming


async def test_config_changes_of_trunks_are_told(pbx: TestPbx) -> None:
    carrier = await pbx.carrier()
    await pbx.quiet()
    pbx.receiver.clear()
    identity = await pbx.trunk(carrier)
    await pbx.client.ok(
        "trunk/update_siptrunk", {"id": identity, "trunktype": "peer", "trunkname": "renamed"}
    )
    await pbx.client.ok("trunk/delete_siptrunk", {"id": identity})
    await eventually(lambda: len(pbx.receiver.named("ConfigChange")) == 3, "three changes")
    told = [(e["type"], e["trunkname"], e["operation"]) for e in pbx.receiver.named("ConfigChange")]
    assert told == [("trunk", "siptrunk", "add"), ("trunk", "renamed", "update"), ("trunk", "renamed", "del")]
