"""What the settings of an extension promise, in real calls (spec 02-extension)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pbx import STRONG, TestPbx, steps
from tests.support.phone import Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_registration_needs_the_password(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    async with Phone("1000", "wrong", pbx.registrar) as phone:
        assert await phone.register() in {401, 403}
    async with Phone("1999", STRONG, pbx.registrar) as phone:
        assert await phone.register() in {401, 403, 404}
    good = await pbx.phone("1000", register=False)
    assert await good.register() == 200
    assert await good.register(0) == 200


async def test_an_extension_can_be_called_as_soon_as_it_is_added(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    await pbx.extension("1001")
    two = await pbx.phone("1001")
    call = await one.call("1001")
    incoming = await two.incoming()
    await incoming.answer()
    await call.answered()


async def test_a_deleted_extension_is_out_at_once(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.client.ok("extension/delete", {"number": "1001"})
    assert await two.register() in {401, 403, 404}
    call = await one.call("1001")
    assert await call.refused() == 404
    await pbx.extension("1001", noanswerforward="off")
    again = await one.call("1001")
    assert await again.refused() == 480
    assert not any(call.incoming for call in two.calls)


async def test_a_phone_registers_under_its_registername(pbx: TestPbx) -> None:
    await pbx.extension("1000", registername="Deskphone7")
    await pbx.extension("1001")
    one = await pbx.phone("1000", username="Deskphone7")
    two = await pbx.phone("1001")
    call = await one.call("1001")
    incoming = await two.incoming()
    assert "<sip:1000@" in incoming.shown
    await incoming.answer()
    await call.answered()
    await call.hangup()
    back = await two.call("1000")
    await (await one.incoming()).answer()
    await back.answered()


async def test_the_caller_cannot_choose_the_number_that_is_shown(pbx: TestPbx) -> None:
    await pbx.extension("1000", username="Ann", callerid="5550100")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000", display="The Bank"), await pbx.phone("1001")
    await one.call("1001", [("p-asserted-identity", '"The Bank" <sip:999@bank>')])
    incoming = await two.incoming()
    assert '"Ann" <sip:5550100@' in incoming.shown


async def test_several_phones_ring_and_one_answers(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001", maxregistrations="2")
    one = await pbx.phone("1000", frequency=440)
    desk, mobile = await pbx.phone("1001", frequency=620), await pbx.phone("1001", frequency=770)
    call = await one.call("1001")
    at_desk, at_mobile = await desk.incoming(), await mobile.incoming()
    await at_mobile.answer()
    await call.hears(770)
    await at_mobile.hears(440)
    await eventually(lambda: at_desk.ended, "the desk phone stops ringing")
    await call.hangup()


async def test_an_extension_with_several_phones_is_rung_first_on_all(pbx: TestPbx) -> None:
    await pbx.extension("1000", maxregistrations="2")
    await pbx.extension("1001")
    desk, mobile = await pbx.phone("1000", frequency=440), await pbx.phone("1000", frequency=770)
    two = await pbx.phone("1001", frequency=620)
    callid = (await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"}))["callid"]
    first, other = await mobile.incoming(), await desk.incoming()
    await first.answer()
    incoming = await two.incoming()
    assert '"User 1000" <sip:1000@' in incoming.shown
    await incoming.answer()
    await first.hears(620)
    await incoming.hears(770)
    await eventually(lambda: other.ended, "the desk phone stops ringing")
    await first.hangup()
    cdr = await pbx.receiver.cdr(callid)
    assert (cdr["callfrom"], cdr["callto"], cdr["status"]) == ("1000", "1001", "ANSWERED")


async def test_the_oldest_registration_gives_way(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, old, new = await pbx.phone("1000"), await pbx.phone("1001"), await pbx.phone("1001")
    await one.call("1001")
    await new.incoming()
    assert not old.calls


async def test_autoanswer_asks_the_callers_phone(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001", "autoanswer": "yes"})
    first = await one.incoming()
    assert first.invite is not None
    assert "answer-after=0" in first.invite.get("call-info")
    assert "alert-autoanswer" in first.invite.get("alert-info")
    await first.answer()
    second = await two.incoming()
    assert second.invite is not None
    assert not second.invite.get("call-info")


FORWARDS = {"always": "a", "noanswer": "n", "busy": "b"}


@pytest.mark.parametrize("kind", FORWARDS)
async def test_forward_to_an_extension(pbx: TestPbx, kind: str) -> None:
    short = FORWARDS[kind]
    await pbx.extension("1000")
    await pbx.extension("1002")
    fields = {f"{kind}forward": "on", f"{short}transferto": "Extension", f"{short}transferext": "1002"}
    await pbx.extension("1001", ringtimeout="1", **fields)
    one, two, three = await pbx.phone("1000"), await pbx.phone("1001"), await pbx.phone("1002")
    two.auto_refuse = 486 if kind == "busy" else 0
    call = await one.call("1001")
    incoming = await three.incoming()
    await incoming.answer()
    await call.answered()
    assert bool(two.calls) is (kind != "always")
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.named("Forward")) == ["Forward 1000"]
    assert steps(pbx.receiver.events)[-1] == "NewCdr 1000 1002 ANSWERED Internal"
    assert not pbx.receiver.named("CallFailed")


@pytest.mark.parametrize("kind", FORWARDS)
async def test_forward_to_voicemail_takes_a_message(pbx: TestPbx, kind: str) -> None:
    await pbx.extension("1000")
    short = FORWARDS[kind]
    fields = {f"{kind}forward": "on", f"{short}transferto": "Voicemail"}
    await pbx.extension("1001", ringtimeout="1", **fields)
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    two.auto_refuse = 486 if kind == "busy" else 0
    call = await one.call("1001")
    await call.answered()
    box = pbx.settings.data / "asterisk/spool/voicemail/default/1001"
    await eventually(lambda: list(box.rglob("*.wav")), "the message is being recorded", 20)
    before = call.rtp.packets
    await eventually(lambda: _size(box) > 44 + 16000, "a second of speech is recorded", 10)
    assert call.rtp.packets >= before
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events)[-1] == "NewCdr 1000 1001 VOICEMAIL Internal"
    assert (box / "INBOX" / "msg0000.wav").exists()
    await eventually(
        lambda: any("Messages-Waiting: yes" in notify.body for notify in two.notifies), "the lamp is lit"
    )


def _size(folder: Path) -> int:
    return max((path.stat().st_size for path in folder.rglob("*.wav")), default=0)


async def test_forward_to_the_outside_is_refused_without_trunks(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    fields = {"atransferto": "Custom Number", "atransferprefix": "9", "atransfernum": "5551234"}
    await pbx.extension("1001", alwaysforward="on", **fields)
    one = await pbx.phone("1000")
    call = await one.call("1001")
    assert await call.refused() == 404
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert [event["reason"] for event in pbx.receiver.named("CallFailed")] == ["404 NOT found"]


async def test_two_that_forward_to_each_other_do_not_ring_for_ever(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1002")
    loop = {"alwaysforward": "on", "atransferto": "Extension"}
    await pbx.extension("1001", **loop, atransferext="1002")
    await pbx.client.ok("extension/update", {"number": "1002", **loop, "atransferext": "1001"})
    one = await pbx.phone("1000")
    call = await one.call("1001")
    assert await call.refused() >= 400
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert len(pbx.receiver.named("Forward")) <= 6


async def test_outside_numbers_need_the_right(pbx: TestPbx) -> None:
    await pbx.extension("1000", callrestriction="on")
    one = await pbx.phone("1000")
    call = await one.call("90123456789")
    await call.refused()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert [e["reason"] for e in pbx.receiver.named("CallFailed")] == ["NO Outbound Restriction"]


@pytest.mark.parametrize("limited", ["1000", "1001"])
async def test_the_longest_call_ends_by_itself(pbx: TestPbx, limited: str) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number, **({"maxduration": "1"} if number == limited else {}))
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    call = await one.call("1001")
    await (await two.incoming()).answer()
    await call.answered()
    await call.over()


async def test_keys_pass_both_ways(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=620)
    call = await one.call("1001")
    incoming = await two.incoming()
    await incoming.answer()
    await call.hears(620)
    await call.rtp.press("159")
    await eventually(lambda: incoming.rtp.keys == "159", "keys by RFC 4733 reach the callee")
    assert await incoming.info_key("7") == 200
    await eventually(lambda: call.rtp.keys == "7", "a key by INFO reaches the caller")


async def test_own_box_asks_for_its_pin(pbx: TestPbx) -> None:
    await pbx.extension("1000", vmsecret="2468")
    one = await pbx.phone("1000")
    call = await one.call("*2")
    await call.answered()
    await eventually(lambda: call.rtp.packets > 20, "a prompt is heard")
    assert not call.rtp.silent
    for _ in range(20):
        if call.ended:
            break
        await call.rtp.press("1000#1111#")
    assert call.ended, "wrong PINs go on for ever"


async def test_own_box_opens_with_its_pin(pbx: TestPbx) -> None:
    await pbx.extension("1000", vmsecret="2468")
    one = await pbx.phone("1000")
    call = await one.call("*2")
    await call.answered()
    await eventually(lambda: call.rtp.packets > 20, "a prompt is heard")
    await call.rtp.press("2468#")
    await call.rtp.press("##")  # the exit of the main menu, not of the question for a PIN
    await call.over()


async def test_straight_to_a_box(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    call = await one.call("#1001")
    await call.answered()
    assert not two.calls
    await call.hangup()


async def test_a_ringing_call_can_be_picked_up(pbx: TestPbx) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    one = await pbx.phone("1000", frequency=440)
    two, three = await pbx.phone("1001"), await pbx.phone("1002", frequency=770)
    call = await one.call("1001")
    ringing = await two.incoming()
    await eventually(lambda: 180 in call.statuses, "it rings")
    taken = await three.call("*041001")
    await taken.answered()
    await call.hears(770)
    await taken.hears(440)
    await eventually(lambda: ringing.ended, "1001 stops ringing")
    await taken.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "both records")
    assert "NewCdr 1000 1002 ANSWERED Internal" in steps(pbx.receiver.events)


@pytest.mark.parametrize(
    "number", ["1001%24%7BSHELL(id)%7D", "1001&PJSIP", "..%2f", "1001,2,x", "1" * 60, "#", "*04"]
)
async def test_odd_numbers_are_refused(pbx: TestPbx, number: str) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    call = await one.call(number)
    assert await call.refused() >= 400
