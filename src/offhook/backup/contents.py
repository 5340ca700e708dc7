"""What of a data folder belongs into a backup, gathered so that store and files fit each other.

    link all but recordings ─► copy the store ─► link again what has come since ─► list recordings

A file that a row of the copy names was there before the copy or is there after it, so it is in one of the two
rounds. What is there beyond that is what a kill at this moment would leave behind, and the next start settles
it as after a kill: rows of calls that the store had not yet, parts of recordings and faxes that went on.
Links are made in `run/` of the data folder; they keep what is deleted meanwhile, and cost nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from offhook import disk
from offhook.asterisk.config import private_folder
from offhook.backup.archive import DATA_MAX, checked_path
from offhook.backup.errors import BackupError
from offhook.store.copy import copy_database

STORE = "offhook.db"
ENGINE_STORE = "asterisk/var/astdb.sqlite3"
"""The engine's own database: who is registered, and wrong PINs that were typed."""

_FILES = ("offhook.toml", "secret.key")
_BOXES = "asterisk/spool/voicemail/default"
_FOLDERS = ("tls", "sounds", "moh", "custom", "media", "fax", "mail", "cel")
_RECORDINGS = "recordings"
_RUNNING = f"{_RECORDINGS}/running"
_TRIES = 8
_ENGINE_TRIES = 50
_ENGINE_PAUSE = 0.1  # seconds; the engine commits at most once a second
_PREFIX = "backup-"


def belongs(path: str) -> bool:
    """Whether a backup may hold a file of this path. Pure."""
    if path in {STORE, ENGINE_STORE, *_FILES}:
        return True
    return path.startswith(tuple(f"{folder}/" for folder in (*_FOLDERS, _BOXES, _RECORDINGS)))


@dataclass(slots=True)
class Gathered:
    """What a backup will hold: the paths of files in `data`, mapped to where they can be read and how much.

    `recordings` are finished ones, which may still be deleted before they are read.
    """

    staging: Path
    store: Path
    files: dict[str, tuple[Path, int]] = field(default_factory=dict)
    recordings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@contextlib.contextmanager
def gathered(data: Path, *, recordings: bool) -> Iterator[Gathered]:
    """Gather a data folder; what was linked goes at the end of the block.

    Raises BackupError, and OSError when the disk fails.
    """
    if not (data / STORE).is_file():
        raise BackupError(f"{data} holds no PBX: there is no {STORE} in it")
    run = private_folder(data / "run")
    with _alone(run):
        yield from _gathered(data, run, recordings=recordings)


def forget_broken_off(data: Path) -> None:
    """Delete what a backup that was killed has left in the data folder; not of one that is being made."""
    run = data / "run"
    with contextlib.suppress(BackupError, OSError), _alone(run):
        _sweep(run)


def _sweep(run: Path) -> None:
    for old in run.glob(f"{_PREFIX}*/"):
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Have no other backup be made of the folder."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(disk.held(run / "backup.lock", os.O_RDWR | os.O_CREAT))
        except BlockingIOError:
            raise BackupError("another backup of this folder is being made") from None
        yield


def _gathered(data: Path, run: Path, *, recordings: bool) -> Iterator[Gathered]:
    _sweep(run)
    staging = private_folder(run / f"{_PREFIX}{secrets.token_hex(8)}")
    try:
        found = Gathered(staging, staging / STORE)
        _link_folders(data, found)
        _copy_store(data / STORE, found.store)
        _link_folders(data, found)
        for name in _FILES:
            if (data / name).is_file():
                _take(data / name, name, found)
        _link_boxes(data / _BOXES, _BOXES, found)
        _copy_engine_store(data / ENGINE_STORE, found)
        if recordings:
            # Those that go on first: one that is finished meanwhile is then found in one of the two.
            _link_tree(data / _RUNNING, _RUNNING, found)
            found.recordings += _finished(data / _RECORDINGS, found)
        yield found
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy_store(source: Path, target: Path) -> None:
    try:
        copy_database(source, target)
    except sqlite3.Error as failure:
        raise BackupError(f"{source} cannot be copied: {failure}") from None


def blocks(path: Path, size: int | None = None) -> Iterator[bytes]:
    """The content of a file, the first `size` bytes of it; it is open on return. Raises OSError."""
    return _blocks(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), size)


