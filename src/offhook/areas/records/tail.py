"""Follows the file into which the engine writes CEL, over its own rotation and our restarts.

The engine opens, appends and closes the file for every row, so a rename is safe at any time. Rotated files
are `cel-<n>.json` beside it; they are read to their end, kept while a call that began in them is open, then
removed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from offhook.ledger import CelRow, RowError, parse_row

log = logging.getLogger(__name__)

ROTATE_BYTES = 64 << 20
LINE_MAX = 1 << 20
_ROTATED = re.compile(r"cel-(?P<number>[0-9]+)\.json")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the rows: number of the file (the live one has the highest) and offset in it."""

    file: int
    offset: int


class CelTail:
    """Reads whole lines from a position on. Blocking: call it in a thread."""

    def __init__(self, path: Path, start: Position) -> None:
        self._path = path
        self._next = start
        self._rotations = max((number for number, _ in self._rotated()), default=0)
        self._dirty = False
        if start.file > self._rotations + 1:
            # The files are not those that the position was noted for: read everything, doubles are refused.
            self._next = Position(0, 0)

    @property
    def position(self) -> Position:
        """Where the next row will be read."""
        return self._next

    def _rotated(self) -> list[tuple[int, Path]]:
        found = []
        for path in self._path.parent.glob("cel-*.json"):
            if match := _ROTATED.fullmatch(path.name):
                found.append((int(match["number"]), path))
        return sorted(found)

    def read(self) -> Iterator[tuple[CelRow, Position]]:
        """Every complete row that has been written since; the position is that of the row."""
        for number, path in [*self._rotated(), (self._rotations + 1, self._path)]:
            if number < self._next.file:
                continue
            if number > self._next.file:
                self._next = Position(number, 0)
            yield from self._read_file(number, path)

    def _read_file(self, number: int, path: Path) -> Iterator[tuple[CelRow, Position]]:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            if size < self._next.offset:
                self._next = Position(number, 0)
            if size == self._next.offset:
                return
            self._dirty = True
            file.seek(self._next.offset)
            while True:
                line = file.readline(LINE_MAX)
                if not line.endswith(b"\n"):
                    return
                here = self._next
                self._next = Position(number, here.offset + len(line))
                try:
                    yield parse_row(line), here
                except RowError as broken:
                    log.error("records: %s at %d: %s", path.name, here.offset, broken)

    def sync(self) -> None:
        """Have what was read put on disk: a power cut then costs at most a second of rows."""
        if not self._dirty:
            return
        self._dirty = False
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rotate(self) -> None:
        """Begin a new file when the live one is large."""
        try:
            large = self._path.stat().st_size > ROTATE_BYTES
        except FileNotFoundError:
            return
        if large:
            number = self._rotations + 1
            self._path.rename(self._path.with_name(f"cel-{number:06d}.json"))
            self._rotations = number

    def forget(self, before: Position) -> None:
        """Remove rotated files that nothing needs any more."""
        for number, path in self._rotated():
            # The newest rotated file stays: its number is where counting goes on after a restart.
            if number < before.file and number != self._rotations:
                path.unlink(missing_ok=True)
