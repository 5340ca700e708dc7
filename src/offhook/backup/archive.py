"""The members of a backup, one after another in the sealed stream, each with its size and SHA-256.

    frame = kind (1 byte)  length (4 bytes, big endian)  payload
    A about ─► { F path ─► D data … ─► E size, sha256 } … ─► Z how many, how large, sha256 of all E in order

Not tar: what is read while it changes has no size beforehand, and links, devices, modes and sparse files, by
which a hostile archive does harm, cannot even be said here. Nothing is compressed (audio hardly can be), so
what is written on restoring is never more than the archive holds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from offhook.backup.errors import BackupError

DATA_MAX = 1 << 20
_TEXT_MAX = 8 << 10
_PATH_MAX = 1024
_PART_MAX = 255
_HEAD = 5
_LATEST = 253_402_300_800.0  # the year 10000


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself: who wrote it, the store's schema, when (seconds since the epoch), and
    whether recordings are in it."""

    version: str
    schema: str
    created: float
    recordings: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """How many members there are, how many bytes they have, and the SHA-256 of all their sums."""

    members: int
    bytes: int
    sha256: str


class Sink(Protocol):
    """Takes the bytes of one member."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""

    def close(self) -> object:
        """No more bytes come; whether they were right is told by what reads them."""


def checked_path(path: str) -> str:
    """`path` if it names a file below some folder and nothing else. Raises BackupError."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and len(path.encode("utf-8", "replace")) <= _PATH_MAX
    if not plain or any(
        part in {"", ".", ".."} or len(part.encode("utf-8", "replace")) > _PART_MAX for part in parts
    ):
        raise BackupError(f"the backup names a file {path[:200]!r}, which is no path within a folder")
    return path


class ArchiveWriter:
    """Writes members by `write`."""

    def __init__(self, write: Callable[[bytes], object], about: About) -> None:
        self._write = write
        self._sums = hashlib.sha256()
        self._members = self._bytes = 0
        self._frame(b"A", _text(dataclasses.asdict(about)))

    def add(self, path: str, content: Iterable[bytes]) -> int:
        """Add a file; returns its size. What `content` raises breaks the archive off."""
        self._frame(b"F", _text({"path": checked_path(path)}))
        size, digest = 0, hashlib.sha256()
        for block in content:
            digest.update(block)
            size += len(block)
            for at in range(0, len(block), DATA_MAX):
                self._frame(b"D", block[at : at + DATA_MAX])
        end = _text({"path": path, "size": size, "sha256": digest.hexdigest()})
        self._sums.update(end)
        self._frame(b"E", end)
        self._members += 1
        self._bytes += size
        return size

    def finish(self) -> Totals:
        """End the archive."""
        totals = Totals(self._members, self._bytes, self._sums.hexdigest())
        self._frame(b"Z", _text(dataclasses.asdict(totals)))
        return totals

    def _frame(self, kind: bytes, payload: bytes) -> None:
        self._write(kind + len(payload).to_bytes(4, "big") + payload)


class ArchiveReader:
    """Reads members by `read`, which returns fewer bytes than asked for at the end only.

    Raises BackupError for whatever a writer would not have written.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        kind, payload = self._frame()
        if kind != b"A":
            raise BackupError("the backup does not begin as one")
        self.about = _about(_object(payload))

    def members(self, open_member: Callable[[str], Sink]) -> Totals:
        """Hand every member to the sink that `open_member` makes for its path; returns what was read."""
        sums, count, total = hashlib.sha256(), 0, 0
        while True:
            kind, payload = self._frame()
            if kind == b"Z":
                break
            if kind != b"F":
                raise BackupError("the backup has a part where no part may be")
            path = checked_path(_string(_object(payload), "path"))
            with contextlib.closing(open_member(path)) as sink:
                size, end = self._member(path, sink)
            sums.update(end)
            count += 1
            total += size
        found = Totals(count, total, sums.hexdigest())
        if _object(payload) != dataclasses.asdict(found):
            raise BackupError("the backup does not hold what it says it holds")
        if self._read(1):
            raise BackupError("the backup goes on behind its end")
        return found

    def _member(self, path: str, sink: Sink) -> tuple[int, bytes]:
        size, digest = 0, hashlib.sha256()
        while True:
            kind, payload = self._frame()
            if kind == b"E":
                break
            if kind != b"D":
                raise BackupError(f"{path} in the backup does not end")
            digest.update(payload)
            size += len(payload)
            sink.write(payload)
        if _object(payload) != {"path": path, "size": size, "sha256": digest.hexdigest()}:
            raise BackupError(f"{path} in the backup is not what was backed up")
        return size, payload

    def _frame(self) -> tuple[bytes, bytes]:
        head = self._read(_HEAD)
        kind, length = head[:1], int.from_bytes(head[1:], "big")
        most = DATA_MAX if kind == b"D" else _TEXT_MAX
        if len(head) < _HEAD or kind not in b"AFDEZ" or length > most:
            raise BackupError("the backup is damaged: it has a part that cannot be read")
        payload = self._read(length)
        if len(payload) < length:
            raise BackupError("the backup ends too early")
        return kind, payload


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=True, sort_keys=True).encode()


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BackupError("the backup is damaged: it has a part that cannot be read")
    return value


def _string(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise BackupError(f"the backup is damaged: a part has no {name}")
    return found


def _about(value: dict[str, Any]) -> About:
    created, recordings = value.get("created"), value.get("recordings")
    if not isinstance(created, float) or not 0 <= created < _LATEST or not isinstance(recordings, bool):
        raise BackupError("the backup does not say when it was made and of what")
    return About(_string(value, "version"), _string(value, "schema"), created, recordings)
