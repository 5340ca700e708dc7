"""The runner without an engine: order, rate, people first, an engine that is away or refuses, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.control.launch import Launcher, NewCall
from offhook.areas.control.live import LiveCalls
from offhook.areas.extensions.tables import extensions
from offhook.areas.pbxsettings.wakeup_settings import WAKEUP
from offhook.areas.records.tables import call_intents
from offhook.areas.wakeup import runner as module
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup.misses import Misses
from offhook.areas.wakeup.model import EVERYDAY, ONETIME, Wish
from offhook.areas.wakeup.runner import WakeupRunner
from offhook.areas.wakeup.service import WakeupService
from offhook.asterisk.switch import Pace, Switch
from offhook.clock import SETTLE_SECONDS, ManualClock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.ledger import CallRecord
from offhook.ledger.rows import CelRow
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork
from tests.support.waiting import eventually

ZONE = ZoneInfo("UTC")
ROOMS = tuple(str(2000 + n) for n in range(40))
WISH = Wish(time="06:30", type=EVERYDAY, repeats=1, repeatinterval=5)


@dataclass
class Engine:
    """What the runner sees of the engine; `begun` are the calls, `refuses` what it says instead."""

    store: Store
    healthy: bool = True
    crowded: bool = False
    refuses: ContractError | None = None
    begun: list[NewCall] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)

    @property
    def picture(self) -> Engine:
        return self

    async def launch(self, new: NewCall, also: Callable[[UnitOfWork, str], None]) -> str:
        callid = f"1.{len(self.begun) + 1}"

        def promise(unit: UnitOfWork) -> None:
            also(unit, callid)
            intent = {"callid": callid, "caller": new.caller, "callee": new.callee, "created": 0.0}
            unit.connection.execute(sa.insert(call_intents).values(intent))

        await self.store.write("intent", promise)
        if self.refuses is not None:
            await self.store.write(
                "withdrawn", lambda u: u.connection.execute(sa.delete(call_intents)).rowcount
            )
            raise self.refuses
        self.begun.append(new)
        self.times.append(asyncio.get_running_loop().time())
        self.calls[callid] = new.callee
        return callid

    @property
    def rung(self) -> list[str]:
        return [new.callee for new in self.begun]


class Book:
    """The alarms: what was `raised`, what is raised `now`, and up to when old ones were `over`."""

    def __init__(self) -> None:
        self.raised: list[str] = []
        self.now: set[str] = set()
        self.over = 0.0

    def raise_in(self, _unit: UnitOfWork, key: str, text: str) -> None:
        self.raised.append(text)
        self.now.add(key)

    def settle_in(self, _unit: UnitOfWork, keys: Sequence[str], _text: str) -> None:
        self.now -= set(keys)

    def settle_old_in(self, _unit: UnitOfWork, kind: str, before: float, _text: str) -> None:
        assert kind == "wakeup"
        self.over = before


class Night:
    """A night at the desk."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.engine = store, ManualClock(1_705_200_000.0), Engine(store)
        self.settings = SettingsRows(store)
        self.service = WakeupService(store, self.clock, ZONE, lambda _name: True)
        self.book = Book()
        misses = Misses(self.book, lambda _connection: bool(self.settings.now["alarm"]))
        self.runner = WakeupRunner(
            store,
            self.clock,
            self.service,
            cast(Any, self.settings),
            cast(Launcher, self.engine),
            cast(Switch, self.engine),
            cast(LiveCalls, self.engine),
            misses,
            prompt_exists=lambda name: name == "morning",
            capacity=50,
        )

    async def set(self, wish: Wish, *numbers: str) -> float:
        which = Selection(every=False, names=numbers)
        await self.store.write("test", lambda unit: self.service.create_in(unit, which, wish))
        return max(alarm.at for alarm in await self.store.read(rows.select))

    async def outcomes(self) -> list[tuple[int, str]]:
        found = await self.store.read(lambda c: rows.journal(c, limit=100))
        return [(one.ring, one.outcome) for one in reversed(found)]

    async def record(self, callid: str, status: str, end: str = "") -> None:
        """The call's record comes."""
        record = CallRecord(
            callid=callid,
            started=self.clock.now(),
            callfrom="wakeup",
            callto="2000",
            dialled="2000",
            call_seconds=1,
            talk_seconds=0,
            status=status,  # type: ignore[arg-type]
            type="Internal",
        )
        row = CelRow("OFFHOOK_WAKEUP_END", 1.0, "", "", "", "", callid, callid, {}, end)
        cel = (row,) if end else ()
        await self.store.write("record", lambda unit: self.runner.on_record(unit, record, cel))


