"""The data folder of an earlier release, to be opened by this one (tests/data/upgrade)."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

OLD = Path(__file__).parents[1] / "data" / "upgrade"
REVISION = "0007"
ATTACHMENT = "0123456789abcdef0123456789abcdef"

Rows = dict[str, list[dict[str, Any]]]


def old_store(path: Path) -> None:
    """Make the store, with rows in every table."""
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.executescript((OLD / f"store-{REVISION}.sql").read_text(encoding="utf-8"))


def old_folder(data: Path) -> None:
    """Make the data folder: a message, a recording, a prompt, the attachment of a mail that waits."""
    shutil.copytree(OLD / "data", data, dirs_exist_ok=True)
    (data / "mail").mkdir()
    (data / "mail" / ATTACHMENT).write_bytes(b"RIFF")
    old_store(data / "offhook.db")


def rows_of(path: Path) -> Rows:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as store:
        store.row_factory = sqlite3.Row
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in store.execute(f'SELECT * FROM "{name}"')] for name in names}


def dump_of(path: Path) -> list[str]:
    """The whole store as text."""
    with closing(sqlite3.connect(path)) as store:
        return list(store.iterdump())
