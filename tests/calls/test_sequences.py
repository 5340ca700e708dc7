"""Each sequence of events of the contract, made by real phones and compared whole (spec 15-events)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_call_dial_answered(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    await pbx.quiet()
    pbx.receiver.clear()

    callid = (await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"}))["callid"]
    first = await one.incoming()
    assert "1001" in first.shown
    await first.answer()
    second = await two.incoming()
    assert '"User 1000" <sip:1000@' in second.shown
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    await second.answer()
    await first.hears(620)
    await second.hears(440)
    await second.hangup()
    await first.over()
    cdr = await pbx.receiver.cdr(callid)

    assert steps(pbx.receiver.events) == [
        "CallStatus 1000 ALERT",
        "1000 Ringing",
        "1000 Busy",
        "CallStatus 1000 ALERT, 1001 RING",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED, 1001 ANSWER",
        "1001 Busy",
        "CallStatus 1001 BYE",
        "CallStatus 1000 BYE",
        "1001 Registered",
        "1000 Registered",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]
    assert {event["callid"] for event in pbx.receiver.events if "callid" in event} == {callid}
    keys = "event callid timestart callfrom callto callduraction talkduraction srctrunkname dsttrcunkname"
    keys += " pincode status type recording didnumber agentringtime sn"
    assert list(cdr) == keys.split()


async def test_phone_dial_answered_and_the_caller_hangs_up(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("1001")
    incoming = await two.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    await incoming.answer()
    await call.answered()
    await eventually(lambda: "1001 Busy" in steps(pbx.receiver.events), "1001 talks")
    await call.hangup()
    await incoming.over()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")

    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ALERT, 1001 RING",
        "1001 Ringing",
        "CallStatus 1000 ANSWERED, 1001 ANSWER",
        "1001 Busy",
        "CallStatus 1000 BYE",
        "CallStatus 1001 BYE",
        "1000 Registered",
        "1001 Registered",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]


async def test_busy(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", busyforward="off")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("1001")
    incoming = await two.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    await incoming.refuse(486)
    assert await call.refused() == 486
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")

    told = steps(pbx.receiver.events)
    assert told[:3] == ["1000 Busy", "CallStatus 1000 ALERT, 1001 RING", "1001 Ringing"]
    assert told[-2:] == ["CallFailed 486 Busy here: 1000", "NewCdr 1000 1001 BUSY Internal"]
    assert sorted(told[3:-2]) == sorted(
        ["CallStatus 1001 BYE", "CallStatus 1000 BYE", "1000 Registered", "1001 Registered"]
    )


async def test_no_answer_goes_to_voicemail(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", ringtimeout="1")
    one, _ = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("1001")
    await call.answered()
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")

    told = steps(pbx.receiver.events)
    assert told[:3] == ["1000 Busy", "CallStatus 1000 ALERT, 1001 RING", "1001 Ringing"]
    assert "CallStatus 1001 BYE" in told
    assert not pbx.receiver.named("CallFailed")
    assert told[-1] in {"NewCdr 1000 1001 NO ANSWER Internal", "NewCdr 1000 1001 VOICEMAIL Internal"}


async def test_no_answer_without_voicemail_fails(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", ringtimeout="1", noanswerforward="off")
    one, _ = await pbx.phone("1000"), await pbx.phone("1001")
    call = await one.call("1001")
    assert await call.refused() == 480
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events)[-2:] == [
        "CallFailed 603 Declined: 1000",
        "NewCdr 1000 1001 NO ANSWER Internal",
    ]


async def test_do_not_disturb(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", dnd="on", busyforward="off")
    one, _ = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("1001")
    await call.refused()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "CallFailed DND: 1000",
        "NewCdr 1000 1001 BUSY Internal",
    ]


async def test_unknown_number(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("4711")
    assert await call.refused() == 404
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "CallFailed 404 NOT found: 1000",
        "NewCdr 1000 4711 NO ANSWER Internal",
    ]


async def test_the_caller_gives_up(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.quiet()
    pbx.receiver.clear()

    call = await one.call("1001")
    incoming = await two.incoming()
    await eventually(lambda: "1001 Ringing" in steps(pbx.receiver.events), "1001 rings")
    await call.hangup()
    await eventually(lambda: incoming.ended, "1001 stops ringing")
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events) == [
        "1000 Busy",
        "CallStatus 1000 ALERT, 1001 RING",
        "1001 Ringing",
        "CallStatus 1000 BYE",
        "CallStatus 1001 BYE",
        "1000 Registered",
        "1001 Registered",
        "NewCdr 1000 1001 NO ANSWER Internal",
    ]


async def test_call_dial_from_a_phone_that_is_off(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    callid = (await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"}))["callid"]
    cdr = await pbx.receiver.cdr(callid)
    assert (cdr["status"], cdr["callfrom"], cdr["callto"]) == ("NO ANSWER", "1000", "1001")
    failed = pbx.receiver.named("CallFailed")
    assert [(event["callid"], event["reason"]) for event in failed] == [(callid, "408 Request Time")]


async def test_hold_and_unhold_by_the_phone(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    call = await one.call("1001")
    incoming = await two.incoming()
    await incoming.answer()
    await call.hears(620)
    pbx.receiver.clear()
    await call.hold()
    await eventually(lambda: pbx.receiver.named("CallStatus"), "the hold is told")
    await call.unhold()
    await eventually(lambda: len(pbx.receiver.named("CallStatus")) == 2, "the unhold is told")
    assert steps(pbx.receiver.named("CallStatus")) == [
        "CallStatus 1000 ANSWERED, 1001 HOLD",
        "CallStatus 1000 ANSWERED, 1001 ANSWER",
    ]
    await call.hangup()