class SettingsRows:
    """The settings; a test changes `now`."""

    def __init__(self, store: Store) -> None:
        self.now = {**WAKEUP.defaults, "rate": 50}

    async def get(self, _section: object) -> dict[str, Any]:
        return self.now

    def get_in(self, _connection: sa.Connection, _section: object) -> dict[str, Any]:
        return self.now


@pytest_asyncio.fixture
async def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Night]:
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.01)
    store = open_store(tmp_path / "s.db", [])
    values: dict[str, Any] = {
        column.name: False if isinstance(column.type, sa.Boolean) else "" for column in extensions.columns
    }
    values |= {"maxregistrations": 1, "ringtimeout": 30}
    many = [{**values, "number": number, "registername": number} for number in ROOMS]
    await store.write("test", lambda unit: unit.connection.execute(sa.insert(extensions), many).rowcount)
    night = Night(store)
    await night.runner.start()
    yield night
    await night.runner.close()
    store.close()


async def _still(seconds: float = 0.15) -> None:
    """Let the runner look a dozen times."""
    await asyncio.sleep(seconds)


async def test_it_rings_when_the_time_has_come_and_not_before(night: Night) -> None:
    at = await night.set(Wish(time="06:30", type=EVERYDAY, prompt="morning"), "2000")
    night.clock.advance(at - night.clock.now() - 1)
    await _still()
    assert night.engine.rung == []
    night.clock.advance(1)
    await eventually(lambda: night.engine.rung == ["2000"], "it rings")
    (new,) = night.engine.begun
    assert new.channel == "Local/2000@offhook-wakeup"
    assert (new.variables["__OFFHOOK_PROMPT"], new.variables["__OFFHOOK_RING"]) == ("morning", "45")
    await _still()
    assert len(night.engine.begun) == 1, "and once"


async def test_a_prompt_that_has_gone_is_the_default(night: Night) -> None:
    at = await night.set(Wish(time="06:30", type=EVERYDAY, prompt="gone"), "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: night.engine.begun, "it rings")
    assert night.engine.begun[0].variables["__OFFHOOK_PROMPT"] == ""


async def test_many_at_once_ring_at_the_rate_that_is_set_the_longest_due_first(night: Night) -> None:
    night.settings.now["rate"] = 40
    await night.set(WISH, *ROOMS[1:20])
    at = await night.set(Wish(time="06:29", type=EVERYDAY), ROOMS[0])
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 20, "all ring")
    assert night.engine.rung == list(ROOMS[:20])
    taken = night.engine.times[-1] - night.engine.times[0]
    assert taken >= 19 / 40 - 0.05


async def test_people_s_calls_come_first(night: Night) -> None:
    at = await night.set(WISH, "2000", "2001")
    night.engine.crowded = True
    night.clock.advance(at - night.clock.now())
    await _still()
    assert night.engine.rung == []
    night.engine.crowded = False
    night.engine.calls = {str(n): "1000" for n in range(40)}  # of 50 that the machine carries
    await _still()
    assert night.engine.rung == []
    del night.engine.calls["0"]
    await eventually(lambda: night.engine.rung == ["2000"], "one has room")
    await _still()
    assert len(night.engine.begun) == 1


