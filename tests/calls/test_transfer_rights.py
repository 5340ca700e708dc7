"""Who may transfer, and with whose rights: never a party from outside, and always with one's own."""

from __future__ import annotations

import pytest

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.story import outside, phones, stays

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _far(pbx: TestPbx) -> Carrier:
    """A second carrier, to which all calls with 9 in front go."""
    await outside(pbx)
    far = await pbx.carrier(address="127.0.0.3", frequency=800)
    await pbx.trunk(far, "far")
    route = (await pbx.client.ok("outroute/query", {"id": "all"}))["outroutes"][0]
    await pbx.client.ok("outroute/update", {"id": route["id"], "trunks": "far"})
    await pbx.quiet()
    pbx.receiver.clear()
    return far


async def _talk(one: Phone, two: Phone) -> tuple[Call, Call]:
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(570)
    await talk.hears(440)
    return call, talk


@pytest.mark.parametrize("code", ["*03", "*3"])
async def test_who_transfers_needs_the_right(pbx: TestPbx, code: str) -> None:
    one, two = await phones(pbx, "1000", "1001", e1001={"callrestriction": "on"})
    far = await _far(pbx)
    call, talk = await _talk(one, two)
    await talk.rtp.press(code)
    await talk.rtp.press("95551234")
    if code == "*3":
        await eventually(lambda: call.rtp.hears(570), "the call has returned", 15)
        await call.hangup()
    else:
        await call.over()
        await eventually(lambda: pbx.receiver.named("CallFailed"), "it is told")
        assert pbx.receiver.named("CallFailed")[0]["reason"] == "NO Outbound Restriction"
    assert not far.calls
    await pbx.quiet()
    assert len(pbx.receiver.named("NewCdr")) == 1


@pytest.mark.parametrize("code", ["*03", "*3"])
async def test_who_is_transferred_needs_none(pbx: TestPbx, code: str) -> None:
    one, two = await phones(pbx, "1000", "1001", e1000={"callrestriction": "on"})
    far = await _far(pbx)
    call, talk = await _talk(one, two)
    await talk.rtp.press(code)
    await talk.rtp.press("95551234")
    called = await far.incoming()
    await called.answer()
    if code == "*3":
        await talk.hears(800)
        await talk.hangup()
    await call.hears(800)
    await called.hears(440)
    await call.hangup()
    await pbx.quiet()
    told = steps(pbx.receiver.named("CallStatus"))
    assert "CallStatus 1000 ANSWERED, 1001>95551234 ANSWER" in told
    assert steps(pbx.receiver.named("NewCdr")) == ["NewCdr 1000 1001 ANSWERED Outbound"]
    # the right is gone with the call
    assert await (await one.call("95551234")).refused() >= 400


@pytest.mark.parametrize("code", ["*03", "*3"])
async def test_an_outside_party_gets_no_keys_by_a_transfer(pbx: TestPbx, code: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    far = await _far(pbx)
    call = await one.call("95551234")
    called = await far.incoming()
    await called.answer()
    await call.hears(800)
    await called.hears(440)
    await call.rtp.press(code)
    await call.rtp.press("1001")
    talk = await two.incoming()
    await talk.answer()
    if code == "*3":
        await call.hears(570)
        await call.hangup()
    await called.hears(570)
    await talk.hears(800)
    for keys in ("*031002", "*6", "*31002"):
        await called.rtp.press(keys)
    await eventually(lambda: talk.rtp.keys.endswith("*31002"), "the keys are only heard", 15)
    assert called.is_up
    assert talk.is_up
    assert not three.calls
    # the extension has them
    await talk.rtp.press("*03")
    await talk.rtp.press("1002")
    last = await three.incoming()
    assert "95551234" in last.shown
    await last.answer()
    await called.hears(700)
    await called.hangup()
    await pbx.quiet()
    assert len(pbx.receiver.named("NewCdr")) == 1


async def test_a_carrier_transfers_nobody(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1001", "1002")
    carrier = await outside(pbx)
    incoming = await carrier.call_in("55")
    talk = await one.incoming()
    await talk.answer()
    await talk.hears(900)
    assert await incoming.refer("95551234") >= 400
    assert await incoming.refer("1002") >= 400
    await stays(lambda: talk.rtp.hears(900) and len(carrier.calls) == 1 and not two.calls, "the talk goes on")
    await incoming.hangup()
    await talk.over()
    call = await one.call("95551234")
    called = await carrier.incoming()
    await called.answer()
    await call.hears(900)
    assert await called.refer("95551235") >= 400
    await stays(lambda: call.rtp.hears(900) and len(carrier.calls) == 2, "the talk goes on")
    await call.hangup()
