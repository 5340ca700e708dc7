"""Which received faxes are put in place: only those whose call's record says that they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from offhook.areas.fax.service import FaxInbox
from offhook.areas.records.tables import cdr
from offhook.store.migrate import open_store
from offhook.store.unit import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "offhook.db", ())
    yield opened
    opened.close()


async def _record(store: Store, fax: str, pages: int) -> None:
    row = {column.name: 0 if column.name.endswith("seconds") else "" for column in cdr.columns}
    row |= {"callid": fax, "started": 0, "fax": fax, "fax_pages": pages}
    await store.write("record", lambda unit: unit.connection.execute(sa.insert(cdr).values(**row)).rowcount)


async def test_only_whole_faxes_leave_the_folder_of_those_that_are_coming(
    store: Store, tmp_path: Path
) -> None:
    inbox = FaxInbox(store, tmp_path)
    part = tmp_path / "fax" / "part"
    for name in ("whole.tif", "half.tif", "coming.tif"):
        (part / name).write_bytes(name.encode())
    await _record(store, "whole.tif", 2)
    await _record(store, "half.tif", 0)
    await _record(store, "other.tif", 1)  # deleted by hand meanwhile
    for _ in range(2):
        await inbox.settle()
        assert sorted(path.name for path in part.iterdir()) == ["coming.tif"]
        assert [path.name for path in (tmp_path / "fax").glob("*.tif")] == ["whole.tif"]
    assert (tmp_path / "fax" / "whole.tif").read_bytes() == b"whole.tif"
