"""A stand-in for the disk: what of a folder outlives a power cut, by what our code has put on disk.

What was never synced is gone: the names in a folder are those of its last fsync, a file holds what it held at
its own (POSIX promises no more). Only the store is copied as it is: SQLite syncs past us, and a commit with
synchronous=FULL is on disk when it returns.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pytest

from offhook import disk
from offhook.store.unit import Store

STORE = "offhook.db"


@dataclass(frozen=True)
class _Name:
    inode: int
    link: str | None  # where it leads, of a symbolic link
    folder: bool


class Disk:
    """The disk below `root`, from now on; a folder that is there already counts as empty."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root.resolve()
        self._lock = Lock()
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, _Name]] = {}
        self._held: dict[int, int] = {}  # open descriptors, so that no inode is given away again
        monkeypatch.setattr(os, "fsync", self._noting(os.fsync))
        monkeypatch.setattr(os, "fdatasync", self._noting(os.fdatasync))
        monkeypatch.setattr(disk, "sync_all", self._everything)

    def _noting(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def sync(descriptor: int) -> None:
            note = self._look(descriptor)
            real(descriptor)
            note()

        return sync

    def _look(self, descriptor: int) -> Callable[[], None]:
        """What is there at this moment, to be noted when the sync has returned."""
        here = Path(f"/proc/self/fd/{descriptor}")
        if not here.readlink().is_relative_to(self._root):
            return lambda: None
        state = os.fstat(descriptor)
        content = None if stat.S_ISDIR(state.st_mode) else here.read_bytes()
        names = _names(here) if stat.S_ISDIR(state.st_mode) else {}
        held = os.dup(descriptor)

        def note() -> None:
            with self._lock:
                if content is None:
                    self._names[state.st_ino] = names
                else:
                    self._contents[state.st_ino] = content
                if state.st_ino in self._held:
                    os.close(held)
                else:
                    self._held[state.st_ino] = held

        return note

    def _everything(self, _folder: Path) -> bool:
        for path in (self._root, *self._root.rglob("*")):
            if (path.is_dir() or path.is_file()) and not path.is_symlink() and STORE not in path.name:
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    self._look(descriptor)()
                finally:
                    os.close(descriptor)
        return True

    def size(self, path: Path) -> int:
        """How much of a file is on disk, in bytes."""
        with self._lock:
            return len(self._contents.get(path.stat().st_ino, b""))

    def cut(self, target: Path) -> None:
        """Put what is left after a power cut now into `target`, but for the store."""
        with self._lock:
            self._build(self._root.stat().st_ino, target)

    async def cut_with(self, store: Store, target: Path) -> None:
        """As `cut`, with the store as it is, between two of its transactions."""

        def work(_unit: object) -> None:
            target.mkdir(mode=0o700, exist_ok=True)
            for path in self._root.glob(f"{STORE}*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, target)
            self.cut(target)

        await store.write("power cut", work)

    def _build(self, folder: int, target: Path) -> None:
        target.mkdir(mode=0o700, exist_ok=True)
        for name, one in self._names.get(folder, {}).items():
            if one.link is not None:
                (target / name).symlink_to(one.link)
            elif one.folder:
                self._build(one.inode, target / name)
            elif STORE not in name:
                (target / name).touch(mode=0o600)
                (target / name).write_bytes(self._contents.get(one.inode, b""))

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()


def _names(folder: Path) -> dict[str, _Name]:
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            link = os.readlink(entry.path) if entry.is_symlink() else None  # noqa: PTH115
            if link is not None or entry.is_dir() or entry.is_file():
                found[entry.name] = _Name(entry.inode(), link, entry.is_dir(follow_symlinks=False))
    return found
