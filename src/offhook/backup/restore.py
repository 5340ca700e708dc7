"""Reading a backup: checking it, or making a data folder of it. Blocking.

    archive ─► a new folder beside the old one ─► all of it is right and on disk ─► the two change names

Until that last step nothing that was there is touched; the old folder is kept. What a restore that was killed
has left is taken away by the next one: a folder that still says that it is unfinished, and that nobody holds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from offhook import disk
from offhook.asterisk.config import private_folder
from offhook.backup.archive import About, ArchiveReader, Sink, Totals
from offhook.backup.contents import ENGINE_STORE, STORE, belongs, is_sound
from offhook.backup.errors import BackupError
from offhook.backup.make import store_schema
from offhook.backup.sealed import SealedReader
from offhook.store.migrate import known_revisions

_MARK = ".restore-"
_UNFINISHED = "unfinished"  # no member of a backup is called so

_SEQ_APART = 1_000_000
"""Numbers of the journal are not given again, by so much: readers may have got as far after the backup."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where the folder that was there before is now; None when there was none."""

    about: About
    totals: Totals
    kept: Path | None


class _Nowhere:
    """Reads a member and keeps nothing of it."""

    def write(self, _data: bytes, /) -> None:
        pass

    def close(self) -> None:
        pass


def check_backup(path: Path, passphrase: str) -> tuple[About, Totals]:
    """Read a backup to its end and see that all of it is there and right. Raises BackupError, OSError."""

    def sink(member: str) -> Sink:
        _require(member)
        return _Nowhere()

    with path.open("rb") as file:
        reader = ArchiveReader(SealedReader(file, passphrase).read)
        return reader.about, reader.members(sink)


def restore_backup(path: Path, data: Path, passphrase: str, *, replace: bool) -> Restored:
    """Make the data folder `data` of a backup; one that has something in it only if `replace` says so.

    No PBX may run there. Raises BackupError, and OSError when a disk fails; then all is as it was.
    """
    data = data.absolute()
    if _is_used(data) and not replace:
        raise BackupError(f"{data} is not empty; --force puts the backup in its place and keeps it beside")
    parent = private_folder(data.parent) if not data.parent.exists() else data.parent
    _forget_broken_off(parent, data.name)
    staging = private_folder(parent / f".{data.name}{_MARK}{secrets.token_hex(4)}")
    unfinished = staging / _UNFINISHED
    try:
        with disk.held(staging), path.open("rb") as file:
            unfinished.touch()
            reader = ArchiveReader(SealedReader(file, passphrase).read)
            _refuse_newer(reader.about)
            totals = reader.members(lambda member: _File(staging, member))
            _check_store(staging, reader.about)
            # from here on it may be the old folder that has this name
            unfinished.unlink()
            if not disk.sync_all(staging):
                raise BackupError(f"{staging} cannot be put on disk")
        kept = _change_names(staging, data)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    disk.sync(parent)
    return Restored(reader.about, totals, kept)


def _forget_broken_off(parent: Path, name: str) -> None:
    for left in parent.iterdir():
        if left.name.startswith(f".{name}{_MARK}") and (left / _UNFINISHED).is_file():
            with contextlib.suppress(OSError), disk.held(left):
                shutil.rmtree(left, ignore_errors=True)


class _File:
    """A member that becomes a file of the new folder."""

    def __init__(self, root: Path, member: str) -> None:
        _require(member)
        path = root / member
        try:
            # Nothing but plain files and folders is ever made in `root`, so no part of the path is a link.
            for folder in reversed(Path(member).parents):
                (root / folder).mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BackupError(f"the backup names {member} twice") from None
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, data: bytes, /) -> None:
        self._file.write(data)

    def close(self) -> None:
        self._file.close()


def _require(member: str) -> None:
    if not belongs(member):
        raise BackupError(f"the backup holds {member}, which is no part of a PBX")


def _refuse_newer(about: About) -> None:
    if about.schema not in known_revisions():
        raise BackupError(
            f"the backup was made by a newer offhook ({about.version}, schema {about.schema}); "
            "restore it with that version"
        )


def _check_store(staging: Path, about: About) -> None:
    store, engine = staging / STORE, staging / ENGINE_STORE
    if not store.is_file() or not is_sound(store) or store_schema(store) != about.schema:
        raise BackupError("the store in the backup is not whole")
    if engine.is_file() and not is_sound(engine):
        raise BackupError("the engine's database in the backup is not whole")
    try:
        with contextlib.closing(sqlite3.connect(store)) as connection, connection:
            connection.execute(
                "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'event_journal'", (_SEQ_APART,)
            )
    except sqlite3.Error as failure:
        raise BackupError(f"the store in the backup cannot be used: {failure}") from None


def _is_used(data: Path) -> bool:
    try:
        return any(data.iterdir())
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise BackupError(f"{data} is no folder") from None


def _change_names(staging: Path, data: Path) -> Path | None:
    if not _is_used(data):
        staging.rename(data)  # over an empty folder too
        return None
    kept = data.with_name(f"{data.name}.before-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
    try:
        # at once: were there a moment without a folder, a supervisor could start an empty PBX in it
        disk.exchange(staging, data)
    except (OSError, AttributeError):
        data.rename(kept)
        try:
            staging.rename(data)
        except OSError:
            kept.rename(data)
            raise
    else:
        staging.rename(kept)
    return kept
