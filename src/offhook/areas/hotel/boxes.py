"""Emptying a mailbox by the engine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch

_MESSAGE_ID = re.compile(rb"^msg_id=(\S+)", re.MULTILINE)
_LEFT_AT = re.compile(rb"^origtime=([0-9]{1,18})", re.MULTILINE)
_ROUNDS = 3


class Boxes:
    """The mailboxes that the engine keeps in `folder`."""

    def __init__(self, switch: Switch, folder: Path) -> None:
        self._switch = switch
        self._folder = folder

    async def empty(self, number: str, until: float) -> None:
        """Delete the messages left until then (seconds since the epoch). Raises SwitchError."""
        for _ in range(_ROUNDS):  # a folder is numbered anew when one goes
            messages = await asyncio.to_thread(lambda: list(self._messages(number, until)))
            if not messages:
                return
            for folder, identity in messages:
                try:
                    await self._switch.act(
                        actions.VoicemailRemove(mailbox=number, folder=folder, id=identity)
                    )
                except EngineRefused:
                    continue  # deleted meanwhile, by phone

    def _messages(self, number: str, until: float) -> Iterator[tuple[str, str]]:
        for text in sorted((self._folder / number).glob("*/msg*.txt")):
            try:
                content = text.read_bytes()
            except FileNotFoundError:
                continue
            identity, left_at = _MESSAGE_ID.search(content), _LEFT_AT.search(content)
            if identity and (left_at is None or int(left_at[1]) <= until):
                yield text.parent.name, identity[1].decode("ascii", "replace")
