"""What the engine does not read live of an extension: identify objects, old registrations, a deleted box.

A phone that registers under another name than its number is found by the name in its Authorization header;
such identify objects cost the engine time for every request when read through a view, so they are in a file.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.extensions.model import ExtensionChanged
from offhook.areas.extensions.tables import extensions
from offhook.asterisk.config import write_file
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)

IDENTIFY_FILE = "pjsip_generated.conf"
IDENTIFY_MODULE = "res_pjsip_endpoint_identifier_ip.so"
_NUMBER = re.compile(r"[0-9]{1,7}")
_NAME = re.compile(r"[A-Za-z0-9]{1,31}")

TellEngineEvents = Callable[[Sequence[Mapping[str, str]]], None]


def identify_sections(names: Iterable[tuple[str, str]]) -> str:
    """Configuration for extensions given as number and registername; equal ones need none.

    Both are letters and digits by the contract's rules; anything else is left out, so that no value can
    begin a section of its own.
    """
    text = "; written by offhook\n"
    for number, name in names:
        if number == name or not _NUMBER.fullmatch(number) or not _NAME.fullmatch(name):
            continue
        text += (
            f"[identify-{number}]\ntype=identify\nendpoint={number}\n"
            f'match_header=Authorization: /username="{name}"/\n'
        )
    return text


class ExtensionEngine:
    """Keeps the engine in line with changed extensions. `tell` takes events that the engine does not send."""

    def __init__(self, store: Store, switch: Switch, etc: Path, spool: Path, tell: TellEngineEvents) -> None:
        self._store = store
        self._switch = switch
        self._file = etc / IDENTIFY_FILE
        self._boxes = spool / "voicemail" / "default"
        self._tell = tell
        self._turn = asyncio.Lock()

    async def write_identify(self) -> bool:
        """Write the file if it has changed; True when the engine has to read it again."""
        column = extensions.c
        rows = await self._store.read(
            lambda c: c.execute(
                sa.select(column.number, column.registername)
                .where(column.number != column.registername)
                .order_by(column.number)
            ).all()
        )
        return await asyncio.to_thread(
            self._write, identify_sections((row.number, row.registername) for row in rows)
        )

    def _write(self, text: str) -> bool:
        try:
            if self._file.read_text(encoding="utf-8") == text:
                return False
        except FileNotFoundError:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self._file, text)
        return True

    async def on_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        """Bring the engine in line; an engine that is away is brought in line when it starts."""
        async with self._turn:
            try:
                if await self.write_identify():
                    await self._switch.reload(IDENTIFY_MODULE)
                gone = [one for one in changed if one.renamed]
                if gone:
                    await self._end_registrations({one.old_registername: one.number for one in gone})
            except SwitchError as failure:
                log.warning("extensions: the engine was not told of a change: %s", failure)
            for one in changed:
                if one.operation == "del" and _NUMBER.fullmatch(one.number):
                    await asyncio.to_thread(shutil.rmtree, self._boxes / one.number, ignore_errors=True)

    async def _end_registrations(self, numbers: Mapping[str, str]) -> None:
        """End what is registered under these names, or a new extension would ring old phones."""
        ended = await self._switch.end_registrations(numbers)
        self._tell(
            [
                {
                    "Event": "ContactStatus",
                    "URI": uri,
                    "ContactStatus": "Removed",
                    "AOR": name,
                    "EndpointName": numbers[name],
                }
                for name, uri in ended
            ]
        )
