"""Puts on disk what the engine hands over of running recordings, as soon as it is seen."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from offhook import disk

ENDING = ".sln16"
_ONE_BY_ONE = 16  # files that are put on disk each by itself


class RunningOnDisk:
    """The running recordings in `folder`. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def look(self) -> bool:
        """Put on disk what is new since the last look; whether anything is recorded. Raises OSError.

        After an error all of it is tried again by the next look.
        """
        sizes = self._now()
        grown = [name for name, size in sizes.items() if size != self._sizes.get(name, 0)]
        if len(grown) <= _ONE_BY_ONE or not disk.sync_all(self._folder):
            for name in grown:
                with contextlib.suppress(FileNotFoundError):  # its recording was closed meanwhile
                    disk.sync(self._folder / name)
            if sizes.keys() - self._sizes.keys():
                disk.sync(self._folder)
        self._sizes = sizes
        return bool(sizes)

    def _now(self) -> dict[str, int]:
        sizes = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(ENDING):
                    with contextlib.suppress(FileNotFoundError):
                        sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
        return sizes
