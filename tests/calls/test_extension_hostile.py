"""What phones and odd settings may try, and what the dialplan then tells (docs/internals.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.asterisk.static import AMI_USER
from tests.support.engine_log import EngineLog, engine_log
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def log(pbx: TestPbx) -> AsyncIterator[EngineLog]:
    """What the engine says during the test."""
    port, secret = pbx.pbx.engine.ami
    async with engine_log(port, AMI_USER, secret, pbx.settings.data / "cel" / "cel.json") as log:
        yield log


@pytest.mark.parametrize(
    "number",
    [
        "1%0d%0aLinkedid%3a%201.1",
        "1%0d%0a%0d%0aEvent%3a%20UserEvent",
        "*041001%0aFoo%3a%20bar",
        "#1001%0dx",
        "1%22%5c%7b",
        "%2b1%5c",
    ],
)
async def test_no_character_but_digits_reaches_events_or_records(
    pbx: TestPbx, log: EngineLog, number: str
) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    call = await one.call(number)
    assert await call.refused() == 404
    # A call that is heard of shows that the log was listening all the time.
    await (await one.call("4711")).refused()
    await eventually(lambda: log.named("Hangup"), "the second call has ended")
    assert [event["Exten"] for event in log.named("Newchannel")] == ["4711"]
    assert [row["exten"] for row in log.cel("CHAN_START")] == ["4711"]
    assert not any("Foo" in event for event in log.events)
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert [cdr["callto"] for cdr in pbx.receiver.named("NewCdr")] == ["4711"]


@pytest.mark.parametrize("number", ["*99", "+4930123456", "#7", "4711"])
async def test_unknown_codes_and_numbers_are_told(pbx: TestPbx, log: EngineLog, number: str) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    assert await (await one.call(number)).refused() in {404, 480}
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert len(pbx.receiver.named("CallFailed")) == 1
    reason = pbx.receiver.named("CallFailed")[0]["reason"]
    assert log.told("OffhookFailed", "Reason") == [(reason,)]
    assert log.cel_told("OFFHOOK_FAILED") == [reason]
    assert pbx.receiver.named("NewCdr")[0]["callto"] == number


async def test_a_name_with_brackets_spoils_no_setting(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1002")
    busy = {"busyforward": "on", "btransferto": "Extension", "btransferext": "1002"}
    await pbx.extension("1001", username="Ann (night [shift, ", **busy)
    one, two, three = await pbx.phone("1000"), await pbx.phone("1001"), await pbx.phone("1002")
    two.auto_refuse = 486
    call = await one.call("1001")
    await (await three.incoming()).answer()
    await call.answered()
    back = await two.call("1002")
    assert '"Ann (night [shift, "' in (await three.incoming()).shown
    await back.hangup()


async def test_a_forward_is_told_with_its_kind_and_destination(pbx: TestPbx, log: EngineLog) -> None:
    await pbx.extension("1000")
    await pbx.extension("1002")
    forward = {"alwaysforward": "on", "atransferto": "Extension", "atransferext": "1002"}
    await pbx.extension("1001", **forward)
    one, three = await pbx.phone("1000"), await pbx.phone("1002")
    call = await one.call("1001")
    await three.incoming()
    told = await log.wait_told("OffhookForward", "Extension", "Kind", "To", "Number")
    assert told == ("1001", "always", "Extension", "1002")
    await eventually(lambda: log.cel_told("OFFHOOK_FORWARD"), "the forward is in CEL")
    assert log.cel_told("OFFHOOK_FORWARD") == ["1001|always|Extension|1002"]
    await call.hangup()


async def test_a_deposit_is_told_also_when_the_caller_hangs_up_at_once(pbx: TestPbx, log: EngineLog) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", dnd="on")
    one = await pbx.phone("1000")
    call = await one.call("1001")
    await call.answered()
    assert await log.wait_told("OffhookVoicemail", "Mailbox", "Reason") == ("1001", "dnd")
    await call.hangup()
    mailbox, status = await log.wait_told("OffhookVoicemailEnd", "Mailbox", "Status")
    assert (mailbox, status) == ("1001", "FAILED")
    await eventually(lambda: log.cel_told("OFFHOOK_VOICEMAIL_END"), "the end is in CEL")
    assert log.cel_told("OFFHOOK_VOICEMAIL") == ["1001|dnd"]
    assert log.cel_told("OFFHOOK_VOICEMAIL_END") == ["1001|FAILED"]


async def test_own_box_needs_a_box(pbx: TestPbx) -> None:
    await pbx.extension("1000", hasvoicemail="off")
    one = await pbx.phone("1000")
    assert await (await one.call("*2")).refused() == 404


async def test_nothing_to_pick_up(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    for code in ("*4", "*041001"):
        assert await (await one.call(code)).refused() == 404
        await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
        assert [event["reason"] for event in pbx.receiver.named("CallFailed")] == ["404 NOT found"]
        await pbx.quiet()
        pbx.receiver.clear()


async def test_any_ringing_call_can_be_picked_up(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one = await pbx.phone("1000", frequency=440)
    two, three = await pbx.phone("1001"), await pbx.phone("1002", frequency=770)
    call = await one.call("1001")
    ringing = await two.incoming()
    await eventually(lambda: 180 in call.statuses, "it rings")
    taken = await three.call("*4")
    await taken.answered()
    await call.hears(770)
    await taken.hears(440)
    await eventually(lambda: ringing.ended, "1001 stops ringing")


async def test_the_callers_longest_call_holds_for_calls_of_the_api_too(pbx: TestPbx) -> None:
    await pbx.extension("1000", maxduration="1")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"})
    first = await one.incoming()
    await first.answer()
    second = await two.incoming()
    await second.answer()
    await first.over()
    await second.over()


@pytest.mark.parametrize("contact", ["sip:1002@127.0.0.1", "sip:9%0d%0aFoo%3a%20bar@127.0.0.1"])
async def test_a_phone_cannot_send_callers_elsewhere(pbx: TestPbx, log: EngineLog, contact: str) -> None:
    """A 302 would let whoever holds the phone's password call anybody in the caller's name."""
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number, busyforward="off", noanswerforward="off")
    one, two, three = await pbx.phone("1000"), await pbx.phone("1001"), await pbx.phone("1002")
    call = await one.call("1001")
    incoming = await two.incoming()
    await incoming.redirect(contact)
    assert await call.refused() >= 400
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert not three.calls
    assert not any("Foo" in event for event in log.events)
    assert steps(pbx.receiver.named("NewCdr"))[0].startswith("NewCdr 1000 1001 ")
