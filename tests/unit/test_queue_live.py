"""What the control plane remembers of queues: who rests, who is overdue; over restarts and lost links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.queues.agents import QueueAgents
from offhook.areas.queues.engine import names_of, number_of
from offhook.areas.queues.waits import OVERDUE, Waits
from offhook.areas.queues.wrapup import WrapUps
from offhook.asterisk.ami.action import ListAction
from offhook.asterisk.switch import Switch
from offhook.clock import Clock
from offhook.dialplan import views
from offhook.store.metadata import metadata
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork
from tests.support.phone import eventually

LEG = {"Channel": "PJSIP/1001-00000002", "Uniqueid": "1795000000.11", "Linkedid": "1795000000.10"}
CONNECT = {
    "Event": "AgentConnect",
    "MemberName": "1001",
    "Linkedid": LEG["Linkedid"],
    "DestChannel": LEG["Channel"],
    "DestUniqueid": LEG["Uniqueid"],
}
HANGUP = {"Event": "Hangup", **LEG, "ChannelStateDesc": "Up"}


def _fill(unit: UnitOfWork, name: str, **values: object) -> None:
    table = metadata.tables[name]
    plain = {c.name: "" if isinstance(c.type, sa.Text) else 0 for c in table.columns}
    unit.connection.execute(sa.insert(table).values(**{**plain, **values}))


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with agent 1001 in queue 6700, who rests for a second, and in 6701, which wants no rest."""
    opened = open_store(tmp_path / "s.db", views())

    def work(unit: UnitOfWork) -> None:
        _fill(unit, "extensions", number="1001", registername="1001")
        for number, wrapuptime in (("6700", 1), ("6701", 0)):
            _fill(unit, "queues", number=number, wrapuptime=wrapuptime, maxwaittime=1, idannouncement="None")
            _fill(unit, "queue_agents", queue=number, number="1001", static=True)

    await opened.write("fill", work)
    yield opened
    opened.close()


class Refreshes:
    """What the engine was asked to read."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, queues: Iterable[str]) -> None:
        self.asked += queues


async def _rests(store: Store) -> bool:
    both = [await QueueAgents(store).wrapping_up(queue) for queue in ("6700", "6701")]
    assert both[1] == frozenset()
    return both[0] == {"1001"}


async def _comes_to_rest(store: Store) -> None:
    async with asyncio.timeout(5):
        while True:
            if await _rests(store):
                return
            await asyncio.sleep(0.01)


async def test_an_agent_rests_and_the_engine_is_told_of_begin_and_end(store: Store) -> None:
    refresh = Refreshes()
    wrap_ups = WrapUps(store, Clock(), refresh)
    wrap_ups.on_events([CONNECT])
    assert not await _rests(store)
    wrap_ups.on_events([HANGUP])
    await eventually(lambda: refresh.asked == ["6700"], "the engine reads the queue")
    assert await _rests(store)
    await eventually(lambda: refresh.asked == ["6700", "6700"], "and again when he has rested")
    assert not await _rests(store)
    await wrap_ups.close()


async def test_a_rest_outlives_a_restart(store: Store) -> None:
    first = WrapUps(store, Clock(), Refreshes())
    first.on_events([CONNECT, HANGUP])
    await _comes_to_rest(store)
    await first.close()
    refresh = Refreshes()
    second = WrapUps(store, Clock(), refresh)
    second.on_snapshot([])
    await eventually(lambda: refresh.asked == ["6700"], "the end is told by the next control plane")
    assert not await _rests(store)
    await second.close()


@pytest.mark.parametrize("seen", [True, False])
async def test_what_ended_while_the_link_was_down(store: Store, seen: bool) -> None:
    """A talk that began before, and one that only the snapshot shows."""
    wrap_ups = WrapUps(store, Clock(), Refreshes())
    if seen:
        wrap_ups.on_events([CONNECT])
    wrap_ups.on_snapshot([{**LEG, "Application": "AppQueue", "ChannelStateDesc": "Up"}])
    assert not await _rests(store)
    if seen:
        wrap_ups.on_snapshot([])
    else:
        wrap_ups.on_events([HANGUP])
    await _comes_to_rest(store)
    await wrap_ups.close()


class _Engine:
    """An engine in which a caller has waited for a while."""

    def __init__(self, *entries: Mapping[str, str]) -> None:
        self.entries = entries
        self.sent: list[tuple[str, tuple[str, str]]] = []

    async def items(self, _action: ListAction) -> tuple[Mapping[str, str], ...]:
        return self.entries

    async def redirect(self, channel: str, to: tuple[str, str]) -> None:
        self.sent.append((channel, to))


JOIN = {
    "Event": "QueueCallerJoin",
    "Queue": "6700-linear",
    "Channel": "PJSIP/1000-00000001",
    "Uniqueid": "1.1",
}


async def test_who_is_overdue_is_sent_on_and_who_has_left_is_not(store: Store) -> None:
    engine = _Engine()
    waits = Waits(store, cast(Switch, engine))
    waits.on_events([JOIN, {**JOIN, "Uniqueid": "1.2", "Channel": "PJSIP/1002-00000002"}])
    waits.on_events([{"Event": "QueueCallerLeave", "Uniqueid": "1.2"}])
    await eventually(lambda: engine.sent, "he is sent on")
    await asyncio.sleep(0.5)
    assert engine.sent == [("PJSIP/1000-00000001", (OVERDUE, "6700"))]
    await waits.close()


async def test_an_agent_who_answers_stops_the_clock_until_he_is_gone(store: Store) -> None:
    engine = _Engine()
    waits = Waits(store, cast(Switch, engine))
    waits.on_events([JOIN, {"Event": "DialEnd", "DialStatus": "ANSWER", "Uniqueid": "1.1"}])
    assert waits.names() == {"6700-linear"}
    await asyncio.sleep(2)
    assert engine.sent == []
    waits.on_events([{"Event": "AgentDump", "Uniqueid": "1.1"}])
    await eventually(lambda: engine.sent, "he has waited all the time", 0.5)
    await waits.close()


async def test_who_waited_before_a_restart_is_overdue_all_the_same(store: Store) -> None:
    engine = _Engine({**JOIN, "Event": "QueueEntry", "Wait": "30"}, {"Event": "QueueParams", "Queue": "6700"})
    waits = Waits(store, cast(Switch, engine))
    await waits.on_connected()
    await eventually(lambda: engine.sent, "he is sent on at once", 0.5)
    await waits.close()


def test_names_of_a_queue() -> None:
    assert [number_of(name) for name in names_of("6700")] == ["6700", "6700"]
