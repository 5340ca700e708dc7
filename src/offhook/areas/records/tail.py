"""Follows the file into which the engine writes CEL, over its own rotation and our restarts.

The engine opens, appends and closes the file for every row, so a rename is safe at any time. Rotated files
are `cel-<n>.json` beside it; they are read to their end, kept while a call that began in them is open, then
removed.

What was read is put on disk a moment later. Only what is there (`durable`) may be noted as done with: after a
power cut the file could be shorter than that, and nobody could tell what of it was read.

Room for rows is taken in advance, so that calls keep their records while the disk is full.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from offhook import disk
from offhook.ledger import CelRow, RowError, parse_row

log = logging.getLogger(__name__)

ROTATE_BYTES = 64 << 20
LINE_MAX = 1 << 20
RESERVE_BYTES = 8 << 20  # some 2000 calls
_TORN_SECONDS = 1.0
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
        self._dirty: set[Path] = set()
        self._reserved = True
        self._named = 0  # inode of the live file whose name is on disk
        # Where the files are not those that the position was noted for, read all: doubles are refused.
        if start.file > self._rotations + 1:
            self._next = Position(0, 0)
        elif start.file > self._rotations and self._is_shorter(start):
            self._next = Position(start.file, 0)
        self._durable = self._next

    @property
    def position(self) -> Position:
        """Where the next row will be read."""
        return self._next

    @property
    def durable(self) -> Position:
        """All rows before it are on disk."""
        return min(self._durable, self._next)

    def _is_shorter(self, start: Position) -> bool:
        try:
            return self._path.stat().st_size < start.offset
        except FileNotFoundError:
            return start.offset > 0

    def mend(self) -> None:
        """End a row that a power cut has torn, so that the engine's next one is not spoiled by it.

        A row that was begun this second is left alone: the engine may live and be writing it.
        """
        try:
            with self._path.open("r+b") as file:
                state = os.fstat(file.fileno())
                if not state.st_size or abs(time.time() - state.st_mtime) < _TORN_SECONDS:
                    return
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    log.warning("records: the last row of %s is torn", self._path.name)
                    file.write(b"\n")
        except FileNotFoundError:
            return

    def reserve(self) -> None:
        """Keep room on the disk for the rows to come."""
        try:
            disk.reserve(self._path, RESERVE_BYTES)
        except FileNotFoundError:
            return  # the engine has not begun yet
        except OSError as failure:
            if self._reserved:
                log.warning("records: no room can be kept for rows: %s", failure)
            self._reserved = False
        else:
            self._reserved = True

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
            self._dirty.add(path)
            file.seek(self._next.offset)
            while True:
                line = file.readline(LINE_MAX)
                if not line.endswith(b"\n") and len(line) < LINE_MAX:
                    return
                here = self._next
                self._next = Position(number, here.offset + len(line))
                try:
                    yield parse_row(line), here
                except RowError as broken:
                    log.error("records: %s at %d: %s", path.name, here.offset, broken)

    def sync(self) -> None:
        """Put what was read on disk; not while something is read.

        Raises OSError; then the next call tries all of it again.
        """
        reached = self._next
        dirty, self._dirty = self._dirty, set()
        try:
            for path in dirty:
                try:
                    disk.sync(path)
                except FileNotFoundError:
                    continue
                if path == self._path and (inode := path.stat().st_ino) != self._named:
                    disk.sync(path.parent)
                    self._named = inode
        except OSError:
            self._dirty |= dirty
            raise
        self._durable = reached

    def rotate(self) -> None:
        """Begin a new file when the live one is large."""
        try:
            large = self._path.stat().st_size > ROTATE_BYTES
        except FileNotFoundError:
            return
        if large:
            number = self._rotations + 1
            rotated = self._path.with_name(f"cel-{number:06d}.json")
            self._path.rename(rotated)
            self._rotations = number
            self._dirty.add(rotated)
            disk.sync(self._path.parent)

    def forget(self, before: Position) -> None:
        """Remove rotated files that nothing needs any more."""
        for number, path in self._rotated():
            # The newest rotated file stays: its number is where counting goes on after a restart.
            if number < before.file and number != self._rotations:
                path.unlink(missing_ok=True)
