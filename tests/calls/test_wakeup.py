"""Wake-up calls rung at real phones: when, what is heard, how often, what is told and written down."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from offhook.areas.wakeup import store as rows
from offhook.clock import Clock
from tests.calls.test_dial import asks_to_answer
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Time:
    """Moves the PBX's clock; the real one runs on beneath."""

    def __init__(self, pbx: TestPbx) -> None:
        self.pbx = pbx
        self.ahead = 0.0
        pbx.core.clock.now = self.now  # type: ignore[method-assign]

    def now(self) -> float:
        """Seconds since the epoch, as the PBX is told."""
        return Clock().now() + self.ahead

    def in_minutes(self, minutes: int) -> str:
        """The time of day so many whole minutes on."""
        then = datetime.datetime.fromtimestamp(self.now() + minutes * 60, datetime.UTC)
        return f"{then:%H:%M}"

    def go(self, minutes: float) -> None:
        """Let minutes pass at once."""
        self.ahead += minutes * 60


async def journal(pbx: TestPbx) -> list[Any]:
    """Every try so far, the first one first."""
    return sorted(await pbx.core.store.read(lambda c: rows.journal(c, limit=1000)), key=lambda one: one.id)


async def test_a_wake_up_call_rings_plays_its_prompt_and_is_written_down(pbx: TestPbx) -> None:
    time = Time(pbx)
    await pbx.extension("1000")
    phone = await pbx.phone("1000")
    await pbx.prompt("morning", 1200, 0.6)
    await pbx.quiet()
    pbx.receiver.clear()
    wakeup = {"time": time.in_minutes(2), "type": "onetime", "repeats": 3, "repeatinterval": 5}
    await pbx.client.ok("wakeupcall/create", {"number": "1000", "wakeup": [{**wakeup, "prompt": "morning"}]})
    time.go(2)
    call = await phone.incoming()
    assert not asks_to_answer(call)
    assert "sip:wakeup@" in call.shown
    await call.answer()
    await call.hears(1200)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events) == [
        "CallStatus 1000 RING",
        "1000 Ringing",
        "CallStatus 1000 ANSWER",
        "1000 Busy",
        "CallStatus 1000 BYE",
        "1000 Registered",
        "NewCdr wakeup 1000 ANSWERED Internal",
    ]
    (one,) = await journal(pbx)
    assert (one.number, one.ring, one.outcome, one.cause) == ("1000", 1, "answered", "")
    assert one.answered <= one.ended, "by the engine's clock, which nobody has moved"
    assert await pbx.client.ok("wakeupcall/query", {"number": "1000"}) == {"status": "Success"}
