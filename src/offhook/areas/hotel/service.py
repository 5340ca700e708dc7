"""hotel/checkout: a guest leaves, and the room's extension is as new (spec 18-applications, `endpoints`)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from offhook.areas.extensions import queries
from offhook.areas.extensions.model import ExtensionChanged
from offhook.areas.extensions.requests import UpdateExtension
from offhook.areas.extensions.service import ExtensionService
from offhook.areas.routes.rights import revoke
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork

_MESSAGE_ID = re.compile(rb"^msg_id=(\S+)", re.MULTILINE)
_ROUNDS = 3


class HotelService:
    """Clears rooms. `boxes` is the folder in which the engine keeps the mailboxes."""

    def __init__(self, store: Store, extensions: ExtensionService, switch: Switch, boxes: Path) -> None:
        self._store = store
        self._extensions = extensions
        self._switch = switch
        self._boxes = boxes

    async def checkout(self, which: Selection) -> None:
        """Empty the boxes, take the outbound rights away and reset the names.

        Raises ContractError 10006 when one of the extensions does not exist, and then nothing was done; 30002
        when the engine cannot be told to empty a box: rights and names are reset by then.
        """
        changed = await self._store.write("hotel/checkout", lambda unit: self._reset(unit, which))
        await self._extensions.finished(changed)
        for one in changed:
            await self._empty(one.number)

    def _reset(self, unit: UnitOfWork, which: Selection) -> list[ExtensionChanged]:
        numbers = queries.select_numbers(unit.connection, which)
        if not which.every and len(numbers) < len(which.names):
            raise ContractError(Errno.NO_SUCH_EXTENSION, "not every extension exists; nothing was done")
        revoke(unit.connection, numbers)
        return [
            self._extensions.update_in(unit, UpdateExtension(number=number, username=number), None)
            for number in numbers
        ]

    async def _empty(self, number: str) -> None:
        try:
            for _ in range(_ROUNDS):  # a message that is left meanwhile goes too
                messages = await asyncio.to_thread(lambda: list(self._messages(number)))
                if not messages:
                    return
                for folder, identity in messages:
                    await self._remove(number, folder, identity)
        except SwitchError as failure:
            raise ContractError(Errno.ENGINE_UNREACHABLE, str(failure)) from None

    async def _remove(self, number: str, folder: str, identity: str) -> None:
        try:
            await self._switch.act(actions.VoicemailRemove(mailbox=number, folder=folder, id=identity))
        except EngineRefused:
            return  # deleted meanwhile, by phone

    def _messages(self, number: str) -> Iterator[tuple[str, str]]:
        for text in sorted((self._boxes / number).glob("*/msg*.txt")):
            try:
                found = _MESSAGE_ID.search(text.read_bytes())
            except FileNotFoundError:
                continue
            if found:
                yield text.parent.name, found[1].decode("ascii", "replace")
