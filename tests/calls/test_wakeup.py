"""Wake-up calls rung at real phones: when, what is heard, how often, what is told and written down."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.wakeup import store as rows
from offhook.clock import Clock
from tests.calls.test_dial import asks_to_answer
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

TONE = 1200  # of the prompt
DEFAULTS = {
    "ringtime": 45,
    "playtime": 120,
    "saytime": False,
    "autoanswer": False,
    "everyring": False,
    "latest": 10,
}


class Desk:
    """A hotel's desk; it moves the PBX's clock, the real one runs on beneath."""

    def __init__(self, pbx: TestPbx) -> None:
        self.pbx = pbx
        self.ahead = 0.0
        before = pbx.core.clock.monotonic
        pbx.core.clock.now = self.now  # type: ignore[method-assign]
        # it stays ahead after the test, as it must never step back
        pbx.core.clock.monotonic = lambda: before() + self.ahead  # type: ignore[method-assign]

    def now(self) -> float:
        """Seconds since the epoch, as the PBX is told."""
        return Clock().now() + self.ahead

    def go(self, minutes: float) -> None:
        """Let minutes pass at once."""
        self.ahead += minutes * 60

    async def set(self, **settings: Any) -> None:
        """The operator's settings."""
        await self.pbx.admin("PATCH", "/settings/wakeup", settings)

    async def room(self, number: str, phones: int = 1, **fields: str) -> list[Phone]:
        """A room with its phones."""
        await self.pbx.extension(number, maxregistrations=str(phones), **fields)
        return [await self.pbx.phone(number) for _ in range(phones)]

    async def wake(self, number: str, minutes: int = 2, **fields: Any) -> None:
        """A wake-up call with the prompt so many whole minutes on."""
        then = datetime.datetime.fromtimestamp(self.now() + minutes * 60, datetime.UTC)
        wish = {"time": f"{then:%H:%M}", "type": "onetime", "repeats": 1, "repeatinterval": 5}
        wish |= {"prompt": "morning", **fields}
        await self.pbx.quiet()
        self.pbx.receiver.clear()
        await self.pbx.client.ok("wakeupcall/create", {"number": number, "wakeup": [wish]})

    async def journal(self) -> list[Any]:
        """Every try so far, the first one first."""
        found = await self.pbx.core.store.read(lambda c: rows.journal(c, limit=1000))
        return sorted(found, key=lambda one: one.id)

    async def tries(self, count: int) -> list[tuple[str, int, str, str]]:
        """So many tries that are over: extension, ring, outcome, cause."""
        await eventually(lambda: len(self.pbx.receiver.named("NewCdr")) >= count, f"{count} records", 15)
        entries = await self.journal()
        return [(one.number, one.ring, one.outcome, one.cause) for one in entries]

    async def alarms(self) -> dict[str, str]:
        """The alarms about wake-up calls that stand."""
        listed = (await self.pbx.admin("GET", "/alarms"))["items"]
        return {
            one["key"]: one["text"] for one in listed if one["active"] and one["key"].startswith("wakeup")
        }

    async def left(self) -> list[str]:
        """The days for which wake-up calls are still set."""
        return [alarm.day for alarm in await self.pbx.core.store.read(rows.select)]


async def speaks(call: Call) -> None:
    """Wait until something is heard."""
    await eventually(lambda: call.rtp.level > 300, "something is heard")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(pbx: TestPbx) -> AsyncIterator[Desk]:
    """The desk; the prompt `morning` is a tone."""
    desk = Desk(pbx)
    await pbx.core.store.write("test", lambda unit: rows.journal_forget(unit.connection, 1e12))
    await pbx.prompt("morning", TONE, 0.6)
    yield desk
    del pbx.core.clock.now
    await desk.set(**DEFAULTS)


async def test_a_wake_up_call_rings_plays_its_prompt_and_is_written_down(desk: Desk) -> None:
    (phone,) = await desk.room("1000")
    await desk.wake("1000", repeats=3)
    desk.go(2)
    call = await phone.incoming()
    assert not asks_to_answer(call)
    assert "sip:wakeup@" in call.shown
    await call.answer()
    await call.hears(TONE)
    await call.hangup()
    assert await desk.tries(1) == [("1000", 1, "answered", "")]
    assert steps(desk.pbx.receiver.events) == [
        "CallStatus 1000 RING",
        "1000 Ringing",
        "CallStatus 1000 ANSWER",
        "1000 Busy",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "NewCdr wakeup 1000 ANSWERED Internal",
    ]
    (one,) = await desk.journal()
    assert one.answered <= one.ended, "by the engine's clock, which nobody has moved"
    assert await desk.pbx.client.ok("wakeupcall/query", {"number": "1000"}) == {"status": "Success"}


