"""call/dial whose caller is no extension: an IVR, a ring group, a queue, an outside number (spec 13-call)."""

from __future__ import annotations

import pytest

from offhook.asterisk.ami import actions
from offhook.callstate import Picture, resync
from tests.support.house import dialled, house
from tests.support.pbx import TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_ivr_to_outside(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6500", "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    assert dialled(theirs) == "5550001"
    assert "sip:1000@" in theirs.shown, "the number of the extension whose right it is"
    await h.told("CallStatus 6500>95550001 RING/6500")
    await theirs.answer()
    await theirs.hears(1500)
    await h.told("PlayPromptEnd 6500 to 6500>95550001/6500")
    await theirs.rtp.press("1002")
    agent = await h.three.incoming()
    assert "sip:95550001@" in agent.shown
    await h.told("1002 Ringing")
    await agent.answer()
    await theirs.hears(700)
    await agent.hears(900)
    await theirs.hangup()
    await agent.over()
    cdr = await h.over(callid)
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"]) == ("", "first")
    assert h.all() == [
        "CallStatus 6500>95550001 RING/6500",
        "CallStatus 6500>95550001 ANSWER/6500",
        "PlayPromptEnd 6500 to 6500>95550001/6500",
        "DTMF 0:1 of 6500>95550001 ANSWER/6500",
        "DTMF 1:0 of 6500>95550001 ANSWER/6500",
        "DTMF 2:0 of 6500>95550001 ANSWER/6500",
        "DTMF 3:2 of 6500>95550001 ANSWER/6500",
        "DTMF 1002 of 6500>95550001 ANSWER/6500",
        "CallStatus 6500>95550001 ALERT/6500, 1002 RING/6500",
        "1002 Ringing",
        "CallStatus 6500>95550001 ANSWERED/6500, 1002 ANSWER/6500",
        "1002 Busy",
        "CallStatus 6500>95550001 BYE/6500",
        "CallStatus 1002 BYE/6500",
        "1002 Registered",
        "NewCdr 6500 95550001 ANSWERED Outbound",
    ]


async def test_an_ivr_with_rights_of_its_own(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6501", "95550001")
    theirs = await h.first.incoming()
    await h.told("CallStatus 6501>95550001 RING/6501")
    await theirs.answer()
    await h.told("CallStatus 6501>95550001 ANSWER/6501")
    await theirs.hangup()
    cdr = await h.over(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("6501", "95550001", "ANSWERED")


async def test_ivr_to_extension(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6500", "1000")
    mine = await h.one.incoming()
    assert "sip:6500@" in mine.shown
    await h.told("1000 Ringing")
    await mine.answer()
    await mine.hears(1500)
    await h.told("PlayPromptEnd 6500 to 1000/6500")
    await mine.rtp.press("1001")
    theirs = await h.two.incoming()
    assert '"User 1000" <sip:1000@' in theirs.shown
    await theirs.answer()
    await mine.hears(570)
    await theirs.hears(440)
    await theirs.hangup()
    await mine.over()
    await h.over(callid)
    told = h.all()
    assert told[:5] == [
        "CallStatus 1000 RING/6500",
        "1000 Ringing",
        "CallStatus 1000 ANSWER/6500",
        "1000 Busy",
        "PlayPromptEnd 6500 to 1000/6500",
    ]
    assert told[-1] == "NewCdr 6500 1000 ANSWERED Internal"


async def test_ring_group_to_outside(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6200", "95550001", dialpermission="1001")
    theirs = await h.first.incoming()
    assert not h.two.calls, "the outside party is called first"
    await h.told("CallStatus 6200>95550001 RING/6200")
    await theirs.answer()
    member, other = await h.two.incoming(), await h.three.incoming()
    assert "sip:95550001@" in member.shown
    await h.told("1001 Ringing")
    await h.told("1002 Ringing")
    await member.answer()
    await theirs.hears(570)
    await member.hears(900)
    await eventually(lambda: other.ended, "the other stops ringing")
    await member.hangup()
    await theirs.over()
    cdr = await h.over(callid)
    told = h.all()
    assert told[:2] == ["CallStatus 6200>95550001 RING/6200", "CallStatus 6200>95550001 ANSWER/6200"]
    assert "CallStatus 6200>95550001 ALERT/6200, 1001 RING/6200, 1002 RING/6200" in told
    assert "CallStatus 6200>95550001 ANSWERED/6200, 1001 ANSWER/6200" in told
    assert "CallStatus 1002 BYE/6200" in told
    assert told[-1] == "NewCdr 6200 95550001 ANSWERED Outbound"
    assert cdr["dsttrcunkname"] == "first"


async def test_queue_to_outside(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6700", "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    await h.told("CallStatus 6700>95550001 RING/6700")
    await theirs.answer()
    agent = await h.two.incoming()
    await h.told("1001 Ringing")
    waiting = await pbx.pbx.switch.items(actions.QueueStatus(queue="6700"))
    callers = [entry["Channel"] for entry in waiting if entry["Event"] == "QueueEntry"]
    assert [name.rpartition("-")[0] for name in callers] == ["PJSIP/trunk-first-endpoint"]
    await agent.answer()
    await theirs.hears(570)
    await agent.hears(900)
    await agent.hangup()
    await theirs.over()
    await h.over(callid)
    assert h.all() == [
        "CallStatus 6700>95550001 RING/6700",
        "CallStatus 6700>95550001 ANSWER/6700",
        "CallStatus 6700>95550001 ANSWERED/6700, 1001 RING/6700",
        "1001 Ringing",
        "CallStatus 6700>95550001 ANSWERED/6700, 1001 ANSWER/6700",
        "1001 Busy",
        "CallStatus 1001 BYE/6700",
        "CallStatus 6700>95550001 BYE/6700",
        "1001 Registered",
        "NewCdr 6700 95550001 ANSWERED Outbound",
    ]


async def test_outside_to_outside(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("95550001", "85550002", dialpermission="1000")
    a = await h.first.incoming()
    assert dialled(a) == "5550001"
    await h.told("CallStatus 1000>95550001 ALERT")
    assert not h.second.calls, "the callee is called when the caller has answered"
    await a.answer()
    b = await h.second.incoming()
    assert dialled(b) == "5550002"
    assert "sip:1000@" in a.shown
    assert "sip:1000@" in b.shown
    await h.told("CallStatus 1000>95550001 ALERT, 95550001>85550002 RING")
    await b.answer()
    await a.hears(1150)
    await b.hears(900)
    found = await pbx.client.ok("call/query", {"type": "outbound"})
    assert [call["callid"] for call in found["Calls"]] == [callid]
    await b.hangup()
    await a.over()
    cdr = await h.over(callid)
    assert (cdr["srctrunkname"], cdr["dsttrcunkname"]) == ("", "second")
    assert h.all() == [
        "CallStatus 1000>95550001 ALERT",
        "CallStatus 1000>95550001 ALERT, 95550001>85550002 RING",
        "CallStatus 1000>95550001 ANSWERED, 95550001>85550002 ANSWER",
        "CallStatus 95550001>85550002 BYE",
        "CallStatus 1000>95550001 BYE",
        "NewCdr 95550001 85550002 ANSWERED Outbound",
    ]


@pytest.mark.parametrize("caller", ["6500", "95550001"])
async def test_a_control_plane_that_starts_finds_who_was_called(pbx: TestPbx, caller: str) -> None:
    """What a fresh picture makes of the engine's own snapshot."""
    h = await house(pbx)
    callee = "95550003" if caller == "6500" else "85550002"
    callid = await h.dial(caller, callee, dialpermission="1000")
    first = await h.first.incoming()
    await first.answer()
    if caller == "6500":
        await first.hears(1500)
    else:
        second = await h.second.incoming()
        await second.answer()
        await first.hears(1150)
    snapshot = await pbx.pbx.switch.snapshot()
    found, _ = resync(Picture(), snapshot.channels, snapshot.contacts)
    assert found.calls[callid].direction == "outbound"
    shown = [member.wire()["outbound"] for member in found.calls[callid].members]
    calling, status = ("6500", "ANSWER") if caller == "6500" else ("1000", "ANSWERED")
    number = callee if caller == "6500" else caller
    assert (shown[0]["from"], shown[0]["to"], shown[0]["memberstatus"]) == (calling, number, status)
    assert [member["memberstatus"] for member in shown[1:]] == ([] if caller == "6500" else ["ANSWER"])
    await first.hangup()
    await h.over(callid)


async def test_who_was_called_is_sent_on(pbx: TestPbx) -> None:
    """As in the reference's application that checks a code: from IVR to IVR, then to an extension."""
    h = await house(pbx)
    await pbx.prompt("thanks", 800)
    right = "{number: 6502, ivrname: Right, prompt: thanks, responsetimeout: 9}"
    await pbx.apply(f"ivrs: [{{number: 6500, ivrname: Ask, prompt: welcome, responsetimeout: 9}}, {right}]")
    callid = await h.dial("6500", "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    await theirs.answer()
    await theirs.hears(1500)
    await h.transfer(callid, "6502")
    await theirs.hears(800)
    await h.transfer(callid, "1002")
    agent = await h.three.incoming()
    await agent.answer()
    await theirs.hears(700)
    await agent.hears(900)
    await agent.hangup()
    await theirs.over()
    cdr = await h.over(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("6500", "95550001", "ANSWERED")
    assert [step for step in h.all() if step.startswith("CallStatus")] == [
        "CallStatus 6500>95550001 RING/6500",
        "CallStatus 6500>95550001 ANSWER/6500",
        "CallStatus 6500>95550001 ANSWERED/6502",
        "CallStatus 6500>95550001 ALERT/6502, 1002 RING/6502",
        "CallStatus 6500>95550001 ANSWERED/6502, 1002 ANSWER/6502",
        "CallStatus 1002 BYE/6502",
        "CallStatus 6500>95550001 BYE/6502",
    ]


async def test_legs_to_the_outside_show_the_dod_number(pbx: TestPbx) -> None:
    """That of the extension which calls, or whose right another call has."""
    h = await house(pbx)
    dod = {"extensionsdod": "5503301-yeastar-1000"}
    fields = {"id": h.trunks["first"], "trunktype": "peer", **dod}
    await pbx.client.ok("trunk/update_siptrunk", fields)
    for caller in ("1000", "6500", "95550003"):
        callee = "85550002" if caller == "95550003" else "95550001"
        callid = await h.dial(caller, callee, dialpermission="1000")
        if caller == "1000":
            await (await h.one.incoming()).answer()
        theirs = await h.first.incoming()
        assert '"yeastar" <sip:5503301@' in theirs.shown
        await theirs.refuse(486)
        cdr = await pbx.receiver.cdr(callid)
        assert cdr["status"] == "BUSY"
