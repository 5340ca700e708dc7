"""Opening, migrating and refusing a store."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import offhook
from offhook.store.errors import StoreError
from offhook.store.metadata import metadata
from offhook.store.migrate import bring_up_to_date, open_store
from offhook.store.script import statements
from offhook.store.unit import sqlite_engine

VIEW = "CREATE VIEW numbers AS SELECT number FROM extensions;"


def _declare_all_tables() -> None:
    for module in pkgutil.walk_packages(offhook.__path__, "offhook."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)


def test_migrated_schema_is_what_the_tables_declare(tmp_path: Path) -> None:
    _declare_all_tables()
    open_store(tmp_path / "s.db", []).close()
    engine = sqlite_engine(tmp_path / "s.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.touch(0o666)
    path.chmod(0o666)
    store = open_store(path, [])
    files = list(tmp_path.iterdir())
    assert len(files) == 3  # with -wal and -shm
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    store.close()


def test_views_follow_their_text(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, [VIEW]).close()
    open_store(path, [VIEW.replace("numbers", "others")]).close()
    engine = sqlite_engine(path)
    assert sa.inspect(engine).get_view_names() == ["others"]
    engine.dispose()


def test_nothing_is_written_when_all_is_current(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, [VIEW]).close()
    before = path.read_bytes()
    open_store(path, [VIEW]).close()
    assert path.read_bytes() == before


def test_a_view_over_a_missing_column_is_refused_and_keeps_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, [VIEW]).close()
    with pytest.raises(StoreError, match="no such column"):
        open_store(path, ["CREATE VIEW broken AS SELECT absent FROM extensions"])
    engine = sqlite_engine(path)
    assert sa.inspect(engine).get_view_names() == ["numbers"]
    engine.dispose()


def test_a_newer_schema_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, []).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"written by a newer offhook"):
        open_store(path, [])


def test_a_file_that_is_no_store_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"no database at all, but a text of some length" * 100)
    with pytest.raises(StoreError, match="not an offhook store"):
        open_store(path, [])


def test_a_missing_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "missing" / "s.db", [])


def test_a_held_write_lock_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, []).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    engine = sqlite_engine(path)

    @sa.event.listens_for(engine, "connect")
    def _impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=10")

    with pytest.raises(sa.exc.OperationalError, match="locked"):
        bring_up_to_date(engine, [])
    engine.dispose()
    holder.close()


def test_readers_see_old_or_new_and_never_an_error_while_views_change(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_store(path, [VIEW]).close()
    failures: list[Exception] = []
    rounds = 0
    done = threading.Event()

    def read() -> None:
        nonlocal rounds
        connection = sqlite3.connect(path, isolation_level=None, timeout=5)
        while not done.is_set():
            try:
                connection.execute("SELECT * FROM numbers").fetchall()
                rounds += 1
            except sqlite3.Error as failure:
                failures.append(failure)
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    engine = sqlite_engine(path)
    for change in range(20):
        bring_up_to_date(engine, [f"{VIEW} -- {change}"])
    done.set()
    reader.join()
    engine.dispose()
    assert failures == []
    assert rounds > 0


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", ()),
        ("-- only; a comment\n", ()),
        ("SELECT 1; SELECT 2", ("SELECT 1", "SELECT 2")),
        ("SELECT ';'; SELECT \";\";", ("SELECT ';'", 'SELECT ";"')),
        ("SELECT 'it''s;'; /* a; b */", ("SELECT 'it''s;'",)),
        ("-- don't\nSELECT 1;", ("-- don't\nSELECT 1",)),
    ],
)
def test_statements(script: str, expected: tuple[str, ...]) -> None:
    assert statements(script) == expected
