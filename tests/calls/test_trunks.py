"""Trunks and routes with carriers on addresses of their own (spec 03-trunk, 04-routes)."""

from __future__ import annotations

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
