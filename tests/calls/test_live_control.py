"""What applications do with running calls: hold, mute, transfer, consult, add, listen (spec 13-call)."""

from __future__ import annotations

import asyncio

import pytest

from offhook.asterisk.ami import actions
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Talk:
    """1000 talks with 1001; 1002 and 1003 are there."""

    def __init__(self, pbx: TestPbx, phones: list[Phone], caller: Call, callee: Call, callid: str) -> None:
        self.pbx, self.phones, self.caller, self.callee, self.callid = pbx, phones, caller, callee, callid

    def channel(self, number: str) -> str:
        """The channelid of an extension in this call."""
        call = self.pbx.pbx.live.picture.call(self.callid)
        assert call is not None
        return next(member.channelid for member in call.members if member.number == number)

    async def do(self, endpoint: str, who: str, **fields: str) -> None:
        """Ask for an operation on an extension's leg."""
        answer = await self.pbx.client.ok(f"call/{endpoint}", {"channelid": self.channel(who), **fields})
        assert answer["callid"] == self.callid

    def told(self) -> list[str]:
        """The steps since the last look."""
        found = steps(self.pbx.receiver.events)
        self.pbx.receiver.clear()
        return found

    async def one_record(self) -> dict[str, str]:
        """Wait until all is over: one record, and nothing is left in the engine."""
        await self.pbx.quiet()
        records = [e for e in self.pbx.receiver.events if e["event"] == "NewCdr"]
        assert [cdr["callid"] for cdr in records] == [self.callid]
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        cdr: dict[str, str] = records[0]
        return cdr


async def talk(pbx: TestPbx) -> Talk:
    """Let 1000 call 1001."""
    phones = []
    for at, number in enumerate(("1000", "1001", "1002", "1003")):
        await pbx.extension(number, allowbeingmonitored="on", monitormode="Extensive")
        phones.append(await pbx.phone(number, frequency=(440, 570, 700, 850)[at]))
    await pbx.quiet()
    caller = await phones[0].call("1001")
    callee = await phones[1].incoming()
    await callee.answer()
    await caller.hears(570)
    await callee.hears(440)
    callid = await pbx.call_id()
    await eventually(lambda: "1001 Busy" in steps(pbx.receiver.events), "all of the beginning is told")
    pbx.receiver.clear()
    return Talk(pbx, phones, caller, callee, callid)


@pytest.mark.parametrize("held", ["1000", "1001"])
async def test_hold_and_back(pbx: TestPbx, held: str) -> None:
    t = await talk(pbx)
    quiet, music = (t.callee, t.caller) if held == "1000" else (t.caller, t.callee)
    await t.do("hold", held)
    await eventually(lambda: quiet.rtp.silent, "the other hears nothing")
    await eventually(lambda: not music.rtp.silent and not music.rtp.hears(440), "the held one hears music")
    await t.do("hold", held)  # once more changes nothing
    word = {"1000": "1000 HOLD, 1001 ANSWER", "1001": "1000 ANSWERED, 1001 HOLD"}[held]
    await eventually(lambda: f"CallStatus {word}" in steps(pbx.receiver.events), "HOLD is told")
    await t.do("unhold", held)
    await t.caller.hears(570)
    await t.callee.hears(440)
    await t.do("unhold", held)
    await t.caller.hangup()
    await t.callee.over()
    cdr = await t.one_record()
    assert steps(pbx.receiver.events) == [
        f"CallStatus {word}",
        "CallStatus 1000 ANSWERED, 1001 ANSWER",
        "CallStatus 1000 BYE",
        "CallStatus 1001 BYE",
        "1000 Registered",
        "1001 Registered",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]
    assert cdr["status"] == "ANSWERED"


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_who_hangs_up_on_hold_ends_both(pbx: TestPbx, who: str) -> None:
    t = await talk(pbx)
    await t.do("hold", "1001")
    gone, left = (t.caller, t.callee) if who == "caller" else (t.callee, t.caller)
    await gone.hangup()
    await left.over()
    await t.one_record()


