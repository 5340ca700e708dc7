"""The keys `prompts` and `musiconhold` of the declared state: audio files on this machine, or texts to speak.

    prompts: [{name: welcome, file: /srv/welcome.wav}, {name: closed, text: We are closed., language: en}]
    musiconhold: [{name: lobby, files: [/srv/a.wav, /srv/b.wav]}]

Unlike the other lists these only add: a prompt that is not declared stays, as people upload them by hand.
They are files and not rows, so they are put in place before the rest is stored, and stay when it is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.apply.change import Change, Difference
from offhook.areas.apply.document import ApplyError, Node, objects
from offhook.areas.apply.extensions import numbered
from offhook.areas.prompts.audio import MAX_BYTES, AudioError
from offhook.areas.prompts.files import NameRefused, checked
from offhook.areas.prompts.service import MusicService, PromptService, checked_class
from offhook.areas.prompts.speech import SpeechUnavailable
from offhook.store.unit import UnitOfWork

_Declared = Sequence[tuple[str, dict[str, str]]]


def _digest(files: Sequence[tuple[str, bytes]]) -> str:
    """Of names and contents together."""
    parts = (f"{name}\0{hashlib.sha256(data).hexdigest()}" for name, data in files)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _file(place: str, path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as failure:
        raise ApplyError(f"{place}: {path} cannot be read: {failure.strerror}") from None


class PromptSection:
    """Declared prompts."""

    key = "prompts"

    def __init__(self, service: PromptService) -> None:
        self._service = service

    def read(self, node: Node) -> _Declared:
        """Place and settings of each prompt. Raises ApplyError."""
        declared = numbered(
            objects(node, self.key, frozenset({"name", "file", "text", "language"})), self.key, "name"
        )
        for place, values in declared:
            _checked(place, checked, values["name"])
            if ("file" in values) == ("text" in values):
                raise ApplyError(f"{place}: a prompt has either a file or a text")
        return declared

    def current(self, connection: sa.Connection) -> dict[str, str]:
        """What each prompt was made of, as a hash."""
        return self._service.origins()

    def plan(self, current: dict[str, str], declared: _Declared) -> list[Change]:
        """Those that are new or made of something else."""
        changes = []
        for place, values in declared:
            data = _file(place, values["file"]) if "file" in values else b""
            origin = hashlib.sha256(
                data or f"{values['text']}\0{values.get('language', 'en')}".encode()
            ).hexdigest()
            if current.get(values["name"]) != origin:
                shown = values.get("file") or values["text"]
                changes.append(
                    Change(
                        section=self.key,
                        operation="update" if values["name"] in current else "add",
                        name=values["name"],
                        differences=(Difference("made of", "", shown),),
                        request=(place, values, data, origin),
                    )
                )
        return changes

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Put the files in place. Raises ApplyError."""
        await asyncio.to_thread(self._make, changes)

    def execute(self, _unit: UnitOfWork, changes: Sequence[Change]) -> None:
        """Nothing: there are no rows."""

    def _make(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change.request, tuple):
                place, values, data, origin = change.request
                try:
                    self._service.make(values, data, origin)
                except (AudioError, NameRefused, SpeechUnavailable) as refused:
                    raise ApplyError(f"{place}: {refused}") from None

    async def finished(self, done: None) -> None:
        """Nothing more: the engine opens a prompt when it plays it."""

    def export(self, current: dict[str, str]) -> Node | None:
        """Prompts are audio and stay out of the document."""
        return None


class MusicSection:
    """Declared classes of music on hold."""

    key = "musiconhold"

    def __init__(self, service: MusicService) -> None:
        self._service = service

    def read(self, node: Node) -> _Declared:
        """Place and settings of each class. Raises ApplyError."""
        declared = numbered(objects(node, self.key, frozenset({"name", "files"})), self.key, "name")
        for place, values in declared:
            _checked(place, checked_class, values["name"])
        return declared

    def current(self, connection: sa.Connection) -> dict[str, str]:
        """What each class was made of, as a hash."""
        return self._service.origins()

    def plan(self, current: dict[str, str], declared: _Declared) -> list[Change]:
        """Those that are new or made of something else."""
        changes = []
        for place, values in declared:
            name = values["name"]
            paths = [path for path in values.get("files", "").split(",") if path]
            if not paths:
                raise ApplyError(f"{place}: files are needed")
            files = [(Path(path).name, _file(place, path)) for path in paths]
            origin = _digest(files)
            if current.get(name) == origin:
                continue
            changes.append(
                Change(
                    section=self.key,
                    operation="update" if name in current else "add",
                    name=name,
                    differences=(Difference("files", "", ",".join(paths)),),
                    request=(place, name, files, origin),
                )
            )
        return changes

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Put the files in place. Raises ApplyError."""
        await asyncio.to_thread(self._make, changes)

    def execute(self, _unit: UnitOfWork, changes: Sequence[Change]) -> bool:
        """Nothing: there are no rows."""
        return bool(changes)

    def _make(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change.request, tuple):
                place, name, files, origin = change.request
                try:
                    self._service.make(name, files, origin)
                except (AudioError, NameRefused) as refused:
                    raise ApplyError(f"{place}: {refused}") from None

    async def finished(self, done: bool) -> None:
        """Have the engine read the classes."""
        if done:
            await self._service.finished()

    def export(self, current: dict[str, str]) -> Node | None:
        """Music is audio and stays out of the document."""
        return None


def _checked(place: str, check: Callable[[str], str], name: str) -> None:
    try:
        check(name)
    except NameRefused as refused:
        raise ApplyError(f"{place}: {refused}") from None
