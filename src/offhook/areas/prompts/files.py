"""Prompts in their folder, by name. A name never leads out of the folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from offhook import disk
from offhook.areas.prompts.audio import seconds_of
from offhook.asterisk.config import private_folder

NAME = r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_NAME = re.compile(NAME)
_ENDING = re.compile(r"\.(wav|gsm|mp3|ogg|flac|aiff?|ulaw|alaw)$", re.IGNORECASE)


class NameRefused(Exception):
    """A name that no prompt can have, or that none has; the text says which."""


@dataclass(frozen=True, slots=True)
class SoundFile:
    """One stored file; `changed` in seconds since the epoch."""

    name: str
    seconds: float
    changed: float


def name_of(filename: str) -> str:
    """The name that an uploaded file gets: its own without the ending. Raises NameRefused."""
    return checked(_ENDING.sub("", filename))


def checked(name: str) -> str:
    """`name` if a prompt may have it: at least one letter, no `+`, no ending. Raises NameRefused."""
    if not _NAME.fullmatch(name) or ".." in name or _ENDING.search(name):
        raise NameRefused("a prompt's name has letters, digits and _ . - and at least one letter")
    return name


class SoundFolder:
    """The WAV files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[SoundFile]:
        """Every file, by name."""
        found = []
        for path in sorted(self.folder.glob("*.wav")):
            if path.is_symlink() or not path.is_file() or not _NAME.fullmatch(path.stem):
                continue
            state = path.stat()
            found.append(SoundFile(path.stem, seconds_of(state.st_size), state.st_mtime))
        return found

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        if not _NAME.fullmatch(name):
            return False
        path = self._path(name)
        return path.is_file() and not path.is_symlink()

    def read(self, name: str) -> bytes:
        """The WAV. Raises NameRefused when there is none."""
        if not self.exists(name):
            raise NameRefused(f"there is no {name}")
        return self._path(name).read_bytes()

    def store(self, name: str, wav: bytes) -> None:
        """Put a WAV in place at once and for good. Raises NameRefused, OSError."""
        path = self._path(checked(name))
        private_folder(self.folder)
        disk.write(path, wav)

    def delete(self, name: str) -> None:
        """Delete a file. Raises NameRefused when there is none."""
        if not self.exists(name):
            raise NameRefused(f"there is no {name}")
        self._path(name).unlink()
        disk.sync(self.folder)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.wav"