async def test_all_phones_ring_in_spite_of_dnd_and_forwards_until_one_answers(desk: Desk) -> None:
    await desk.set(ringtime=1)
    forwards = {"alwaysforward": "on", "atransferto": "Voicemail"}
    one, two = await desk.room("1000", 2, dnd="on", hasvoicemail="on", **forwards)
    await desk.wake("1000", type="everyday")
    (today,) = await desk.left()
    desk.go(2)
    for phone in (one, two):
        call = await phone.incoming()
        await call.over()
    assert await desk.tries(1) == [("1000", 1, "unanswered", "nobody answered")]
    assert steps(desk.pbx.receiver.events) == [
        "CallStatus 1000 RING",
        "1000 Ringing",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "CallFailed 603 Declined: 1000",
        "NewCdr wakeup 1000 NO ANSWER Internal",
    ]
    desk.go(4)
    await desk.pbx.quiet(0.6)
    assert len(await desk.journal()) == 1, "the interval is not over"
    desk.go(1)
    rung, taken = await one.incoming(), await two.incoming()
    await taken.answer()
    await taken.hears(TONE)
    await rung.over()
    await taken.hangup()
    assert (await desk.tries(2))[1] == ("1000", 2, "answered", "")
    (tomorrow,) = await desk.left()
    assert tomorrow > today


async def test_what_cannot_ring_is_repeated_and_a_late_one_is_missed(desk: Desk) -> None:
    """Of an extension without a phone, one that refuses, and one that rings when it is too late."""
    await desk.pbx.extension("1000")
    (busy,) = await desk.room("1001")
    busy.auto_refuse = 486
    await desk.wake("1000,1001", repeats=1)
    desk.go(2)
    found = await desk.tries(2)
    assert sorted(found) == [
        ("1000", 1, "unanswered", "no phone is registered"),
        ("1001", 1, "unanswered", "busy"),
    ]
    phone, busy.auto_refuse = await desk.pbx.phone("1000"), 0
    busy.forget_calls()
    await desk.pbx.quiet()
    desk.pbx.receiver.clear()
    desk.go(5)
    for one in (phone, busy):
        call = await one.incoming()
        await call.answer()
        await call.hears(TONE)
        await call.hangup()
    found = (await desk.tries(2))[2:]
    assert sorted(found) == [("1000", 2, "answered", ""), ("1001", 2, "answered", "")]
    await desk.wake("1000", minutes=2, repeats=1, repeatinterval=11)
    desk.go(13)
    call = await phone.incoming()
    await call.answer()
    await call.hears(TONE)
    await call.hangup()
    await desk.tries(1)
    missed, rung = (await desk.journal())[4:]
    assert (missed.ring, missed.outcome, missed.callid) == (1, "missed", "")
    assert (rung.ring, rung.outcome) == (2, "answered")
    assert not await desk.alarms(), "who was woken in the end needs nobody"


async def test_who_is_not_woken_is_an_alarm_until_the_guest_leaves(desk: Desk) -> None:
    (busy,) = await desk.room("1000")
    busy.auto_refuse = 486
    await desk.wake("1000", repeats=1)
    desk.go(2)
    await desk.tries(1)
    assert not await desk.alarms()
    desk.go(5)
    await desk.tries(2)
    ((key, text),) = (await desk.alarms()).items()
    assert key == "wakeup:1000"
    assert text.endswith(": busy, 2 rings")
    await desk.pbx.client.ok("hotel/checkout", {"number": "1000"})
    assert not await desk.alarms()


async def test_the_operators_choices(desk: Desk) -> None:
    """Phones open by themselves, and hear the time and then the prompt at every ring that was asked for."""
    await desk.set(saytime=True, autoanswer=True, everyring=True)
    (phone,) = await desk.room("1000")
    await desk.wake("1000", repeats=1)
    for minutes, ring in ((2, 1), (5, 2)):
        desk.go(minutes)
        call = await phone.incoming()
        assert asks_to_answer(call)
        await call.answer()
        await speaks(call)
        assert not call.rtp.hears(TONE, 0.2)
        await call.hears(TONE)
        await call.hangup()
        assert (await desk.tries(ring))[-1] == ("1000", ring, "answered", "")
    assert await desk.left() == []


async def test_the_default_prompt_is_heard_until_the_operators_limit(desk: Desk) -> None:
    await desk.set(playtime=2)
    (phone,), (neighbour,) = await desk.room("1000"), await desk.room("1001")
    await desk.wake("1000", prompt="", repeats=1)
    desk.go(2)
    call = await phone.incoming()
    for code in ("*4", "*041000"):
        picking_up = await neighbour.call(code)
        assert await picking_up.refused() == 404, "nobody takes it away by a code for picking up"
    assert not call.ended
    await call.answer()
    await speaks(call)
    await call.over()
    assert (await desk.tries(3)) == [("1000", 1, "answered", "")]
    (cdr,) = (one for one in desk.pbx.receiver.named("NewCdr") if one["callfrom"] == "wakeup")
    assert 1 <= int(cdr["talkduraction"]) <= 3


async def test_a_try_goes_on_while_the_control_plane_starts_anew(desk: Desk) -> None:
    """The guest answers at once after the control plane has begun anew."""
    (phone,) = await desk.room("1000")
    await desk.wake("1000", type="everyday", repeats=3)
    (today,) = await desk.left()
    desk.go(2)
    call = await phone.incoming()
    await desk.pbx.restart_control()
    desk.pbx.core.clock.now = desk.now  # type: ignore[method-assign]
    await call.answer()
    await call.hears(TONE)
    await call.hangup()
    assert await desk.tries(1) == [("1000", 1, "answered", "")]
    desk.go(5)
    await desk.pbx.quiet(0.6)
    assert len(await desk.journal()) == 1
    (tomorrow,) = await desk.left()
    assert tomorrow > today
