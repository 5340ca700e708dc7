"""Follows the engine's log for packets that are no SIP, and bounds it: attackers make the engine write."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

READ_MAX = 256 << 10
"""Bytes that are looked at in one go; of more the rest is passed over, a flood is seen in a part of it."""
LOG_MAX = 32 << 20
"""Bytes at which the log is moved aside. The engine appends, so it goes on at the new end."""


class LogTail:
    """Reads what is new in the log since it was made. Blocks on the disk: call it in a thread."""

    def __init__(self, path: Path, most: int = LOG_MAX) -> None:
        self._path = path
        self._most = most
        self._at = self._size()

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def read(self) -> bytes:
        """What was written since the last time, whole lines; moves a log aside that has grown too long."""
        size = self._size()
        if size < self._at:  # the engine was started anew and begins a new one
            self._at = 0
        if size == self._at:
            return b""
        try:
            with self._path.open("rb") as log:
                log.seek(self._at)
                text = log.read(READ_MAX)
        except OSError:
            return b""
        whole = text.rfind(b"\n") + 1
        self._at = size if len(text) == READ_MAX else self._at + whole
        if size > self._most:
            self._move_aside()
        return text[:whole]

    def _move_aside(self) -> None:
        try:
            shutil.copyfile(self._path, self._path.with_suffix(".1"))
            os.truncate(self._path, 0)
        except OSError:
            return
        self._at = 0
