"""A call told step by step: what the receiver got, compared whole, in order, and looked over at its end.

But for the keys pressed in a talk, which stand where the phone sent them (tests/calls/test_talk_keys.py), and
for who is in a room (tests/calls/test_conferences_live.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

_OF_CALLS = (
    "CallStatus",
    "CallFailed",
    "NewCdr",
    "Tranfer",
    "Forward",
    "DTMF",
    "PlayPromptEnd",
    "satisfaction",
)


class Story:
    """What is told from its making on. Calls of extension 1000 to 1001 are `talk`."""

    def __init__(self, pbx: TestPbx) -> None:
        self.pbx = pbx
        self._read = 0

    @classmethod
    async def begin(cls, pbx: TestPbx) -> Story:
        """Begin when nothing goes on."""
        await pbx.quiet()
        pbx.receiver.clear()
        return cls(pbx)

    async def peek(self, count: int, seconds: float = 12.0) -> list[str]:
        """Wait for the next steps without taking them."""
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: len(self._events()) >= self._read + count, "", seconds)
        return steps(self._events()[self._read : self._read + count])

    async def tells(self, *expected: str, seconds: float = 12.0) -> None:
        """Wait for exactly these steps, and compare. Of neighbouring extension states the order is free."""

        def there() -> bool:
            return len(self._events()) >= self._read + len(expected)

        try:
            await eventually(there, "", seconds)
        except TimeoutError:
            raise AssertionError(f"expected {expected}, told {steps(self._events()[self._read :])}") from None
        events = self._events()
        told = steps(events[self._read : self._read + len(expected)])
        self._read += len(expected)
        if _ordered(told) != _ordered(list(expected)):
            rest = steps(events[self._read :])
            raise AssertionError(f"expected {list(expected)}, told {told}, then {rest}")

    async def tells_in_any_order(self, *expected: str) -> None:
        """Wait for exactly these steps, in whatever order."""
        told = await self.peek(len(expected))
        if sorted(told) != sorted(expected):
            raise AssertionError(f"expected {list(expected)}, told {told}")
        self._read += len(expected)

    async def ends(self) -> None:
        """Wait until all is quiet: nothing more was told, each call has one record, its last word."""
        await self.pbx.quiet()
        events = self._events()
        if rest := steps(events[self._read :]):
            raise AssertionError(f"expected nothing more, told {rest}")
        records = Counter(event["callid"] for event in self.pbx.receiver.named("NewCdr"))
        assert set(records.values()) == {1}
        told = {event["callid"] for event in events if event["event"] in _OF_CALLS}
        assert told == set(records)
        for callid in told:
            assert self.pbx.receiver.of_call(callid)[-1]["event"] == "NewCdr"
        snapshot = await self.pbx.pbx.switch.snapshot()
        assert [channel["Channel"] for channel in snapshot.channels] == []

    def _events(self) -> list[dict[str, Any]]:
        return [event for event in self.pbx.receiver.events if not _stands_apart(event)]

    def callids(self) -> list[str]:
        """The calls that were told, in the order of their first events."""
        return list(dict.fromkeys(event["callid"] for event in self.pbx.receiver.events if "callid" in event))


def _stands_apart(event: dict[str, Any]) -> bool:
    key = event["event"] == "DTMF" and "info" in event and "callpath" not in str(event["members"])
    return key or event["event"] == "ConferenceStatus"


def _ordered(told: list[str]) -> list[str]:
    """The steps with neighbouring extension states sorted."""
    ordered: list[str] = []
    run: list[str] = []
    for step in [*told, ""]:
        if step and not step.startswith(_OF_CALLS):
            run.append(step)
            continue
        ordered += [*sorted(run), step]
        run = []
    return ordered[:-1]


TALK = (
    "1000 Busy",
    "CallStatus 1000 ALERT, 1001 RING",
    "1001 Ringing",
    "CallStatus 1000 ANSWERED, 1001 ANSWER",
    "1001 Busy",
)


def end_of_talk(first: str, then: str, record: str, path: str = "") -> tuple[str, ...]:
    """How a talk of two ends: who hangs up first comes first. Outside parties have no state of a phone."""
    said = [f"CallStatus {who} BYE{path}" for who in (first, then)]
    states = [f"{who} Registered" for who in (first, then) if ">" not in who]
    return (*said, *states, f"NewCdr {record}")


async def phones(pbx: TestPbx, *numbers: str, **fields: dict[str, str]) -> list[Phone]:
    """Phones with tones of 440, 570, 700 Hz; `fields` are settings of their extensions by `e<number>`."""
    phones = []
    for at, number in enumerate(numbers):
        await pbx.extension(number, **fields.get(f"e{number}", {}))
        phones.append(await pbx.phone(number, frequency=440 + 130 * at))
    return phones


async def outside(pbx: TestPbx, **fields: str) -> Carrier:
    """A carrier whose calls go to 1001, and over whom 1000 to 1002 call out with 9 before the number."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1001", **fields}
    await pbx.client.ok("inroute/add", route)
    numbers = [one["number"] for one in (await pbx.client.ok("extension/list"))["extlist"]]
    out = {"name": "out", "prefix": "9X.", "strip": "1", "trunks": "siptrunk"}
    await pbx.client.ok("outroute/add", {**out, "extensions": ",".join(numbers)})
    return carrier


async def talk_of_two(story: Story, one: Phone, two: Phone) -> tuple[Call, Call]:
    """1000 talks with 1001, whom it has called."""
    call = await one.call("1001")
    talk = await two.incoming()
    await story.tells(*TALK[:3])
    await talk.answer()
    await story.tells(*TALK[3:])
    await call.hears(two.frequency)
    await talk.hears(one.frequency)
    return call, talk


async def stays(condition: Callable[[], bool], what: str, seconds: float = 1.5) -> None:
    """Something is so for a while: for what must not happen, which no wait can prove."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if not condition():
            raise AssertionError(f"it is not so any more: {what}")
        await asyncio.sleep(0.05)


RANG = ("CallStatus 1000 ALERT, 1001 RING", "1001 Ringing")
LEFT = ("CallStatus 1001 BYE", "1001 Registered")
