"""Voicemail of a running PBX, made and wired."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from offhook import logs
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.pbxsettings.voicemail_settings import VOICEMAIL
from offhook.areas.voicemail import api
from offhook.areas.voicemail.boxes import Boxes
from offhook.areas.voicemail.guard import PinGuard
from offhook.areas.voicemail.mailing import VoicemailMail
from offhook.areas.voicemail.pins import NewPins
from offhook.areas.voicemail.service import VoicemailService
from offhook.asterisk.switch import Switch
from offhook.contract.endpoint import Endpoint
from offhook.core import Core


class Voicemail:
    """The parts of this area."""

    def __init__(self, core: Core, switch: Switch, links: OneTimeLinks) -> None:
        data = core.settings.data
        self._core = core
        self._links = links
        self._boxes = Boxes(data / "asterisk" / "spool" / "voicemail" / "default", data / "voicemail")
        self.service = VoicemailService(self._boxes, switch, core.extensions.numbers, self._has_box)
        self.guard = PinGuard(switch, core.clock)
        self._new_pins = NewPins(core.extensions, switch)
        self._mailing = VoicemailMail(
            core.store,
            core.clock,
            core.zone,
            self.service,
            core.mailer,
            lambda connection: core.pbx_settings.get_in(connection, VOICEMAIL),
        )
        core.on_parts_changed(self._on_parts_changed)

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """The contract's endpoints of voicemail."""
        return api.endpoints(self.service, self._links, self._core.zone)

    async def start(self) -> None:
        """Begin, once the engine can be spoken to."""
        await asyncio.to_thread(self._boxes.clean)
        self._mailing.start()
        self.guard.start()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells."""
        for event in logs.each(events):
            match event.get("Event"), event.get("UserEvent"):
                case "UserEvent", "OffhookPin":
                    self.guard.on_wrong(event)
                case "UserEvent", "OffhookNewPin":
                    self._new_pins.on_typed(event)
                case ("UserEvent", "OffhookVoicemailEnd") | ("MessageWaiting", _):
                    self._mailing.look(event.get("Mailbox", "").partition("@")[0])

    async def on_connected(self) -> None:
        """Catch up with what was left and deleted while nobody listened, and what was never finished."""
        engine = self._core.settings.data / "run" / "engine.json"
        await asyncio.to_thread(self._boxes.sweep, engine)
        self._mailing.look()
        self.guard.on_connected()

    async def close(self) -> None:
        """End what goes on by itself."""
        await self._mailing.close()
        await self.guard.close()
        await self._new_pins.close()

    async def _has_box(self, number: str) -> bool:
        found = await self._core.extensions.find(number)
        return found is not None and found.hasvoicemail

    async def _on_parts_changed(self, parts: frozenset[str]) -> None:
        if parts & {"mail", "voicemail"}:
            self._mailing.look()
