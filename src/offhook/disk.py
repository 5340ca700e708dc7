"""Files on disk: what has to outlive a power cut, a lock on one, and a second name. Blocking."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_HERE = -100  # AT_FDCWD of fcntl.h
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of linux/falloc.h


def sync(path: Path) -> None:
    """Put a file's content, or the names in a folder, on disk (fsync(2)). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(path: Path, content: bytes) -> None:
    """Write a file (0600) at once: a reader sees the old one or the new one, never a part. Raises OSError.

    After a power cut it is one of the two; `write` makes sure that it is the new one.
    """
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write(path: Path, content: bytes) -> None:
    """As `put`, for good: when it returns, the new file outlives a power cut. Raises OSError."""
    put(path, content)
    sync(path.parent)


def sync_all(folder: Path) -> bool:
    """Put the whole file system that `folder` lies on on disk at once (syncfs(2)); False when that failed.

    For many files: one entry in its journal instead of hundreds.
    """
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held(path: Path, flags: int = os.O_RDONLY) -> Iterator[None]:
    """Lock a file or folder, opened with `flags`, for the block (flock(2)); its end, and ours, let go of it.

    Raises BlockingIOError when another process holds it, and OSError when it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def reserve(path: Path, size: int) -> None:
    """Take `size` bytes of the disk behind a file's end, where an appender finds them when the disk is full.

    The file is made (0600) when it is not there; its length and content stay (fallocate(2) with
    FALLOC_FL_KEEP_SIZE). Raises OSError, also where the file system cannot do it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        state = os.fstat(descriptor)
        if state.st_blocks * 512 - state.st_size >= size // 2:
            return
        call = ctypes.CDLL(None, use_errno=True).fallocate
        call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
        if call(descriptor, _KEEP_SIZE, state.st_size, size):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def exchange(one: Path, other: Path) -> None:
    """Have two names of one file system change places at once (renameat2(2), RENAME_EXCHANGE).

    Raises OSError, also where the file system cannot do it.
    """
    call = ctypes.CDLL(None, use_errno=True).renameat2
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one))


def link(source: Path, target: Path) -> None:
    """Have a file at `target` too: linked, or else copied. Follows no symlink. Raises OSError."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one that knows no links
        shutil.copyfile(source, target, follow_symlinks=False)
