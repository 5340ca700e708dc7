"""PINs that are changed by phone: the dialplan has them typed twice and asks us to store them.

A PIN is never part of an event: it is read from the channel on which it was typed, and stands in no log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from offhook.areas.extensions.requests import UpdateExtension
from offhook.areas.extensions.service import ExtensionService
from offhook.asterisk.switch import Switch, SwitchError
from offhook.contract.errors import ContractError
from offhook.contract.params import read_request
from offhook.store.errors import StoreError
from offhook.tasks import Background

log = logging.getLogger(__name__)

STORED, REFUSED, FAILED = "stored", "refused", "failed"
"""What the dialplan is told: it may be used, it is no PIN, it could not be stored."""

_VARIABLE = "OFFHOOK_NEW_PIN"


class NewPins:
    """Stores them; each request is a task of its own."""

    def __init__(self, extensions: ExtensionService, switch: Switch) -> None:
        self._extensions = extensions
        self._switch = switch
        self._tasks = Background()

    def on_typed(self, event: Mapping[str, str]) -> None:
        """A PIN was typed twice by who knows the old one (UserEvent OffhookNewPin)."""
        self._tasks.begin(self._take(event.get("Channel", ""), event.get("Mailbox", "")))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()

    async def _take(self, channel: str, mailbox: str) -> None:
        try:
            done = await self._store(mailbox, await self._switch.getvar(channel, _VARIABLE))
            await self._switch.setvar(channel, "OFFHOOK_DONE", done)
        except SwitchError as failure:
            log.info("voicemail: who changed the PIN of box %s has gone: %s", mailbox, failure)

    async def _store(self, mailbox: str, pin: str) -> str:
        if not pin:
            return REFUSED  # to the contract, an empty one is none that is sent
        try:
            request = read_request(UpdateExtension, {"number": mailbox, "vmsecret": pin})
        except ContractError:
            log.info("voicemail: what was typed for box %s is no PIN", mailbox)
            return REFUSED
        try:
            await self._extensions.update(request)
        except (ContractError, StoreError) as failure:
            log.warning("voicemail: the new PIN of box %s cannot be stored: %s", mailbox, failure)
            return FAILED
        except Exception:
            log.exception("voicemail: the new PIN of box %s cannot be stored", mailbox)
            return FAILED
        log.info("voicemail: box %s has a new PIN, typed on a phone", mailbox)
        return STORED
