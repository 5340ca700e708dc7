"""Keeps the engine's generated files in line with the store, and has it read what has changed.

Each file is written as a whole and only when its text has changed; `refresh` returns when the engine has read
it, so a change that was acknowledged is in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from offhook.asterisk.config import write_file
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file: of which part it is, how its text is made of the store, and which modules read it."""

    part: str
    name: str
    text: Callable[[sa.Connection], str]
    modules: tuple[str, ...]


class EngineFiles:
    """All generated files of the engine."""

    def __init__(self, store: Store, switch: Switch, etc: Path, files: Sequence[GeneratedFile]) -> None:
        self._store = store
        self._switch = switch
        self._etc = etc
        self._files = tuple(files)
        self._turn = asyncio.Lock()

    async def write(self, parts: frozenset[str] | None = None) -> list[str]:
        """Write what has changed of these parts (None: all); returns the modules that have to read."""
        wanted = [file for file in self._files if parts is None or file.part in parts]
        texts = await self._store.read(lambda connection: [file.text(connection) for file in wanted])
        stale: dict[str, None] = {}
        for file, text in zip(wanted, texts, strict=True):
            if await asyncio.to_thread(self._write, file.name, text):
                stale.update(dict.fromkeys(file.modules))
        return list(stale)

    def _write(self, name: str, text: str) -> bool:
        path = self._etc / name
        try:
            if path.read_text(encoding="utf-8") == text:
                return False
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(path, text)
        return True

    async def refresh(self, parts: frozenset[str]) -> None:
        """Bring the engine in line; an engine that is away reads the files when it starts."""
        if not parts:
            return
        async with self._turn:
            try:
                for module in await self.write(parts):
                    await self._switch.reload(module)
            except SwitchError as failure:
                log.warning("configuration: the engine was not told of a change: %s", failure)

    async def reload(self, modules: Iterable[str]) -> None:
        """Have the engine read files again that were written while nobody could tell it."""
        for module in modules:
            await self._switch.reload(module)
