"""Transfers by keys that go on while the control plane starts anew: all is told as if it had never been away.

The steps after a restart are those of tests/calls/test_sequences_transfers.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from offhook.callstate.model import Member
from tests.support.consistency import same_picture
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.story import LEFT, Story, end_of_talk, phones, talk_of_two

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELD = {"1000": "CallStatus 1000 ANSWERED, 1001 HOLD", "1001": "CallStatus 1000 HOLD, 1001 ANSWER"}
SETTINGS = """
queues: [{number: 6700, queuename: Queue, agents: "1002,1003", announcepos: off, announceholdtime: off}]
ivrs: [{number: 6500, ivrname: Menu, key1: extension 1002, promptrepeat: 5, responsetimeout: 9}]
"""


class Talk:
    """1000 talks with 1001, and `mine` is the call of who transfers; 1002 and 1003 are there."""

    def __init__(self, story: Story, all_phones: list[Phone], mine: Call, theirs: Call) -> None:
        self.story, self.phones, self.mine, self.theirs = story, all_phones, mine, theirs
        self.pbx = story.pbx

    def members(self) -> tuple[Member, ...]:
        """Who is in the one call, and how."""
        (call,) = self.pbx.pbx.live.picture.calls.values()
        return call.members

    async def restart(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """Start the control plane anew: its picture is the same, and nothing is told."""
        before, told = self.members(), len(self.pbx.receiver.events)
        await self.pbx.restart_control(meanwhile)
        assert self.members() == before
        assert steps(self.pbx.receiver.events[told:]) == []

    async def asks(self, by: str, number: str = "1002") -> None:
        """Who transfers presses the keys and types a number."""
        await self.mine.rtp.press("*3")
        await self.story.tells("Tranfer", HELD[by])
        await self.mine.rtp.press(number)

    async def rings(self, by: str) -> Call:
        """1002 rings for who transfers."""
        await self.asks(by)
        await self.story.tells(f"CallStatus {by} ALERT, 1002 RING", "1002 Ringing")
        return await self.phones[2].incoming()

    async def consults(self, by: str) -> Call:
        """1002 talks with who transfers."""
        last = await self.rings(by)
        await last.answer()
        await self.story.tells(f"CallStatus {by} ANSWERED, 1002 ANSWER", "1002 Busy")
        await self.mine.hears(700)
        return last


async def begin(pbx: TestPbx, by: str, **fields: dict[str, str]) -> Talk:
    """Let 1000 call 1001."""
    four = await phones(pbx, "1000", "1001", "1002", "1003", **fields)
    await pbx.apply(SETTINGS)
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, four[0], four[1])
    return Talk(story, four, *((talk, call) if by == "1001" else (call, talk)))


def other_than(by: str) -> str:
    """Who waits."""
    return {"1000": "1001", "1001": "1000"}[by]


# A number is being typed ------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "keys"), [("1000", "*03"), ("1001", "*3")])
async def test_a_number_is_being_typed(pbx: TestPbx, by: str, keys: str) -> None:
    t = await begin(pbx, by)
    other = other_than(by)
    await t.mine.rtp.press(keys)
    await t.story.tells("Tranfer", HELD[by])
    await t.mine.rtp.press("1")
    await t.restart(lambda: t.mine.rtp.press("0"))
    await t.mine.rtp.press("02")
    if keys == "*3":
        await t.story.tells(f"CallStatus {by} ALERT, 1002 RING", "1002 Ringing")
    else:
        await t.story.tells(f"CallStatus {by} BYE", f"{by} Registered")
        await t.story.tells(f"CallStatus {other} ALERT, 1002 RING", "1002 Ringing")
    last = await t.phones[2].incoming()
    await last.answer()
    if keys == "*3":
        await t.story.tells(f"CallStatus {by} ANSWERED, 1002 ANSWER", "1002 Busy")
        await t.mine.hears(700)
        await t.mine.hangup()
        await t.story.tells(f"CallStatus {by} BYE", f"{by} Registered")
        await t.story.tells(f"CallStatus {other} ANSWERED, 1002 ANSWER")
    else:
        await t.story.tells(f"CallStatus {other} ANSWERED, 1002 ANSWER", "1002 Busy")
    await t.theirs.hears(700)
    await t.theirs.hangup()
    await t.story.tells(*end_of_talk(other, "1002", "1000 1001 ANSWERED Internal"))
    await t.story.ends()


async def test_no_number_is_typed(pbx: TestPbx) -> None:
    t = await begin(pbx, "1001")
    await t.mine.rtp.press("*3")
    await t.story.tells("Tranfer", HELD["1001"])
    await t.restart()
    await t.story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER", seconds=20)
    await t.theirs.hangup()
    await t.story.tells(*end_of_talk("1000", "1001", "1000 1001 ANSWERED Internal"))
    await t.story.ends()


async def test_a_phone_holds(pbx: TestPbx) -> None:
    """Not by a key: the number that comes next is dialled in a call of its own, and a REFER joins the two."""
    by = "1000"
    t = await begin(pbx, by)
    await t.mine.hold()
    await t.story.tells(HELD[by])
    await t.restart()
    await t.mine.unhold()
    await t.story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER")
    await t.mine.hold()
    await t.story.tells(HELD[by])
    await t.restart()
    asks = await t.mine.phone.call("1002")
    await t.story.tells(f"CallStatus {by} ALERT, 1002 RING", "1002 Ringing")
    last = await t.phones[2].incoming()
    await last.answer()
    await t.story.tells(f"CallStatus {by} ANSWERED, 1002 ANSWER", "1002 Busy")
    await asks.hears(700)
    assert await t.mine.refer("1002", replaces=asks) == 202
    await t.theirs.hears(700)
    await t.theirs.hangup()
    await pbx.quiet()
    told = steps(pbx.receiver.of_call(t.story.callids()[0]))
    assert told[-5:] == [
        f"CallStatus {by} BYE",
        f"CallStatus {other_than(by)} ANSWERED, 1002 ANSWER",
        f"CallStatus {other_than(by)} BYE",
        "CallStatus 1002 BYE",
        "NewCdr 1000 1001 ANSWERED Internal",
    ]


# With consultation ------------------------------------------------------------------------------------


async def test_it_is_left_while_the_third_rings(pbx: TestPbx) -> None:
    t = await begin(pbx, "1001")
    last = await t.rings("1001")
    await t.mine.hangup()
    await t.story.tells(*LEFT, "CallStatus 1000 ALERT, 1002 RING")
    await t.restart()
    await last.answer()
    await t.story.tells("CallStatus 1000 ANSWERED, 1002 ANSWER", "1002 Busy")
    await t.theirs.hears(700)
    await t.theirs.hangup()
    await t.story.tells(*end_of_talk("1000", "1002", "1000 1001 ANSWERED Internal"))
    await t.story.ends()


async def test_it_is_left_and_nobody_answers(pbx: TestPbx) -> None:
    t = await begin(pbx, "1000", e1002={"busyforward": "off"})
    last = await t.rings("1000")
    await t.mine.hangup()
    await t.story.tells("CallStatus 1000 BYE", "1000 Registered", "CallStatus 1001 ALERT, 1002 RING")
    await t.restart()
    await last.refuse(486)
    await t.story.tells("CallStatus 1002 BYE", "CallStatus 1001 BYE", "1002 Registered", "1001 Registered")
    await t.story.tells("CallFailed 486 Busy here: 1001", "NewCdr 1000 1001 ANSWERED Internal")
    await t.story.ends()


async def test_it_has_changed_over(pbx: TestPbx) -> None:
    t = await begin(pbx, "1001")
    last = await t.consults("1001")
    await t.mine.rtp.press("*4")
    await t.story.tells("CallStatus 1000 ANSWERED, 1001 ANSWERED, 1002 HOLD")
    await t.restart()
    await same_picture(pbx)
    await t.mine.rtp.press("*4")
    await t.story.tells("CallStatus 1000 HOLD, 1001 ANSWERED, 1002 ANSWER")
    await t.mine.hears(700)
    await t.mine.rtp.press("*4")
    await t.story.tells("CallStatus 1000 ANSWERED, 1001 ANSWERED, 1002 HOLD")
    await t.restart()
    await t.mine.hangup()
    await t.story.tells(*LEFT, "CallStatus 1000 ANSWERED, 1002 ANSWER")
    await t.theirs.hears(700)
    await last.hangup()
    await t.story.tells(*end_of_talk("1002", "1000", "1000 1001 ANSWERED Internal"))
    await t.story.ends()


async def test_all_three_talk_and_one_asks_again(pbx: TestPbx) -> None:
    t = await begin(pbx, "1001")
    last = await t.consults("1001")
    await t.mine.rtp.press("*3")
    await t.story.tells("CallStatus 1000 ANSWERED, 1001 ANSWER, 1002 ANSWER")
    await t.restart()
    await t.mine.hangup()
    await t.story.tells(*LEFT)
    await t.theirs.hears(700)
    await last.rtp.press("*3")
    await t.story.tells("Tranfer", "CallStatus 1000 HOLD, 1002 ANSWER")
    await last.rtp.press("1003")
    await t.story.tells("CallStatus 1002 ALERT, 1003 RING", "1003 Ringing")
    await t.restart()
    fourth = await t.phones[3].incoming()
    await fourth.answer()
    await t.story.tells("CallStatus 1002 ANSWERED, 1003 ANSWER", "1003 Busy")
    await last.rtp.press("*1")
    await t.story.tells("CallStatus 1003 BYE")
    await t.story.tells_in_any_order("1003 Registered", "CallStatus 1000 ANSWERED, 1002 ANSWER")
    await t.theirs.hangup()
    await t.story.tells("CallStatus 1000 BYE")
    await t.story.tells_in_any_order("1000 Registered", "CallStatus 1002 BYE", "1002 Registered")
    await t.story.tells("NewCdr 1000 1001 ANSWERED Internal")
    await t.story.ends()


# Whom it is for ---------------------------------------------------------------------------------------


async def test_a_queue_is_asked(pbx: TestPbx) -> None:
    t = await begin(pbx, "1000")
    await t.asks("1000", "6700")
    await eventually(lambda: {"1002 Ringing", "1003 Ringing"} <= set(steps(pbx.receiver.events)), "all told")
    before = sorted(str(member) for member in t.members())
    await pbx.restart_control()
    assert sorted(str(member) for member in t.members()) == before
    pbx.receiver.clear()
    story = Story(pbx)
    last = await t.phones[2].incoming()
    await last.answer()
    await story.tells("CallStatus 1000 ANSWERED/6700, 1002 ANSWER/6700", "1002 Busy")
    await story.tells("CallStatus 1003 BYE/6700", "1003 Registered")
    await last.hangup()
    await story.tells("CallStatus 1002 BYE/6700")
    await story.tells_in_any_order("1002 Registered", "CallStatus 1000 ANSWERED, 1001 ANSWER")
    await t.theirs.hangup()
    await story.tells(*end_of_talk("1001", "1000", "1000 1001 ANSWERED Internal"))
    await story.ends()


async def test_an_ivr_is_asked(pbx: TestPbx) -> None:
    t = await begin(pbx, "1001")
    await t.asks("1001", "6500")
    await t.story.tells("CallStatus 1001 ANSWERED/6500")
    await t.restart()
    await t.mine.rtp.press("1")
    await t.story.tells("CallStatus 1001 ALERT/6500, 1002 RING/6500", "1002 Ringing")
    await t.restart()
    last = await t.phones[2].incoming()
    await last.answer()
    await t.story.tells("CallStatus 1001 ANSWERED/6500, 1002 ANSWER/6500", "1002 Busy")
    await last.hangup()
    await t.story.tells("CallStatus 1002 BYE/6500")
    await t.story.tells_in_any_order("1002 Registered", "CallStatus 1000 ANSWERED, 1001 ANSWER")
    await t.theirs.hangup()
    await t.story.tells(*end_of_talk("1000", "1001", "1000 1001 ANSWERED Internal"))
    await t.story.ends()
