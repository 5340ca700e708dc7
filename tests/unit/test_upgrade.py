"""A store of the last release is opened by this one: all is there, or, when that fails, all is as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from offhook.backup import sealed
from offhook.backup.make import make_backup
from offhook.backup.restore import restore_backup
from offhook.dialplan import views
from offhook.store import kept
from offhook.store.errors import StoreError
from offhook.store.migrate import known_revisions, open_store
from tests.support.oldstore import REVISION, dump_of, old_folder, old_store, rows_of

OUR_OWN = {"alembic_version", "store_state", "sqlite_sequence"}


def _copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "before" in path.name)


def test_the_old_store_has_rows_in_every_table(tmp_path: Path) -> None:
    old_store(tmp_path / "offhook.db")
    assert [name for name, rows in rows_of(tmp_path / "offhook.db").items() if not rows] == []


def test_every_row_of_the_last_release_is_there_and_every_view_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    old_store(path)
    before = rows_of(path)
    open_store(path, views()).close()
    after = rows_of(path)
    for table in before.keys() - OUR_OWN:
        assert len(after[table]) == len(before[table]), table
        for row in before[table]:
            assert any(row.items() <= found.items() for found in after[table]), (table, row)
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
        names = store.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        assert len(names) > 20
        for (name,) in names:
            store.execute(f"SELECT * FROM {name}").fetchall()
    # numbers that were given are not given again
    for sequence in before["sqlite_sequence"]:
        assert sequence in after["sqlite_sequence"]


def test_the_old_store_is_kept_beside_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    old_store(path)
    (tmp_path / "offhook.db.before-0003").touch()
    before = rows_of(path)
    open_store(path, views()).close()
    assert _copies(tmp_path) == [f"offhook.db.before-{REVISION}"]
    copy = tmp_path / f"offhook.db.before-{REVISION}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows_of(copy) == before
    open_store(path, views()).close()
    assert _copies(tmp_path) == [copy.name], "kept for some time"
    old = copy.stat().st_mtime - kept.KEPT_SECONDS - 60
    os.utime(copy, (old, old))
    open_store(path, views()).close()
    assert _copies(tmp_path) == []


def test_a_new_store_and_one_of_this_release_are_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        open_store(tmp_path / "offhook.db", views()).close()
    assert _copies(tmp_path) == []


def test_without_room_for_a_copy_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "offhook.db"
    old_store(path)
    before = dump_of(path)

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(b"a part")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(kept, "copy_database", full)
    with pytest.raises(StoreError, match=r"disk is full.*make room"):
        open_store(path, views())
    assert dump_of(path) == before
    assert _copies(tmp_path) == []


def test_a_backup_of_the_last_release_is_restored_and_then_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_COST", 1 << 4)
    data, new, archive = tmp_path / "data", tmp_path / "new", tmp_path / "pbx.backup"
    old_folder(data)
    before = rows_of(data / "offhook.db")
    made = make_backup(data, archive, "correct horse", recordings=True, now=0.0)
    assert (made.about.schema, made.left_out) == (REVISION, ())
    restore_backup(archive, new, "correct horse", replace=False)
    assert _files(new) == _files(data)
    restored = rows_of(new / "offhook.db")
    assert {name for name in before if before[name] != restored[name]} == {
        "sessions",  # no token comes back
        "receiver_sessions",
        "sqlite_sequence",  # readers of the journal may have got further than the backup
    }
    open_store(new / "offhook.db", views()).close()
    assert _copies(new) == [f"offhook.db.before-{REVISION}"]


def _files(folder: Path) -> dict[str, bytes]:
    """All files but the store's and those of what runs."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    own = ("offhook.db", "run/")
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(own)}


@contextmanager
def _at_statement(number: int, happens: Callable[[], object]) -> Any:
    """Have something happen before one of the statements of the migration; counts from its BEGIN."""
    seen: list[str] = []

    def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if seen or statement == "BEGIN IMMEDIATE":
            seen.append(statement)
            if len(seen) == number:
                happens()

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)


def _break() -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_migration_that_fails_anywhere_leaves_the_old_store(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    old_store(path)
    before = dump_of(path)
    with _at_statement(-1, _break) as whole:
        (tmp_path / "other").mkdir()
        old_store(tmp_path / "other" / "offhook.db")
        open_store(tmp_path / "other" / "offhook.db", views()).close()
    assert any(statement.startswith("UPDATE alembic_version") for statement in whole)
    assert any(statement.startswith("CREATE VIEW") for statement in whole)
    step = max(1, len(whole) // 12)
    for number in range(2, len(whole) + 1, step):
        with _at_statement(number, _break), pytest.raises((StoreError, sqlite3.OperationalError)):
            open_store(path, views())
        assert dump_of(path) == before, f"before statement {number}: {whole[number - 1]}"
    assert _copies(tmp_path) == [f"offhook.db.before-{REVISION}"]
    open_store(path, views()).close()


KILLED = """
import os, sys
from pathlib import Path
from offhook.dialplan import views
from offhook.store.migrate import open_store
from tests.unit.test_upgrade import _at_statement
with _at_statement(int(sys.argv[2]), lambda: os._exit(9)):
    open_store(Path(sys.argv[1]), views())
"""


def test_a_process_that_is_killed_in_a_migration_leaves_the_old_store(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    old_store(path)
    before = dump_of(path)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), "30"], env=environment, check=False)
    assert done.returncode == 9
    assert dump_of(path) == before
    open_store(path, views()).close()
    assert max(known_revisions()) == rows_of(path)["alembic_version"][0]["version_num"]
