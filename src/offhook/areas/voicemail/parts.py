"""Voicemail of a running PBX, made and wired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.voicemail import api
from offhook.areas.voicemail.boxes import Boxes
from offhook.areas.voicemail.service import VoicemailService
from offhook.asterisk.switch import Switch
from offhook.contract.endpoint import Endpoint
from offhook.core import Core

log = logging.getLogger(__name__)


class Voicemail:
    """The parts of this area."""

    def __init__(self, core: Core, switch: Switch, links: OneTimeLinks) -> None:
        data = core.settings.data
        self._core = core
        self._links = links
        self._boxes = Boxes(data / "asterisk" / "spool" / "voicemail" / "default", data / "voicemail")
        self.service = VoicemailService(self._boxes, switch, core.extensions.numbers)

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """The contract's endpoints of voicemail."""
        return api.endpoints(self.service, self._links, self._core.zone)

    async def start(self) -> None:
        """Begin, once the engine can be spoken to."""
        await asyncio.to_thread(self._boxes.clean)

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells."""
        for event in events:
            if event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookPin":
                _report(event)

    async def close(self) -> None:
        """End what goes on by itself."""


def _report(event: Mapping[str, str]) -> None:
    mailbox, by = event.get("Mailbox", ""), event.get("By", "")
    if event.get("Locked") == "yes":
        log.warning("voicemail: box %s or caller %s is locked after too many wrong PINs", mailbox, by)
    else:
        log.warning("voicemail: a wrong PIN for box %s by %s", mailbox, by)
