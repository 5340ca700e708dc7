"""A try in the store: begun before the engine hears of it, ended with the record, whole after any crash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.records.tables import call_intents, cdr
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup import tries
from offhook.areas.wakeup.model import EVERYDAY, ONETIME, Alarm, Outcome, Rules, State, Wish
from offhook.areas.wakeup.service import WakeupService
from offhook.clock import ManualClock
from offhook.contract.rules import Selection
from offhook.ledger import CallRecord
from offhook.ledger.record import Leg
from offhook.ledger.rows import CelRow
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork

ZONE = ZoneInfo("Europe/Berlin")
RULES = Rules(ZONE)
DUE = 1_705_296_600.0  # Monday, 15 January 2024, 06:30 there
ROOM = Selection(every=False, names=("2003",))
T = TypeVar("T")


class Desk:
    """A store with a room, and what is done in it, each in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock(DUE - 3600)
        self.service = WakeupService(store, self.clock, ZONE, lambda _name: True)

    async def do(self, work: Callable[[UnitOfWork], T]) -> T:
        return await self.store.write("test", work)

    async def make(self, **fields: Any) -> Alarm:
        values = {"time": "06:30", "type": EVERYDAY, "repeats": 1, "repeatinterval": 5, **fields}
        await self.do(lambda unit: self.service.create_in(unit, ROOM, Wish(**values)))
        return (await self.alarms())[-1]

    async def alarms(self) -> list[Alarm]:
        return await self.store.read(rows.select)

    async def begin(self, now: float, callid: str = "1.1") -> Alarm:
        (due,) = await self.store.read(lambda c: rows.due(c, now, 10))

        def work(unit: UnitOfWork) -> Alarm:
            intent = {"callid": callid, "caller": "wakeup", "callee": "2003", "created": now}
            unit.connection.execute(sa.insert(call_intents).values(intent))
            return tries.begin(unit, due.id, now, callid, RULES)

        return await self.do(work)

    async def journal(self) -> list[tuple[int, str, str]]:
        found = await self.store.read(lambda c: rows.journal(c, limit=100))
        return [(one.ring, one.outcome, one.cause) for one in reversed(found)]

    async def settle(self, now: float, status: str, end: str = "", callid: str = "1.1") -> Alarm | None:
        leg = Leg(channel="PJSIP/2003-1", started=now - 9, answered=now - 5, ended=now - 1)
        record = CallRecord(
            callid=callid,
            started=now - 9,
            callfrom="wakeup",
            callto="2003",
            dialled="2003",
            call_seconds=8,
            talk_seconds=4,
            status=status,  # type: ignore[arg-type]
            type="Internal",
            legs=(leg,) if status == "ANSWERED" else (),
        )
        return await self.do(lambda unit: tries.settle(unit, record, cel(end) if end else (), now, RULES))


def cel(note: str) -> tuple[CelRow, ...]:
    row: dict[str, Any] = {
        "num": "",
        "exten": "",
        "context": "",
        "channel": "",
        "uniqueid": "1.1",
        "linkedid": "1.1",
    }
    return (CelRow(type="OFFHOOK_WAKEUP_END", time=1.0, note=note, **row),)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = open_store(tmp_path / "s.db", [])
    with store.engine.connect().execution_options(offhook_write=True) as connection, connection.begin():
        values: dict[str, Any] = {
            column.name: False if isinstance(column.type, sa.Boolean) else "" for column in extensions.columns
        }
        values |= {"number": "2003", "registername": "2003", "maxregistrations": 1, "ringtimeout": 30}
        connection.execute(sa.insert(extensions).values(values))
    yield Desk(store)
    store.close()