async def test_blind_transfer(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("transfer", "1000", number="1002")
    await t.callee.over()
    third = await t.phones[2].incoming()
    await third.answer()
    await t.caller.hears(700)
    await third.hears(440)
    await third.hangup()
    await t.caller.over()
    await t.one_record()
    assert "Tranfer" not in steps(pbx.receiver.events)


async def test_an_operator_may_want_transfers_by_the_api_told(pbx: TestPbx) -> None:
    await pbx.admin("PATCH", "/settings/general", {"reportapitransfers": "on"})
    t = await talk(pbx)
    await t.do("transfer", "1000", number="1002")
    await eventually(lambda: pbx.receiver.named("Tranfer"), "the transfer is told")
    told = pbx.receiver.named("Tranfer")[0]["members"]
    assert [set(member["ext"]) for member in told] == [{"number", "channelid"}, {"number", "channelid"}]
    await t.caller.hangup()
    await pbx.admin("PATCH", "/settings/general", {"reportapitransfers": "off"})


async def test_transfer_of_a_held_party(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("hold", "1001")
    await t.do("transfer", "1001", number="1002")
    await t.caller.over()
    third = await t.phones[2].incoming()
    await third.answer()
    await t.callee.hears(700)
    await t.callee.hangup()
    await third.over()
    await t.one_record()


async def _consult(t: Talk) -> Call:
    await t.do("attended_transfer", "1001", tonumber="1002")
    return await t.phones[2].incoming()


def _forget_the_talk(t: Talk) -> None:
    """What the two hear from now on counts, not what they heard before the consultation."""
    t.caller.rtp.forget()
    t.callee.rtp.forget()


async def test_attended_transfer_completed(pbx: TestPbx) -> None:
    t = await talk(pbx)
    third = await _consult(t)
    await eventually(lambda: "1002 Ringing" in steps(pbx.receiver.events), "the third rings")
    await third.answer()
    await t.callee.hears(700)
    await third.hears(570)
    await t.do("attended_transfer_operate", "1001", operate="complete")
    await t.callee.over()
    await t.caller.hears(700)
    await third.hears(440)
    await t.caller.hangup()
    await third.over()
    await t.one_record()
    told = [step for step in steps(pbx.receiver.events) if step.startswith(("CallStatus", "NewCdr", "CallF"))]
    assert told == [
        "CallStatus 1001 ALERT, 1002 RING",
        "CallStatus 1000 HOLD",
        "CallStatus 1001 ANSWERED, 1002 ANSWER",
        "CallStatus 1000 ANSWERED, 1002 ANSWER",
        "CallStatus 1001 BYE",
        "CallStatus 1000 BYE",
        "CallStatus 1002 BYE",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]


async def test_attended_transfer_to_a_queue_completed(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await pbx.apply(
        "queues: [{number: 6700, queuename: Queue, agents: 1002, announcepos: off, announceholdtime: off}]"
    )
    await t.do("attended_transfer", "1001", tonumber="6700")
    agent = await t.phones[2].incoming()
    await agent.answer()
    await t.callee.hears(700)
    await t.do("attended_transfer_operate", "1001", operate="complete")
    await t.callee.over()
    await t.caller.hears(700)
    await agent.hears(440)
    await t.caller.hangup()
    await agent.over()
    await t.one_record()


@pytest.mark.parametrize("answered", [True, False])
async def test_attended_transfer_aborted(pbx: TestPbx, answered: bool) -> None:
    t = await talk(pbx)
    third = await _consult(t)
    if answered:
        await third.answer()
        await t.callee.hears(700)
    await t.do("attended_transfer_operate", "1001", operate="abort")
    await eventually(lambda: third.ended, "the third is let go")
    await t.caller.hears(570)
    await t.callee.hears(440)
    await t.callee.hangup()
    await t.caller.over()
    await t.one_record()


async def test_a_third_party_that_is_busy_or_leaves_gives_the_talk_back(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await pbx.client.ok("extension/update", {"number": "1002", "busyforward": "off"})
    third = await _consult(t)
    _forget_the_talk(t)
    await third.refuse(486)
    await t.caller.hears(570)
    await t.callee.hears(440)
    third = await _consult(t)
    await third.answer()
    await third.hears(570)
    _forget_the_talk(t)
    await third.hangup()
    await t.caller.hears(570)
    await t.callee.hears(440)
    await t.caller.hangup()
    await t.callee.over()
    await t.one_record()
    assert "CallFailed" not in " ".join(steps(pbx.receiver.events))


@pytest.mark.parametrize("answered", [True, False])
async def test_who_transfers_hangs_up(pbx: TestPbx, answered: bool) -> None:
    t = await talk(pbx)
    third = await _consult(t)
    if answered:
        await third.answer()
        await t.callee.hears(700)
    await t.callee.hangup()
    if not answered:
        third = await t.phones[2].incoming()
        await third.answer()
    await t.caller.hears(700)
    await third.hears(440)
    await t.caller.hangup()
    await third.over()
    await t.one_record()


async def test_swap_and_threeway(pbx: TestPbx) -> None:
    t = await talk(pbx)
    third = await _consult(t)
    await third.answer()
    await t.callee.hears(700)
    await t.do("attended_transfer_operate", "1001", operate="swap")
    await t.caller.hears(570)
    await t.callee.hears(440)
    await t.do("attended_transfer_operate", "1001", operate="swap")
    await t.callee.hears(700)
    await third.hears(570)
    await t.do("attended_transfer_operate", "1001", operate="threeway")
    for call, tones in ((t.caller, (570, 700)), (t.callee, (440, 700)), (third, (440, 570))):
        await call.hears(*tones)
    await t.callee.hangup()
    await t.caller.hears(700)
    await third.hears(440)
    await third.hangup()
    await t.caller.over()
    await t.one_record()


async def test_who_transfers_hangs_up_after_a_swap(pbx: TestPbx) -> None:
    t = await talk(pbx)
    third = await _consult(t)
    await third.answer()
    await t.callee.hears(700)
    await t.do("attended_transfer_operate", "1001", operate="swap")
    await t.caller.hears(570)
    await t.callee.hangup()
    await t.caller.hears(700)
    await third.hears(440)
    await third.hangup()
    await t.caller.over()
    await t.one_record()


async def test_add_member(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("add_member", "1000", number="1002")
    third = await t.phones[2].incoming()
    await eventually(
        lambda: "CallStatus 1000 ANSWERED, 1001 ANSWER, 1002 RING" in steps(pbx.receiver.events), "it is told"
    )
    await third.answer()
    for call, tones in ((t.caller, (570, 700)), (t.callee, (440, 700)), (third, (440, 570))):
        await call.hears(*tones)
    await t.caller.hangup()
    await t.callee.hears(700)
    await third.hears(570)
    await third.hangup()
    await t.callee.over()
    await t.one_record()


async def _runs(pbx: TestPbx, data: str) -> None:
    """Wait until a channel runs an application with these arguments."""
    async with asyncio.timeout(8):
        while True:
            channels = await pbx.pbx.switch.items(actions.CoreShowChannels())
            if any(one.get("ApplicationData") == data for one in channels):
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["call/transfer", "a key"])
async def test_who_was_added_reaches_a_box_when_transferred(pbx: TestPbx, how: str) -> None:
    t = await talk(pbx)
    await t.do("add_member", "1000", number="1002")
    third = await t.phones[2].incoming()
    await third.answer()
    await t.callee.hears(440, 700)
    await t.caller.hangup()
    await t.callee.hears_without(440)
    await t.callee.hears(700)
    await pbx.client.ok("extension/update", {"number": "1003", "dnd": "on"})
    if how == "call/transfer":
        await t.do("transfer", "1002", number="1003")
    else:
        await t.callee.rtp.press("*03")
        await t.callee.rtp.press("1003")
    await _runs(pbx, "1003@default,u")
    for told in ("CallStatus 1001 BYE", "Forward 1002", "CallStatus 1002 ANSWERED"):
        await eventually(lambda: told in steps(pbx.receiver.events), f"it is told: {told}")  # noqa: B023
    await third.hangup()
    await t.callee.over()
    await pbx.quiet()


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
async def test_listen(pbx: TestPbx, mode: str) -> None:
    t = await talk(pbx)
    body = {"monitor": "1002", "extension": "1000", "type": mode}
    assert (await pbx.client.ok("call/listen", body))["callid"] == t.callid
    ear = await t.phones[2].incoming()
    await ear.answer()
    await ear.hears(440, 570)
    if mode != "listen":
        await t.caller.hears(570, 700)
    if mode == "barge":
        await t.callee.hears(440, 700)
    else:
        await t.callee.hears_without(700)
    assert await pbx.client.errno("call/listen", {**body, "monitor": "1003"}) == "10009"
    await t.caller.hangup()
    await ear.over()
    await t.one_record()
    assert not [step for step in steps(pbx.receiver.events) if step.startswith("CallStatus 1002")]


async def test_who_breaks_in_stays_with_the_party_when_it_is_transferred(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await pbx.client.ok("call/listen", {"monitor": "1002", "extension": "1000", "type": "barge"})
    ear = await t.phones[2].incoming()
    await ear.answer()
    await t.callee.hears(440, 700)
    await t.do("transfer", "1000", number="1003")
    third = await t.phones[3].incoming()
    await eventually(lambda: "1001 Registered" in steps(pbx.receiver.events), "who is let go has left")
    await third.answer()
    await third.hears(440, 700)
    await t.caller.hears(700, 850)
    await t.caller.hangup()
    await ear.over()
    await t.one_record()


async def test_mute(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("mute", "1000")
    await t.callee.hears_without(440)
    await t.caller.hears(570)
    await t.do("unmute", "1000")
    await t.callee.hears(440)
    await t.caller.hangup()
    await t.one_record()


async def test_all_leave_while_one_is_being_added(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await t.do("add_member", "1000", number="1002")
    third = await t.phones[2].incoming()
    await eventually(lambda: "1002 Ringing" in steps(pbx.receiver.events), "the third rings")
    await t.caller.hangup()
    await t.callee.over()
    await eventually(lambda: third.ended, "nobody is left to talk with")
    await t.one_record()


@pytest.mark.parametrize("slot", ["6905", ""])
async def test_park_and_pick_up(pbx: TestPbx, slot: str) -> None:
    t = await talk(pbx)
    body = {"channelid": t.channel("1000"), **({"parkingslot": slot} if slot else {})}
    answer = await pbx.client.ok("call/callpark", body)
    assert answer["parkingslot"] == (slot or "6900")
    assert "callid" not in answer
    await t.callee.over()
    (parked,) = (await pbx.client.ok("call/callpark_status"))["parkinfos"]
    assert list(parked) == ["parker", "parkedparty", "parkingslot", "parktime", "channelid"]
    assert (parked["parker"], parked["parkedparty"], parked["parkingslot"]) == (
        "1001",
        "1000",
        slot or "6900",
    )
    assert 50 <= int(parked["parktime"]) <= 60
    assert await pbx.client.errno("call/hold", {"channelid": t.channel("1000")}) == "10102"
    taken = await t.phones[2].call(slot or "6900")
    await taken.hears(440)
    await t.caller.hears(700)
    assert (await pbx.client.ok("call/callpark_status"))["parkinfos"] == []
    await taken.hangup()
    await t.caller.over()
    await pbx.quiet()
    records = pbx.receiver.named("NewCdr")
    assert sorted(cdr["callto"] for cdr in records) == ["1001", slot or "6900"]


async def test_a_parked_call_that_nobody_takes_goes_back(pbx: TestPbx) -> None:
    t = await talk(pbx)
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 10})
    await pbx.client.ok("call/callpark", {"channelid": t.channel("1000")})
    await t.callee.over()
    back = await waiting_call(t.phones[1], 15)
    await back.answer()
    await t.caller.hears(570)
    await t.caller.hangup()
    await back.over()
    await t.one_record()
    await pbx.admin("PATCH", "/settings/parking", {"timeout": 60})


async def waiting_call(phone: Phone, seconds: float) -> Call:
    """The next call that comes in within so many seconds."""
    await eventually(lambda: [c for c in phone.calls if c.incoming and not c.taken], "it rings", seconds)
    return await phone.incoming()


async def test_slots_that_cannot_be(pbx: TestPbx) -> None:
    t = await talk(pbx)
    for slot in ("6899", "1000", "7000"):
        body = {"channelid": t.channel("1000"), "parkingslot": slot}
        assert await pbx.client.errno("call/callpark", body) == "10151"
    await pbx.client.ok("call/callpark", {"channelid": t.channel("1000"), "parkingslot": "6900"})
    await t.callee.over()
    call = await t.phones[2].call("1003")
    other = await t.phones[3].incoming()
    await other.answer()
    await call.hears(850)
    picture = pbx.pbx.live.picture
    channel = next(m.channelid for m in picture.calls_of("1002")[0].members if m.number == "1002")
    taken = {"channelid": channel, "parkingslot": "6900"}
    assert await pbx.client.errno("call/callpark", taken) == "10151"
    assert await pbx.client.errno("call/callpark", {"channelid": "PJSIP/1000-ffffffff"}) == "10103"
    await call.hangup()
    await t.caller.hangup()
    await pbx.quiet()


@pytest.mark.parametrize(
    ("fields", "errno"),
    [
        ({"monitor": "9999", "extension": "1000"}, "10006"),
        ({"monitor": "1002", "extension": "1003"}, "10007"),
        ({"monitor": "1001", "extension": "1000"}, "10008"),
    ],
)
async def test_who_may_listen(pbx: TestPbx, fields: dict[str, str], errno: str) -> None:
    t = await talk(pbx)
    assert await pbx.client.errno("call/listen", {**fields, "type": "listen"}) == errno
    await pbx.client.ok("extension/update", {"number": "1002", "monitormode": "Whisper"})
    body = {"monitor": "1002", "extension": "1000", "type": "barge"}
    assert await pbx.client.errno("call/listen", body) == "10010"
    await t.caller.hangup()
    await pbx.quiet()
