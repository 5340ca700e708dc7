"""A record waits for a picture that is behind the engine, and a failing store costs and doubles none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.records.service import LINK_SECONDS, RELEASE_SECONDS, RecordKeeper
from offhook.areas.records.tables import cdr
from offhook.clock import ManualClock
from offhook.events.api import NewCdr
from offhook.store import unit as unit_module
from offhook.store.errors import StoreError
from offhook.store.migrate import open_store

CALL = "1795000000.10"


class Desk:
    """A keeper of records with a file of rows, a clock and a picture that a test moves."""

    def __init__(self, data: Path) -> None:
        self.path = data / "cel.json"
        self.clock = ManualClock()
        self.store = open_store(data / "offhook.db", ())
        self.told: list[str] = []
        self.behind = 0.0
        self.unseen: list[str] = []
        self.keeper = RecordKeeper(self.store, self.path, self.clock, ZoneInfo("UTC"), self._publish)
        self.keeper.follow_picture(lambda: self.behind, self._end)

    def _publish(self, unit: unit_module.UnitOfWork, event: object) -> None:
        assert isinstance(event, NewCdr)
        callid = event.callid
        unit.after_commit(lambda: self.told.append(callid))

    def _end(self, callid: str) -> None:
        self.unseen.append(callid)
        self.keeper.call_ended(callid)

    def call(self, callid: str = CALL) -> None:
        """The engine writes the rows of a whole call."""
        with self.path.open("a") as file:
            for at, kind in enumerate(("CHAN_START", "ANSWER", "HANGUP", "CHAN_END", "LINKEDID_END")):
                row = {
                    "eventtype": kind,
                    "eventtime": str(1795000000 + at),
                    "num": "1000",
                    "exten": "1001",
                    "context": "from-extension",
                    "channame": "PJSIP/1000-00000001",
                    "uniqueid": callid,
                    "linkedid": callid,
                }
                file.write(json.dumps(row) + "\n")

    async def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, and do what the keeper does in each turn."""
        self.clock.advance(seconds)
        await self.keeper.read()
        await self.keeper._release()

    async def stored(self) -> list[str]:
        """The callids of the records."""
        return await self.store.read(lambda c: list(c.execute(sa.select(cdr.c.callid)).scalars()))


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    await made.keeper.load()
    yield made
    made.store.close()


async def test_no_record_goes_before_the_picture_has_seen_the_end(desk: Desk) -> None:
    desk.call()
    await desk.turn()
    desk.behind = 30.0
    await desk.turn(RELEASE_SECONDS * 2)
    assert desk.told == [], "the events of its end may still come"
    desk.keeper.call_ended(CALL)
    await desk.turn()
    assert desk.told == [CALL]
    assert desk.keeper.violations == 0


async def test_a_picture_that_is_in_step_and_knows_nothing_is_a_violation(desk: Desk) -> None:
    desk.call()
    await desk.turn()
    await desk.turn(RELEASE_SECONDS + 0.1)
    assert desk.told == [CALL]
    assert desk.keeper.violations == 1
    assert desk.unseen == []


async def test_without_a_link_for_long_the_picture_is_told_the_end_first(desk: Desk) -> None:
    desk.call()
    await desk.turn()
    desk.behind = LINK_SECONDS * 2
    await desk.turn(LINK_SECONDS + 1)
    assert desk.unseen == [CALL]
    assert desk.told == [CALL]


async def test_a_store_that_fails_for_a_while_costs_and_doubles_no_record(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_module, "PATIENCE_SECONDS", 0.0)
    before, after = "1795000000.20", "1795000000.30"
    with desk.path.open("a") as file:  # a call that goes on keeps the position before all that follows
        row = {"eventtype": "CHAN_START", "eventtime": "1.0", "channame": "PJSIP/1-00000001"}
        file.write(json.dumps({**row, "uniqueid": "1.1", "linkedid": "1.1"}) + "\n")
    desk.call(before)
    await desk.turn()
    desk.keeper.call_ended(before)
    await desk.turn()
    assert desk.told == [before]
    with closing(sqlite3.connect(tmp_path / "offhook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        desk.call(after)
        await desk.turn()
        desk.keeper.call_ended(after)
        for _ in range(3):
            with pytest.raises(StoreError):
                await desk.turn(RELEASE_SECONDS)
    await desk.turn()
    await desk.turn(RELEASE_SECONDS * 2)
    assert desk.told == [before, after]
    assert sorted(await desk.stored()) == [before, after]
    assert desk.keeper.violations == 0