async def test_a_try_is_noted_with_its_intent_and_ended_with_its_record(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = await desk.make()
    assert (made.due, made.day, made.zone) == (DUE, "2024-01-15", "Europe/Berlin")
    assert await desk.store.read(lambda c: rows.due(c, DUE - 1, 10)) == []
    assert await desk.store.read(rows.next_moment) == DUE
    await desk.begin(DUE + 1)
    assert await desk.journal() == [(1, "ringing", "")]
    assert await desk.store.read(rows.next_moment) is None, "one under way is not due"
    over = await desk.settle(DUE + 60, "ANSWERED")
    assert over is not None
    assert (over.state, over.day) == (State.WAITING, "2024-01-16")
    (one,) = await desk.store.read(lambda c: rows.journal(c, limit=9))
    assert (one.begun, one.answered, one.ended) == (DUE + 1, DUE + 55, DUE + 59)
    told = [record.getMessage() for record in caplog.records if "wake-up call 1" in record.getMessage()]
    assert told == [
        "wake-up call 1 of 2003: waiting -> due -> ringing, ring 1",
        "wake-up call 1 of 2003: ringing -> answered -> waiting, ring 1",
    ]


@pytest.mark.parametrize(
    ("note", "cause"),
    [
        ("noanswer", "nobody answered"),
        ("busy", "busy"),
        ("unregistered", "no phone is registered"),
        ("unavailable", "the phone could not be reached"),
    ],
)
async def test_an_unanswered_try_has_its_cause_and_is_repeated(desk: Desk, note: str, cause: str) -> None:
    await desk.make(type=ONETIME)
    await desk.begin(DUE + 1)
    again = await desk.settle(DUE + 46, "NO ANSWER", note)
    assert again is not None
    assert (again.state, again.ring, again.at) == (State.PAUSED, 2, DUE + 301)
    await desk.begin(DUE + 301, "1.2")
    over = await desk.settle(DUE + 346, "BUSY", note, callid="1.2")
    assert over is not None
    assert over.state is State.DONE
    assert await desk.alarms() == []
    assert await desk.journal() == [(1, "unanswered", cause), (2, "unanswered", cause)]


async def test_a_call_without_an_end_was_broken_off_and_is_due_at_once(desk: Desk) -> None:
    await desk.make()
    await desk.begin(DUE + 1)
    back = await desk.settle(DUE + 9, "NO ANSWER")
    assert back is not None
    assert (back.state, back.ring, back.at) == (State.WAITING, 1, DUE)
    await desk.begin(DUE + 10, "1.2")
    await desk.settle(DUE + 20, "ANSWERED", callid="1.2")
    assert await desk.journal() == [(1, "broken", "the call was broken off"), (1, "answered", "")]


async def test_the_same_record_twice_counts_once(desk: Desk) -> None:
    await desk.make()
    await desk.begin(DUE + 1)
    await desk.settle(DUE + 46, "NO ANSWER", "busy")
    assert await desk.settle(DUE + 46, "NO ANSWER", "busy") is None
    assert len(await desk.journal()) == 1
    assert (await desk.alarms())[0].ring == 2


async def test_a_try_is_not_begun_twice(desk: Desk) -> None:
    made = await desk.make()
    await desk.begin(DUE + 1)
    with pytest.raises(tries.NotDue):
        await desk.do(lambda unit: tries.begin(unit, made.id, DUE + 1, "1.2", RULES))
    assert len(await desk.journal()) == 1


@pytest.mark.parametrize("change", ["deleted", "moved"])
async def test_what_was_changed_or_deleted_meanwhile_is_not_rung(desk: Desk, change: str) -> None:
    made = await desk.make()
    desk.clock.advance(3700)
    if change == "deleted":
        await desk.do(lambda unit: desk.service.delete_in(unit, ROOM, None))
    else:
        changes = {"time": "08:00", "type": EVERYDAY, "weekdays": ()}
        await desk.do(lambda unit: desk.service.update_in(unit, "2003", made.id, changes))
    with pytest.raises(tries.NotDue):
        await desk.do(lambda unit: tries.begin(unit, made.id, DUE + 100, "1.1", RULES))
    assert await desk.journal() == []


@pytest.mark.parametrize("change", ["deleted", "moved"])
async def test_what_is_changed_while_it_rings_keeps_its_entry_and_its_new_time(
    desk: Desk, change: str
) -> None:
    made = await desk.make()
    await desk.begin(DUE + 1)
    desk.clock.advance(3610)
    if change == "deleted":
        await desk.do(lambda unit: desk.service.delete_in(unit, ROOM, None))
    else:
        changes = {"time": "08:00", "type": EVERYDAY, "weekdays": ()}
        await desk.do(lambda unit: desk.service.update_in(unit, "2003", made.id, changes))
    before = await desk.alarms()
    assert await desk.settle(DUE + 46, "NO ANSWER", "busy") is None
    assert await desk.alarms() == before
    assert [(one.day, one.time) for one in before] == (
        [] if change == "deleted" else [("2024-01-15", "08:00")]
    )
    assert await desk.journal() == [(1, "unanswered", "busy")]


async def test_a_late_one_is_missed_and_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    made = await desk.make(repeats=0, repeatinterval=0)
    await desk.do(lambda unit: tries.miss(unit, made.id, DUE + 3600, "off", RULES))
    assert await desk.journal() == [(1, "missed", "off")]
    assert (await desk.alarms())[0].day == "2024-01-16"
    assert "wake-up call 1 of 2003 at 06:30 missed by 60 min: off" in caplog.text


async def test_a_day_that_was_missed_is_rung_when_the_clock_is_put_back_to_before_it(desk: Desk) -> None:
    await desk.make()
    for ring in (1, 2):
        await desk.do(lambda unit: tries.miss(unit, 1, DUE + 40 * 86400, "late", RULES))
        assert (await desk.alarms())[0].ring == ring % 2 + 1
    assert (await desk.alarms())[0].day == "2024-02-25"
    (back,) = await desk.do(lambda unit: tries.follow_clock(unit, -40 * 86400, DUE - 60, RULES))
    assert (back.at, back.day) == (DUE, "2024-01-15")
    assert await desk.alarms() == [back]


async def test_a_day_of_which_one_ring_was_made_is_over(desk: Desk) -> None:
    await desk.make()
    await desk.begin(DUE + 1)
    await desk.settle(DUE + 46, "BUSY", "busy")
    await desk.do(lambda unit: tries.miss(unit, 1, DUE + 7200, "late", RULES))
    assert (await desk.alarms())[0].last_day == "2024-01-15"


@pytest.mark.parametrize("known", ["intent", "record", "nothing"])
async def test_after_a_crash_a_try_waits_for_its_record_or_is_broken(desk: Desk, known: str) -> None:
    await desk.make()
    await desk.begin(DUE + 1)
    if known != "intent":
        await desk.do(lambda unit: unit.connection.execute(sa.delete(call_intents)).rowcount)
    if known == "record":
        columns = {one.name: 0 if one.type.python_type in {int, float} else "" for one in cdr.columns}
        await desk.do(
            lambda unit: unit.connection.execute(sa.insert(cdr).values({**columns, "callid": "1.1"})).rowcount
        )
    await desk.do(lambda unit: tries.resume(unit, DUE + 20, RULES))
    (one,) = await desk.alarms()
    if known == "nothing":
        assert (one.state, one.at) == (State.WAITING, DUE)
        assert await desk.journal() == [(1, "broken", "the call never began")]
    else:
        assert one.state is State.RINGING
        assert await desk.journal() == [(1, "ringing", "")]


async def test_another_zone_moves_what_is_to_come_and_leaves_what_is_due(desk: Desk) -> None:
    await desk.make()
    await desk.make(time="05:31")
    await desk.begin(DUE - 3000)
    await desk.settle(DUE - 2990, "ANSWERED")
    new_york = Rules(ZoneInfo("America/New_York"))
    moved = await desk.do(lambda unit: tries.resume(unit, DUE + 1, new_york))
    due, done = await desk.alarms()
    assert (due.at, due.zone) == (DUE, "Europe/Berlin"), "it is due by now"
    assert moved == [done]
    assert (done.zone, done.day) == ("America/New_York", "2024-01-16"), "not once more on a day that is over"
    assert done.at == DUE + 1 - 1 + 86400 - 3540 + 6 * 3600
    assert await desk.do(lambda unit: tries.resume(unit, DUE + 2, new_york)) == []


async def test_old_tries_are_forgotten_and_open_ones_are_kept(desk: Desk) -> None:
    await desk.make()
    await desk.begin(DUE + 1)
    await desk.settle(DUE + 46, "NO ANSWER", "busy")
    await desk.begin(DUE + 301, "1.2")
    assert await desk.do(lambda unit: rows.journal_forget(unit.connection, DUE + 1000)) == 1
    assert await desk.journal() == [(2, "ringing", "")]


async def test_the_journal_is_read_by_filters_and_pages(desk: Desk) -> None:
    made = await desk.make(repeats=0, repeatinterval=0)
    for day in range(5):
        now = DUE + day * 86400 + 3600
        await desk.do(lambda unit, now=now: tries.miss(unit, made.id, now, "off", RULES))  # type: ignore[misc]

    async def ids(**filters: Any) -> list[int]:
        return [one.id for one in await desk.store.read(lambda c: rows.journal(c, limit=2, **filters))]

    assert await ids() == [5, 4]
    assert await ids(before=4) == [3, 2]
    assert await ids(since=DUE + 86400, until=DUE + 3 * 86400) == [3, 2]
    assert await ids(number="2003", outcome=Outcome.MISSED) == [5, 4]
    assert await ids(number="2004") == []
    assert await ids(outcome="answered") == []
