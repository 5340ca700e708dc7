"""Calls that go on while the control plane starts anew: the new one knows them as the old one did."""

from __future__ import annotations

import pytest

from tests.calls.test_live_control import Talk, talk
from tests.support.consistency import same_picture
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


def members(t: Talk) -> list[str]:
    """Who is in the call, and how."""
    call = t.pbx.pbx.live.picture.call(t.callid)
    assert call is not None
    return [f"{member.number} {member.status}" for member in call.members]


async def restart(t: Talk) -> list[str]:
    """Start the control plane anew; who was in the call before and is after it, which must be the same."""
    before = members(t)
    await t.pbx.restart_control()
    assert members(t) == before
    await same_picture(t.pbx)
    return before


@pytest.mark.parametrize("held", ["1000", "1001"])
async def test_a_held_party(pbx: TestPbx, held: str) -> None:
    t = await talk(pbx)
    await t.do("hold", held)
    other = {"1000": "1001 ANSWER", "1001": "1000 ANSWERED"}[held]
    assert sorted(await restart(t)) == sorted([other, f"{held} HOLD"])
    await t.do("unhold", held)
    await t.caller.hears(570)
    await t.callee.hears(440)
    await t.caller.hangup()
    await t.callee.over()
    await t.one_record()


@pytest.mark.parametrize("operate", ["abort", "complete", "swap"])
async def test_a_consultation(pbx: TestPbx, operate: str) -> None:
    t = await talk(pbx)
    await t.do("attended_transfer", "1001", tonumber="1002")
    third = await t.phones[2].incoming()
    await eventually(lambda: "1002 Ringing" in steps(pbx.receiver.events), "the third rings")
    if operate == "swap":
        await third.answer()
        await t.callee.hears(700)
        assert sorted(await restart(t)) == ["1000 HOLD", "1001 ANSWERED", "1002 ANSWER"]
        await t.do("attended_transfer_operate", "1001", operate="swap")
        await t.caller.hears(570)
        assert sorted(await restart(t)) == ["1000 ANSWERED", "1001 ANSWERED", "1002 HOLD"]
        await t.do("attended_transfer_operate", "1001", operate="complete")
        await t.callee.over()
    else:
        assert sorted(await restart(t)) == ["1000 HOLD", "1001 ALERT", "1002 RING"]
        t.caller.rtp.forget()
        await t.do("attended_transfer_operate", "1001", operate=operate)
        if operate == "complete":
            third = await t.phones[2].incoming()
            await third.answer()
            await t.callee.over()
    await t.caller.hears(570 if operate == "abort" else 700)
    await t.caller.hangup()
    await t.one_record()


@pytest.mark.parametrize("by", ["1000", "1001"])
async def test_a_consultation_by_keys(pbx: TestPbx, by: str) -> None:
    t = await talk(pbx)
    mine, theirs = (t.caller, t.callee) if by == "1000" else (t.callee, t.caller)
    other = "1001" if by == "1000" else "1000"
    await mine.rtp.press("*3")
    await eventually(lambda: "Tranfer" in steps(pbx.receiver.events), "the transfer begins")
    await mine.rtp.press("1002")
    third = await t.phones[2].incoming()
    await eventually(lambda: f"{by} ALERT" in members(t), "it is told that the third rings")
    assert set(await restart(t)) == {f"{other} HOLD", f"{by} ALERT", "1002 RING"}
    await third.answer()
    await mine.hears(700)
    assert set(await restart(t)) == {f"{other} HOLD", f"{by} ANSWERED", "1002 ANSWER"}
    pbx.receiver.clear()
    await mine.hangup()
    await theirs.hears(700)
    await third.hears({"1000": 440, "1001": 570}[other])
    assert set(members(t)) & {f"{other} ANSWERED", f"{other} ANSWER"}
    await third.hangup()
    await theirs.over()
    await t.one_record()


async def test_a_party_that_is_being_added(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("add_member", "1000", number="1002")
    third = await t.phones[2].incoming()
    await eventually(lambda: "1002 Ringing" in steps(pbx.receiver.events), "the third rings")
    assert sorted(await restart(t)) == ["1000 ANSWERED", "1001 ANSWER", "1002 RING"]
    await third.answer()
    for call, tones in ((t.caller, (570, 700)), (t.callee, (440, 700)), (third, (440, 570))):
        await call.hears(*tones)
    assert sorted(members(t)) == ["1000 ANSWERED", "1001 ANSWER", "1002 ANSWER"]
    await restart(t)
    await t.caller.hangup()
    await third.hears(570)
    await third.hangup()
    await t.callee.over()
    await t.one_record()


async def test_a_parked_party_and_who_listens(pbx: TestPbx) -> None:
    t = await talk(pbx)
    ears = {"monitor": "1002", "extension": "1000", "type": "listen"}
    await pbx.client.ok("call/listen", ears)
    ear = await t.phones[2].incoming()
    await ear.answer()
    await ear.hears(440, 570)
    await restart(t)
    assert await pbx.client.errno("call/listen", {**ears, "monitor": "1003"}) == "10009"
    await ear.hangup()
    await pbx.client.ok("call/callpark", {"channelid": t.channel("1000")})
    await t.callee.over()
    assert await restart(t) == ["1000 HOLD"]
    assert await pbx.client.errno("call/hold", {"channelid": t.channel("1000")}) == "10102"
    taken = await t.phones[1].call("6900")
    await taken.hears(440)
    assert sorted(members(t)) == ["1000 ANSWERED", "1001 ANSWER"]
    await taken.hangup()
    await t.caller.over()


async def test_a_call_to_the_outside(pbx: TestPbx) -> None:
    carrier = await pbx.carrier(frequency=900)
    await pbx.trunk(carrier)
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    await pbx.apply("outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}]")
    call = await one.call("95550001")
    out = await carrier.incoming()
    await out.answer()
    await call.hears(900)
    callid = await pbx.call_id()
    await eventually(lambda: "1000 Busy" in steps(pbx.receiver.events), "all of the beginning is told")
    before = pbx.pbx.live.picture.calls[callid].members
    assert (before[1].from_number, before[1].to_number) == ("1000", "95550001")
    await pbx.restart_control()
    assert pbx.pbx.live.picture.calls[callid].members == before
    await pbx.client.ok("call/hold", {"channelid": before[1].channelid})
    before = pbx.pbx.live.picture.calls[callid].members
    await pbx.restart_control()
    assert pbx.pbx.live.picture.calls[callid].members == before
    await call.hangup()
    await out.over()
    await pbx.quiet()
    assert steps(pbx.receiver.events)[-1] == "NewCdr 1000 95550001 ANSWERED Outbound"