async def test_while_the_engine_is_away_it_waits_and_what_gets_too_late_is_missed(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.engine.healthy = False
    night.clock.advance(at - night.clock.now() + 599)
    await _still()
    assert await night.outcomes() == []
    night.clock.advance(2)
    for _ in range(100):
        if await night.outcomes():
            break
        await asyncio.sleep(0.02)
    assert await night.outcomes() == [(1, "missed")]
    night.engine.healthy = True
    await eventually(lambda: night.engine.rung == ["2000"], "the second ring, five minutes after the first")
    assert await night.outcomes() == [(1, "missed"), (2, "ringing")]


async def test_a_clock_set_wrong_and_put_right_costs_no_wake_up_call(night: Night) -> None:
    at = await night.set(Wish(time="06:30", type=ONETIME), *ROOMS[:5])
    await night.set(WISH, *ROOMS[5:10])
    night.clock.set_by(30 * 86400)
    night.clock.advance(module._DOUBT_SECONDS - 1)
    await _still()
    assert (night.engine.rung, await night.outcomes()) == ([], [])
    assert not night.book.raised
    night.clock.set_by(-30 * 86400)
    await _still()
    assert {alarm.at for alarm in await night.store.read(rows.select)} == {at}
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: sorted(night.engine.rung) == sorted(ROOMS[:10]), "all ring, at their time")
    await _still()
    assert len(night.engine.begun) == 10, "and once"


