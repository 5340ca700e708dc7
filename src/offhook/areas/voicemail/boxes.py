"""The engine's mailboxes on disk: read only, as long as they are in use. Blocking; call it in a thread.

The engine moves and numbers files while we read. A folder is read again until it was still meanwhile, and a
message's audio is taken only if the text beside it was of the same message before and after.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from offhook import disk
from offhook.areas.voicemail.model import FOLDERS, Message, position_of, read_message
from offhook.asterisk.config import private_folder

_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)
_TRIES = 8


class Boxes:
    """The boxes in `folder`; `taken` is where audio is linked to that is being fetched."""

    def __init__(self, folder: Path, taken: Path) -> None:
        self._folder = folder
        self._taken = taken

    def clean(self) -> None:
        """Forget what an earlier process had taken."""
        shutil.rmtree(self._taken, ignore_errors=True)

    def sweep(self, engine: Path) -> None:
        """Delete what was never finished: an engine that is killed while somebody speaks leaves it behind.

        `engine` is the file that was written when the engine of today began, which has begun all since.
        """
        try:
            before = engine.stat().st_mtime
        except FileNotFoundError:
            return
        for path in self._folder.glob("*/tmp/*"):
            with contextlib.suppress(FileNotFoundError):  # finished meanwhile
                if path.lstat().st_mtime < before:
                    path.unlink()

    def numbers(self) -> list[str]:
        """The boxes that have a folder."""
        try:
            return sorted(path.name for path in self._folder.iterdir() if _NUMBER.fullmatch(path.name))
        except FileNotFoundError:
            return []

    def messages(self, number: str) -> list[Message]:
        """All messages of a box: the unread ones first, then by name."""
        if not _NUMBER.fullmatch(number):
            return []
        found: dict[str, Message] = {}
        for folder in FOLDERS:
            for message in self._still(self._folder / number / folder):
                found.setdefault(message.msg_id, message)
        return sorted(found.values(), key=lambda one: (one.status == "read", one.name))

    def find(self, number: str, msg_id: str) -> Message | None:
        """The message with this id, wherever it lies now."""
        return next((one for one in self.messages(number) if one.msg_id == msg_id), None)

    def take(self, number: str, msg_id: str) -> Path | None:
        """A file of our own with the audio of a message, to be deleted by the caller; None when it is gone.

        Raises OSError when the disk fails.
        """
        private_folder(self._taken)
        for _ in range(_TRIES):
            message = self.find(number, msg_id)
            if message is None:
                return None
            audio = self._stem(number, message).with_suffix(".wav")
            target = self._taken / f"{secrets.token_hex(16)}.wav"
            try:
                disk.link(audio, target)
            except FileNotFoundError:
                continue
            again = _read(audio.parent, message.position)
            if again is not None and again.msg_id == msg_id:
                return target
            target.unlink()
        return None

    def discard(self, number: str, msg_ids: Collection[str]) -> None:
        """Delete messages of a box that the engine does not know, because its extension has none any more."""
        for message in self.messages(number):
            if message.msg_id in msg_ids:
                stem = self._stem(number, message)
                stem.with_suffix(".txt").unlink(missing_ok=True)
                stem.with_suffix(".wav").unlink(missing_ok=True)

    def keep(self, number: str, messages: Iterable[Message]) -> None:
        """Put messages of a box on disk, which the engine does not. Raises OSError."""
        for message in messages:
            stem = self._stem(number, message)
            for ending in (".wav", ".txt"):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    disk.sync(stem.with_suffix(ending))
        self.keep_names(number)

    def keep_names(self, number: str) -> None:
        """Put on disk which messages a box has, so that no deleted one comes back. Raises OSError."""
        box = self._folder / number
        for folder in (*(box / name for name in FOLDERS), box, self._folder):
            with contextlib.suppress(FileNotFoundError):
                disk.sync(folder)

    def _stem(self, number: str, message: Message) -> Path:
        return _stem(self._folder / number / message.folder, message.position)

    def _still(self, folder: Path) -> list[Message]:
        """The messages of a folder, of one moment; of the last look if it never is still."""
        found: list[Message] = []
        for _ in range(_TRIES):
            try:
                before = folder.stat().st_mtime_ns
                positions = [at for path in folder.iterdir() if (at := position_of(path.name)) is not None]
            except (FileNotFoundError, NotADirectoryError):
                return []
            read = [_read(folder, position) for position in sorted(positions)]
            found = [message for message in read if message is not None]
            with contextlib.suppress(FileNotFoundError):
                if folder.stat().st_mtime_ns == before and None not in read:
                    break
        return found


def _stem(folder: Path, position: int) -> Path:
    """A message's files without their endings."""
    return folder / f"msg{position:04d}"


def _read(folder: Path, position: int) -> Message | None:
    stem = _stem(folder, position)
    try:
        if not stem.with_suffix(".wav").exists():
            return None
        return read_message(folder.name, position, stem.with_suffix(".txt").read_bytes())
    except OSError:
        return None
