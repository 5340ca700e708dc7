"""One control plane on one data folder: a lock that a restart hands on to itself."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK_VARIABLE = "OFFHOOK_LOCK_FD"


class AlreadyRunning(Exception):
    """Another offhook holds the folder; the text names its process."""


class FolderLock:
    """An advisory lock on `run/offhook.lock` that lives as long as this process, also across exec."""

    def __init__(self, data: Path) -> None:
        self.path = data / "run" / "offhook.lock"
        inherited = os.environ.pop(LOCK_VARIABLE, "")
        self._descriptor = self._inherit(int(inherited)) if inherited.isdigit() else self._take()

    def _take(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise AlreadyRunning(
                f"an offhook (process {holder or 'unknown'}) already runs on {self.path.parent.parent}; "
                "stop it first, or name another folder with --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def _inherit(self, descriptor: int) -> int:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.set_inheritable(descriptor, False)
        return descriptor

    def hand_on(self) -> dict[str, str]:
        """Keep the lock across the coming exec; returns the variable that the new program needs."""
        os.set_inheritable(self._descriptor, True)
        return {LOCK_VARIABLE: str(self._descriptor)}

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)


def holder_of(data: Path) -> int | None:
    """The process that runs on `data`, or None when nobody holds its lock."""
    try:
        descriptor = os.open(data / "run" / "offhook.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None