def _blocks(descriptor: int, size: int | None) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while size is None or size > 0:
            block = file.read(DATA_MAX if size is None else min(DATA_MAX, size))
            if not block:
                return
            if size is not None:
                size -= len(block)
            yield block


def _link_folders(data: Path, found: Gathered) -> None:
    for folder in _FOLDERS:
        _link_tree(data / folder, folder, found)


def _link_tree(folder: Path, name: str, found: Gathered) -> None:
    for path, relative in _walk(folder, name, found):
        _take(path, relative, found)


def _walk(folder: Path, name: str, found: Gathered) -> Iterator[tuple[Path, str]]:
    """The plain files below a folder; it may be a link itself, such as to a larger disk."""
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/{entry.name}", found)
        elif not entry.is_file(follow_symlinks=False):
            if not _is_voice(entry, name):
                _leave_out(found, f"{f'{name}/{entry.name}'!r}: it is no plain file")
        elif not _is_draft(entry.name):
            yield Path(entry.path), f"{name}/{entry.name}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_voice(entry: os.DirEntry[str], folder: str) -> bool:
    """Whether this is a link to the engine's own prompts, which each start makes anew."""
    if folder != "sounds" or not entry.is_symlink():
        return False
    return Path(entry.path).readlink().parts[-2:] == ("sounds", entry.name)


def _is_draft(name: str) -> bool:
    return name.startswith(".") and name.endswith((".new", ".part"))


def _leave_out(found: Gathered, what: str) -> None:
    if what not in found.left_out:
        found.left_out.append(what)


def _take(path: Path, relative: str, found: Gathered) -> None:
    """Keep a file as it is now, however it is renamed or deleted; what has gone meanwhile does not matter."""
    if not _has_a_name(relative, found):
        return
    target = found.staging / f"{len(found.files):x}-{secrets.token_hex(4)}"
    try:
        disk.link(path, target)
        room = target.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(room.st_mode):
        target.unlink()
        return
    known = found.files.get(relative)
    found.files[relative] = target, room.st_size
    if known is not None:
        known[0].unlink()


def _has_a_name(relative: str, found: Gathered) -> bool:
    try:
        checked_path(relative)
    except BackupError:
        _leave_out(found, f"{relative!r}: its name cannot be kept")
        return False
    return True


def _link_boxes(folder: Path, name: str, found: Gathered) -> None:
    """The voicemail of every box, each folder of a moment in which the engine did not number it anew."""
    for _ in range(_TRIES):
        before, known = _changed(folder), set(found.files)
        for entry in _entries(folder):
            if entry.is_file(follow_symlinks=False) and not _is_draft(entry.name):
                _take(Path(entry.path), f"{name}/{entry.name}", found)
        if _changed(folder) == before:
            break
        for relative in found.files.keys() - known:
            found.files.pop(relative)[0].unlink()
    else:
        _leave_out(found, f"{name}: the engine did not leave it alone")
    for entry in _entries(folder):
        # what is in tmp/ is being spoken, and no message yet
        if entry.is_dir(follow_symlinks=False) and entry.name != "tmp":
            _link_boxes(Path(entry.path), f"{name}/{entry.name}", found)


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _copy_engine_store(path: Path, found: Gathered) -> None:
    """Copy the engine's database without a lock: one that meets its commit costs it what it would commit."""
    target = found.staging / "engine"
    for _ in range(_ENGINE_TRIES):
        try:
            before = path.stat()
            shutil.copyfile(path, target)
            after = path.stat()
        except FileNotFoundError:
            return
        still = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
        if still and not path.with_name(f"{path.name}-journal").exists() and is_sound(target):
            found.files[ENGINE_STORE] = target, target.stat().st_size
            return
        time.sleep(_ENGINE_PAUSE)
    _leave_out(found, f"{ENGINE_STORE}: the engine did not leave it alone")


def is_sound(store: Path) -> bool:
    """Whether an SQLite database that nobody uses can be read throughout (PRAGMA quick_check)."""
    try:
        with contextlib.closing(sqlite3.connect(store)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])
    except sqlite3.Error:
        return False


def _finished(root: Path, found: Gathered) -> list[str]:
    running = root / "running"
    names = []
    for path, relative in _walk(root, _RECORDINGS, found):
        if running not in path.parents and _has_a_name(relative, found):
            names.append(relative)
    return names
