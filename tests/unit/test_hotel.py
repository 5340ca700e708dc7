"""When boxes that a check-out has ordered to be emptied are asked for again."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import sqlalchemy as sa

from offhook.areas.hotel.service import HotelService
from offhook.areas.hotel.tables import box_emptyings
from offhook.asterisk.switch import EngineUnreachable
from offhook.clock import Clock
from offhook.store.migrate import open_store
from tests.support.waiting import eventually


async def test_a_box_is_emptied_at_last_whatever_fails_and_once_more_later(tmp_path: Path) -> None:
    store, clock = open_store(tmp_path / "offhook.db", []), Clock()
    emptied: list[float] = []
    failures: list[Exception] = [EngineUnreachable("away"), RuntimeError("the disk is full")]

    async def empty(number: str, _until: float) -> None:
        assert number == "1000"
        if failures:
            raise failures.pop(0)
        emptied.append(clock.now())

    hotel = HotelService(
        store, mock.Mock(), clock, forget=mock.Mock(), empty=empty, retry_seconds=0.02, late_seconds=0.3
    )
    ordered = clock.now()
    query = sa.insert(box_emptyings).values(number="1000", ordered_at=ordered)
    await store.write("order", lambda unit: unit.connection.execute(query).rowcount)
    hotel.on_connected()
    await eventually(lambda: len(emptied) == 2, f"it is emptied twice: {failures}, {emptied}")
    assert emptied[1] >= ordered + 0.3
    await hotel.empty_boxes()  # nothing is left to do once that is noted
    assert len(emptied) == 2
    await hotel.close()
    assert await store.read(lambda c: c.execute(sa.select(box_emptyings)).all()) == []
    store.close()
