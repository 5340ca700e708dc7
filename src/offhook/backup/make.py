"""Making a backup of a data folder, whether its PBX runs or not. Blocking."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from offhook import __version__, disk
from offhook.backup.archive import About, ArchiveWriter, Totals
from offhook.backup.contents import STORE, Gathered, blocks, gathered
from offhook.backup.errors import BackupError
from offhook.backup.sealed import SealedWriter


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and what of the folder is not in it."""

    about: About
    totals: Totals
    left_out: tuple[str, ...]


def make_backup(data: Path, target: Path, passphrase: str, *, recordings: bool, now: float) -> Made:
    """Back the folder `data` up into the new file `target` (0600), which is whole on disk on return.

    `now` is in seconds since the epoch. Raises BackupError, and OSError when a disk fails; then there is no
    `target`.
    """
    if target.exists():
        raise BackupError(f"{target} is there already; name a file that is not")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, gathered(data, recordings=recordings) as found:
            sealed = SealedWriter(file, passphrase)
            about = About(__version__, store_schema(found.store), now, recordings)
            totals = _write(data, found, ArchiveWriter(sealed.write, about), recordings=recordings)
            sealed.close()
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        disk.sync(target.parent)
    except sqlite3.Error as failure:
        raise BackupError(f"the store cannot be backed up: {failure}") from None
    finally:
        draft.unlink(missing_ok=True)
    return Made(about, totals, tuple(found.left_out))


def store_schema(store: Path) -> str:
    """The revision of a store's schema. Raises BackupError for what is no store."""
    try:
        with contextlib.closing(sqlite3.connect(store)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as failure:
        raise BackupError(f"the store cannot be read: {failure}") from None
    if row is None:
        raise BackupError("the store has no schema; start offhook once")
    return str(row[0])


def _write(data: Path, found: Gathered, archive: ArchiveWriter, *, recordings: bool) -> Totals:
    for path, (source, size) in found.files.items():
        archive.add(path, blocks(source, size))
    gone = []
    for path in found.recordings:
        try:
            content = blocks(data / path)
        except FileNotFoundError:
            gone.append(path.rpartition("/")[2])  # older or more than is kept
            continue
        archive.add(path, content)
    _clean(found.store, gone, recordings=recordings)
    archive.add(STORE, blocks(found.store))
    return archive.finish()


def _clean(store: Path, gone: Collection[str], *, recordings: bool) -> None:
    """Take out of the copy of a store what is not to come back: tokens, and recordings that are not there."""
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM receiver_sessions")
        connection.execute("DELETE FROM sessions")
        if recordings:
            connection.executemany("DELETE FROM recordings WHERE name = ?", [(name,) for name in gone])
        else:
            connection.execute("DELETE FROM recordings")
        connection.execute("COMMIT")
