"""Reads the operator's dialplan files, translates them, and puts the result before the engine.

The files lie in `custom/` of the data folder. A broken one is refused with file and line, and what is in
force stays: the engine only ever sees the last translation that was whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from offhook.areas.customdialplan.translate import DialplanError, Translated, translate
from offhook.asterisk.config import private_folder, write_file
from offhook.asterisk.modules import APPLICATIONS

log = logging.getLogger(__name__)
CUSTOM_FILE = "extensions_custom_generated.conf"
_MOST_BYTES = 4 << 20


class CustomDialplan:
    """The operator's own dialplan. `target` is the file that the engine reads, by default in its folder;
    `on_changed` has a running engine read it again.
    """

    def __init__(
        self, data: Path, target: Path | None = None, on_changed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.folder = private_folder(data / "custom")
        self._media = private_folder(data / "media")
        private_folder(data / "media" / "networkdisk1")
        self._target = target or data / "asterisk" / "etc" / CUSTOM_FILE
        self._on_changed = on_changed
        self.contexts: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Translate at the start; a broken file leaves what the engine had, and says so."""
        try:
            await asyncio.to_thread(self._write, await self.check())
        except DialplanError as refused:
            log.error("custom dialplan: %s; the last good one stays in force", refused)
            self.contexts = await asyncio.to_thread(self._contexts_in_force)

    async def check(self) -> Translated:
        """What the files say. Raises DialplanError."""
        return await asyncio.to_thread(self._translate)

    async def reload(self) -> Translated:
        """Put the files in force. Raises DialplanError, and then nothing was changed."""
        translated = await self.check()
        await asyncio.to_thread(self._write, translated)
        if self._on_changed is not None:
            await self._on_changed()
        return translated

    def _translate(self) -> Translated:
        files = []
        for path in sorted(self.folder.glob("*.conf")):
            if path.is_symlink() or not path.is_file():
                raise DialplanError(path.name, 1, "is no plain file")
            if path.stat().st_size > _MOST_BYTES:
                raise DialplanError(path.name, 1, f"is larger than {_MOST_BYTES >> 20} MB")
            try:
                files.append((path.name, path.read_text(encoding="utf-8")))
            except UnicodeDecodeError:
                raise DialplanError(path.name, 1, "is not UTF-8") from None
        return translate(files, media=str(self._media), applications=APPLICATIONS)

    def _write(self, translated: Translated) -> None:
        self._target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self._target, translated.text)
        self.contexts = translated.contexts

    def _contexts_in_force(self) -> frozenset[str]:
        try:
            lines = self._target.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return frozenset()
        return frozenset(line[1:-1] for line in lines if line.startswith("["))
