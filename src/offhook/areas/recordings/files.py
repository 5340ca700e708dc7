"""Where recordings lie and what is done with their files. Blocking: call it in a thread.

    recordings/running/<name>.in.sln16, .out.sln16   the engine writes: what the channel says, what it hears
    recordings/<yyyy-mm-dd>/<name>.wav               closed, by the day in its name

What the engine writes are bare samples (16 kHz, 16 bit), so a part of a file is as good as the whole and a
crash of anything costs nothing that was written. The engine's own file with both sides (its option D)
is not used: it is broken for calls of 16 kHz, and has lost one side after a hold (measured on 22.10.1). At
16 kHz the engine's buffer of 32 kB holds a second; at 8 kHz it would be two that are lost with the engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offhook import disk
from offhook.areas.recordings.ondisk import ENDING, RunningOnDisk
from offhook.asterisk.config import private_folder
from offhook.asterisk.process import engine_pid

RATE = 16000
_SIDES = (f".in{ENDING}", f".out{ENDING}")
_SAMPLE = 2  # bytes
_BLOCK = 1 << 17
_NAME = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})[0-9]{6}-(?P<callid>[0-9]{1,12}\.[0-9]{1,12})"
    r"-(?P<caller>[0-9A-Za-z]{1,40})-(?P<callee>[0-9A-Za-z]{1,40})-(?P<type>Internal|Inbound|Outbound)\.wav",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class RecordingName:
    """What a recording's name says."""

    day: str  # yyyy-mm-dd
    callid: str
    caller: str
    callee: str
    type: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A finished file: its size, how long it plays, its checksum."""

    bytes: int
    seconds: float
    sha256: str


def read_name(name: str) -> RecordingName | None:
    """The parts of a name; None when it is no recording's, which so never becomes a path. Pure."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    day = f"{match['year']}-{match['month']}-{match['day']}"
    return RecordingName(day, match["callid"], match["caller"], match["callee"], match["type"])


def running_folder(data: Path) -> Path:
    """Where the engine writes the recordings of the data folder `data`."""
    return data / "recordings" / "running"


def wav_header(channels: int, size: int) -> bytes:
    """The header of a WAV file of 16 bit and RATE whose samples take `size` bytes. Pure."""
    size = min(size, 0xFFFFFFFF - 36)
    align = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, channels, RATE, RATE * align, align, 16),
        *(b"data", size),
    )


class RecordingFiles:
    """The files of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.root = private_folder(data / "recordings")
        self.running = private_folder(running_folder(data))
        self.on_disk = RunningOnDisk(self.running)

    def raw(self, name: str) -> tuple[Path, Path]:
        """The files that the engine writes: what the channel says, what it hears.

        Raises ValueError for what is no name.
        """
        _parts(name)
        said, heard = (self.running / f"{name.removesuffix('.wav')}{side}" for side in _SIDES)
        return said, heard

    def path(self, name: str) -> Path:
        """Where a closed recording lies. Raises ValueError for what is no name."""
        return self.root / _parts(name).day / name

    def open_now(self) -> frozenset[str]:
        """The names of the recordings that the engine has open."""
        pid = engine_pid(self._data)
        if pid is None:
            return frozenset()
        try:
            handles = list(os.scandir(f"/proc/{pid}/fd"))
        except OSError:
            return frozenset()
        found = set()
        folder = f"{self.running.resolve()}/"
        for handle in handles:
            try:
                target = str(Path(handle.path).readlink())
            except OSError:
                continue
            if target.startswith(folder) and (name := _name_of_raw(target[len(folder) :])):
                found.add(name)
        return frozenset(found)

    def raw_names(self) -> list[str]:
        """The recordings of which there is what the engine wrote."""
        return sorted({name for path in self.running.iterdir() if (name := _name_of_raw(path.name))})

    def close(self, name: str, *, stereo: bool, caller_heard: bool) -> Closed | None:
        """Make the WAV file of what the engine has written; None when there is nothing.

        `caller_heard` says that the recorded channel is the callee's, so that what it heard is the caller,
        who is put on the left. What is there already from before a crash is made again.
        """
        raw, target = self.raw(name), self.path(name)
        if not any(path.exists() for path in raw):
            return self._measured(target) if target.exists() else None
        private_folder(target.parent)  # which puts a new day on disk
        draft = target.with_name(f".{name}.part")
        channels = 2 if stereo else 1
        # killed in the middle, the engine may have written more of one side than of the other
        samples = max(path.stat().st_size // _SAMPLE if path.exists() else 0 for path in raw)
        size = samples * _SAMPLE * channels
        left, right = reversed(raw) if caller_heard else raw
        digest = hashlib.sha256()
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for part in (wav_header(channels, size), *_blocks(left, right, samples, stereo=stereo)):
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        disk.sync(target.parent)
        return Closed(44 + size, samples / RATE, digest.hexdigest())

    def forget_raw(self, name: str) -> None:
        """Remove what the engine has written, once its WAV file is in the store."""
        for path in self.raw(name):
            path.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Delete a recording."""
        self.forget_raw(name)
        target = self.path(name)
        target.unlink(missing_ok=True)
        if target.parent.is_dir() and not any(target.parent.iterdir()):
            target.parent.rmdir()

    def days(self) -> set[str]:
        """The days for which there are files."""
        days = {path.name for path in self.root.iterdir() if path.is_dir() and path != self.running}
        return days | {read.day for name in self.raw_names() if (read := read_name(name))}

    def names(self, day: str) -> set[str]:
        """The recordings of a day that files lie there for."""
        folder = self.root / day
        closed = folder.iterdir() if folder.is_dir() else ()
        running = {name for name in self.raw_names() if (read := read_name(name)) and read.day == day}
        return running | {path.name for path in closed if not path.name.startswith(".")}

    def _measured(self, path: Path) -> Closed:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            header = file.read(44)
            digest.update(header)
            while part := file.read(_BLOCK):
                digest.update(part)
        size = path.stat().st_size
        rate = struct.unpack_from("<I", header, 28)[0] if len(header) == 44 else 0
        return Closed(size, (size - 44) / rate if rate else 0.0, digest.hexdigest())


def _blocks(left: Path, right: Path, samples: int, *, stereo: bool) -> Iterator[bytes]:
    """The first `samples` of both sides in the form wanted; what one lacks is silence."""
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(path.open("rb")) if path.exists() else io.BytesIO() for path in (left, right)
        ]
        while samples > 0:
            count = min(_BLOCK, samples)
            samples -= count
            sides = np.zeros((count, 2), dtype="<i2")
            for at, file in enumerate(files):
                part = file.read(count * _SAMPLE)
                found = np.frombuffer(part[: len(part) // _SAMPLE * _SAMPLE], dtype="<i2")
                sides[: len(found), at] = found
            if stereo:
                yield sides.tobytes()
            else:
                mixed = sides.astype(np.int32).sum(axis=1)
                yield np.clip(mixed, -32768, 32767).astype("<i2").tobytes()


def _name_of_raw(file: str) -> str:
    """The recording that a file of the engine belongs to; empty for other files."""
    return next((f"{file.removesuffix(side)}.wav" for side in _SIDES if file.endswith(side)), "")


def _parts(name: str) -> RecordingName:
    parts = read_name(name)
    if parts is None:
        raise ValueError("this is no name of a recording")
    return parts