async def test_after_minutes_what_a_clock_set_forward_made_late_is_missed(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.clock.set_by(at - night.clock.now() + 3600)
    await _still()
    late = await night.set(Wish(time=f"{7 + 1}:00", type=ONETIME), "2001")
    night.clock.advance(module._DOUBT_SECONDS)
    for _ in range(100):
        if len(await night.outcomes()) == 2:
            break
        await asyncio.sleep(0.02)
    assert await night.outcomes() == [(1, "missed"), (2, "missed")]
    night.clock.set_by(-3600 - 1800)
    await _still()
    times = {alarm.number: alarm.at for alarm in await night.store.read(rows.select)}
    assert times == {"2000": at, "2001": late}, "the day that was missed is still to come"


async def test_what_is_due_while_the_clock_is_doubted_rings_though_many_are_late(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FOUND", 5)
    await night.set(WISH, *ROOMS[:20])
    at = await night.set(Wish(time="07:30", type=EVERYDAY), "2030")
    night.clock.set_by(at - night.clock.now())
    await eventually(lambda: night.engine.rung == ["2030"], "it rings")
    assert await night.outcomes() == [(1, "ringing")]


async def test_a_clock_put_back_does_not_ring_again(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 1, "it rings")
    await night.record("1.1", "NO ANSWER", "noanswer")
    night.clock.set_by(-3600)
    await _still()
    night.clock.advance(301)
    await eventually(lambda: len(night.engine.begun) == 2, "the second ring, after as long as it was set")
    await night.record("1.2", "ANSWERED")
    night.clock.advance(2 * 3600)
    await _still()
    assert len(night.engine.begun) == 2, "06:30 has come once more"
    assert [alarm.at for alarm in await night.store.read(rows.select)] == [at + 86400]


async def test_what_the_engine_refuses_is_tried_again_after_a_while(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.engine.refuses = ContractError(Errno.ENGINE_REFUSED, "no")
    night.clock.advance(at - night.clock.now())
    for _ in range(100):
        if await night.outcomes() == [(1, "broken")]:
            break
        await asyncio.sleep(0.02)
    night.engine.refuses = None
    await _still()
    assert night.engine.rung == [], "not at once"
    night.clock.advance(10)
    await eventually(lambda: night.engine.rung == ["2000"], "it rings")
    assert await night.outcomes() == [(1, "broken"), (1, "ringing")]


async def test_the_record_leads_on(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 1, "it rings")
    await night.record("1.1", "NO ANSWER")
    await _still()
    assert len(night.engine.begun) == 1, "what was broken off rests for a moment"
    night.clock.advance(2)
    await eventually(lambda: len(night.engine.begun) == 2, "and rings again")
    await night.record("1.2", "NO ANSWER", "noanswer")
    await _still()
    assert len(night.engine.begun) == 2
    night.clock.advance(300)
    await eventually(lambda: len(night.engine.begun) == 3, "the second ring")
    await night.record("1.3", "ANSWERED")
    await night.record("9.9", "ANSWERED")  # of no try
    night.clock.advance(3600)
    await _still()
    assert len(night.engine.begun) == 3
    assert await night.outcomes() == [(1, "broken"), (1, "unanswered"), (2, "answered")]


async def test_who_was_not_woken_is_told_once_and_until_he_is(night: Night) -> None:
    at = await night.set(WISH, "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 1, "it rings")
    await night.record("1.1", "NO ANSWER", "noanswer")
    assert not night.book.raised, "it will ring again"
    night.clock.advance(300)
    await eventually(lambda: len(night.engine.begun) == 2, "the second ring")
    await night.record("1.2", "NO ANSWER", "busy")
    assert night.book.raised == ["nobody was woken at 2000, wake-up call 06:30: busy, 2 rings"]
    assert night.book.now == {"wakeup:2000"}
    night.clock.advance(86400 - 300)
    await eventually(lambda: len(night.engine.begun) == 3, "the next day")
    await night.record("1.3", "ANSWERED")
    assert night.book.now == set()


async def test_a_wake_up_call_that_could_not_be_made_is_told_if_that_is_wanted(night: Night) -> None:
    once = Wish(time="06:30", type=ONETIME)
    for wanted, told in ((False, 0), (True, 1)):
        night.settings.now["alarm"] = wanted
        at = await night.set(once, "2000")
        night.clock.advance(at - night.clock.now() + 3600)
        for _ in range(100):
            if not await night.store.read(rows.select):
                break
            await asyncio.sleep(0.02)
        assert len(night.book.raised) == told
    await eventually(lambda: night.book.over > night.clock.now() - 86400 - 3600, "old ones are settled")
    assert night.book.over <= night.clock.now() - 86400
    assert night.book.raised == [
        "nobody was woken at 2000, wake-up call 06:30: the PBX could not ring in time"
    ]


async def test_who_was_woken_once_has_been_woken(night: Night) -> None:
    """Where all repetitions are rung, also after one was answered."""
    night.settings.now["everyring"] = True
    at = await night.set(WISH, "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 1, "it rings")
    await night.record("1.1", "ANSWERED")
    night.clock.advance(300)
    await eventually(lambda: len(night.engine.begun) == 2, "the second ring")
    await night.record("1.2", "NO ANSWER", "noanswer")
    assert not night.book.raised


async def test_a_try_whose_call_is_lost_is_made_anew(night: Night) -> None:
    """Which cannot be: every promised call has its record."""
    at = await night.set(WISH, "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: len(night.engine.begun) == 1, "it rings")
    night.clock.advance(61)
    await _still()
    assert len(night.engine.begun) == 1, "its intent stands"
    await night.store.write("lost", lambda u: u.connection.execute(sa.delete(call_intents)).rowcount)
    night.clock.advance(61)
    await eventually(lambda: len(night.engine.begun) == 2, "it rings again")
    assert await night.outcomes() == [(1, "broken"), (1, "ringing")]


async def test_old_tries_are_forgotten(night: Night) -> None:
    at = await night.set(Wish(time="06:30", type=EVERYDAY), "2000")
    night.clock.advance(at - night.clock.now())
    await eventually(lambda: night.engine.begun, "it rings")
    await night.record("1.1", "ANSWERED")
    await night.store.write("test", lambda unit: night.service.delete_all_in(unit, ["2000"]))
    night.clock.set_by(91 * 86400)
    night.clock.advance(3601)
    await _still()
    assert await night.outcomes() == [(1, "answered")], "the clock may have been set wrong"
    assert night.book.over < at
    night.clock.advance(SETTLE_SECONDS)
    for _ in range(100):
        if not await night.outcomes():
            break
        await asyncio.sleep(0.02)
    assert await night.outcomes() == []


def test_calls_wait_when_more_have_begun_than_the_rate_lets() -> None:
    clock = ManualClock()
    pace = Pace(clock, 10)
    assert not pace.waiting
    assert pace.reserve() == 0.0
    assert not pace.waiting, "the one that has just begun is not in the way"
    pace.reserve()
    assert pace.waiting
    clock.advance(0.11)
    assert not pace.waiting
