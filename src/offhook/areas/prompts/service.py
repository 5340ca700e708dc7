"""The prompts and the music on hold of the PBX.

Prompts lie in `sounds/record/` of the data folder, where the engine finds them as `record/<name>`; each
class of music on hold is a folder in `moh/`. They are files, not rows: what is stored is in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from offhook import disk
from offhook.areas.objects.errors import Conflict, Missing
from offhook.areas.objects.references import References
from offhook.areas.prompts.audio import AudioError, decode, encode
from offhook.areas.prompts.files import NameRefused, SoundFile, SoundFolder, checked, name_of
from offhook.areas.prompts.speech import speak
from offhook.asterisk.config import private_folder, write_file
from offhook.contract.errors import Errno
from offhook.store.unit import Store

MUSIC_FILE = "musiconhold_generated.conf"
_DEFAULT = "default"  # the engine's own class
_RESERVED = frozenset({_DEFAULT, "general"})  # the engine tells sections without regard to capitals


def _origin(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii")
    return ""


class PromptService:
    """Prompts; a prompt that an IVR or a queue plays cannot be deleted."""

    def __init__(self, data: Path, store: Store, references: References) -> None:
        self._files = SoundFolder(private_folder(data / "sounds") / "record")
        private_folder(self._files.folder)
        self._store = store
        self._references = references
        references.add_target("prompt", "prompt", lambda _connection, name: self._files.exists(name))

    async def all(self) -> list[SoundFile]:
        """Every prompt, by name."""
        return await asyncio.to_thread(self._files.all)

    def exists(self, name: str) -> bool:
        """Whether there is a prompt of that name."""
        return self._files.exists(name)

    async def store(self, name: str, data: bytes, filename: str) -> SoundFile:
        """Decode an uploaded file and keep it. Raises AudioError, NameRefused."""
        checked(name)
        await asyncio.to_thread(lambda: self._replace(name, encode(decode(data, filename))))
        return await self._one(name)

    async def speak(self, name: str, text: str, language: str) -> SoundFile:
        """Make a prompt of a text. Raises SpeechUnavailable, AudioError, NameRefused."""
        checked(name)

        def work() -> None:
            self._replace(name, encode(decode(speak(text, language), "speech.wav")))

        await asyncio.to_thread(work)
        return await self._one(name)

    async def read(self, name: str) -> bytes:
        """The prompt as WAV. Raises Missing."""
        return await asyncio.to_thread(_read, self._files, name, "prompt")

    async def delete(self, name: str) -> None:
        """Delete a prompt. Raises Missing, or Conflict when it is in use."""
        if not self._files.exists(name):
            raise Missing(Errno.NO_SUCH_AUDIO, f"there is no prompt {name}")
        user = await self._store.read(lambda c: self._references.user_of(c, "prompt", (name,)))
        if user is not None:
            raise Conflict(Errno.NO_SUCH_AUDIO, user)
        await asyncio.to_thread(self._files.delete, name)
        (self._files.folder / f"{name}.origin").unlink(missing_ok=True)

    def origins(self) -> dict[str, str]:
        """Of what each prompt was made by `apply`, as a hash; empty for those that were uploaded."""
        return {file.name: _origin(self._files.folder / f"{file.name}.origin") for file in self._files.all()}

    def make(self, values: Mapping[str, str], data: bytes, origin: str) -> None:
        """Make a prompt of a file's bytes or, without any, of a text; slow.

        Raises AudioError, NameRefused, SpeechUnavailable.
        """
        name = checked(values["name"])
        if "text" in values:
            data = speak(values["text"], values.get("language", "en"))
        self._files.store(name, encode(decode(data, values.get("file", "speech.wav"))))
        write_file(self._files.folder / f"{name}.origin", origin)

    def _replace(self, name: str, wav: bytes) -> None:
        # not of what `apply` declares from now on; before the file, which takes this to the disk with it
        (self._files.folder / f"{name}.origin").unlink(missing_ok=True)
        self._files.store(name, wav)

    async def _one(self, name: str) -> SoundFile:
        return next(file for file in await self.all() if file.name == name)


def _read(folder: SoundFolder, name: str, word: str) -> bytes:
    try:
        return folder.read(name)
    except NameRefused:
        raise Missing(Errno.NO_SUCH_AUDIO, f"there is no {word} {name}") from None


def checked_class(name: str) -> str:
    """`name` if a class of music may have it. Raises NameRefused."""
    if name.lower() in _RESERVED:
        raise NameRefused(f"the class {name} is the engine's own")
    return checked(name)


class MusicService:
    """Classes of music on hold; `on_changed` has the engine read them again."""

    def __init__(
        self,
        data: Path,
        store: Store,
        references: References,
        on_changed: Callable[[frozenset[str]], Awaitable[None]],
    ) -> None:
        self._folder = private_folder(data / "moh")
        self._store = store
        self._references = references
        self._on_changed = on_changed
        references.add_target("musiconhold", "music on hold", lambda _connection, name: self.exists(name))

    def exists(self, name: str) -> bool:
        """Whether there is a class of that name."""
        return name == _DEFAULT or name in self.classes()

    def classes(self) -> list[str]:
        """The classes that were made."""
        found = []
        for path in sorted(self._folder.iterdir()):
            try:
                if path.is_dir() and not path.is_symlink() and checked(path.name):
                    found.append(path.name)
            except NameRefused:
                continue
        return found

    def text(self, _connection: sa.Connection) -> str:
        """The classes as the engine's configuration (musiconhold.conf).

        The files stand there by name, so that the engine reads them anew when one has come or gone.
        """
        text = "; written by offhook\n"
        for name in self.classes():
            folder = SoundFolder(self._folder / name)
            entries = "".join(f"entry={folder.folder / file.name}\n" for file in folder.all())
            text += f"[{name}]\nmode=playlist\n{entries}" if entries else ""
        return text

    async def all(self) -> dict[str, list[SoundFile]]:
        """The files of each class."""

        def work() -> dict[str, list[SoundFile]]:
            return {name: SoundFolder(self._folder / name).all() for name in self.classes()}

        return await asyncio.to_thread(work)

    async def store(self, music: str, name: str, data: bytes, filename: str) -> None:
        """Put a file into a class, which is made when there is none. Raises AudioError, NameRefused."""
        checked_class(music)
        checked(name)

        def work() -> None:
            wav = encode(decode(data, filename))
            folder = private_folder(self._folder / music)
            (folder / ".origin").unlink(missing_ok=True)
            SoundFolder(folder).store(name, wav)

        await asyncio.to_thread(work)
        await self._on_changed(frozenset({"music"}))

    def origins(self) -> dict[str, str]:
        """Of what each class was made by `apply`, as a hash; empty for those that were uploaded."""
        return {name: _origin(self._folder / name / ".origin") for name in self.classes()}

    def make(self, music: str, files: Sequence[tuple[str, bytes]], origin: str) -> None:
        """Make a class of these files and no others, given as name and bytes; slow.

        Raises AudioError, NameRefused.
        """
        wavs = {name_of(name): encode(decode(data, name)) for name, data in files}
        folder = SoundFolder(private_folder(self._folder / checked_class(music)))
        for name, wav in wavs.items():
            folder.store(name, wav)
        for old in folder.all():
            if old.name not in wavs:
                folder.delete(old.name)
        write_file(folder.folder / ".origin", origin)

    async def read(self, music: str, name: str) -> bytes:
        """A file as WAV. Raises Missing."""
        self._require(music)
        return await asyncio.to_thread(_read, SoundFolder(self._folder / music), name, "file")

    async def delete_file(self, music: str, name: str) -> None:
        """Delete a file; the last one goes with its class only. Raises Missing, Conflict."""
        self._require(music)
        folder = SoundFolder(self._folder / music)
        if not folder.exists(name):
            raise Missing(Errno.NO_SUCH_AUDIO, f"there is no file {name}")
        if len(await asyncio.to_thread(folder.all)) == 1:
            raise Conflict(Errno.NO_SUCH_AUDIO, "this is the last file; delete the class")
        await asyncio.to_thread(folder.delete, name)
        await self._on_changed(frozenset({"music"}))

    def _require(self, music: str) -> None:
        if music not in self.classes():
            raise Missing(Errno.NO_SUCH_AUDIO, f"there is no music on hold {music}")

    async def finished(self) -> None:
        """Have the engine read the classes again."""
        await self._on_changed(frozenset({"music"}))

    async def delete(self, music: str) -> None:
        """Delete a class with its files. Raises Missing, or Conflict when a queue plays it."""
        self._require(music)
        user = await self._store.read(lambda c: self._references.user_of(c, "musiconhold", (music,)))
        if user is not None:
            raise Conflict(Errno.NO_SUCH_AUDIO, user)
        await asyncio.to_thread(self._remove, music)
        await self._on_changed(frozenset({"music"}))

    def _remove(self, music: str) -> None:
        shutil.rmtree(self._folder / music)
        disk.sync(self._folder)


__all__ = ["AudioError", "MusicService", "NameRefused", "PromptService", "SoundFile", "checked_class"]
