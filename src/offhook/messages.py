"""Records, recordings, voicemail, wake-up calls, mail and the soft client of a running PBX: made and wired.

`offhook.app` makes one `Messages` and hands it what it needs of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.alarms.admin import AlarmPart
from offhook.areas.alarms.service import Alarms
from offhook.areas.control.live import LiveCalls
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.mail.admin import MailPart
from offhook.areas.recordings.wiring import RecordingParts
from offhook.areas.records.wiring import CallRecords
from offhook.areas.softclient import api as softclient_api
from offhook.areas.voicemail.parts import Voicemail
from offhook.areas.wakeup.wiring import WakeupParts
from offhook.asterisk.switch import Switch
from offhook.contract.admin import AdminPart
from offhook.contract.endpoint import Endpoint
from offhook.core import Core
from offhook.store.unit import UnitOfWork


class Messages:
    """The parts of a PBX that keep what was said and do what was put off."""

    def __init__(self, core: Core, switch: Switch, live: LiveCalls) -> None:
        self._core = core
        self.links = OneTimeLinks(core.clock, lambda: core.api_settings.now.download_addresses)
        self.recordings = RecordingParts(core, switch, live, self.links)
        self.call_records = CallRecords(
            core.store,
            core.clock,
            core.zone,
            system=core.system,
            settings=core.pbx_settings,
            links=self.links,
            known=core.extensions.numbers,
        )
        core.on_parts_changed(self.call_records.on_parts_changed)
        self.mailer = core.mailer
        core.on_parts_changed(self.mailer.on_parts_changed)
        self.alarms = Alarms(
            core.store,
            core.pbx_settings,
            core.clock,
            core.zone,
            self.mailer,
            lambda: core.system.identity.devicename,
            core.dispatcher.publish,
        )
        self.recordings.guard.on_full = self.alarms.disk
        self.mailer.on_server(self.alarms.mail_server)
        self.soft_client = core.soft_client
        core.on_extensions_changed(self.soft_client.on_extensions_changed)
        self.wakeups = WakeupParts(core, switch, live, self.alarms)
        self.voicemail = Voicemail(core, switch, self.links)
        core.on_extensions_changed(self.voicemail.guard.on_extensions_changed)

    def forget_guest_in(self, unit: UnitOfWork, numbers: Sequence[str]) -> None:
        """Delete what the guests of these rooms have left behind in the store, within `unit`."""
        self._core.wakeups.delete_all_in(unit, numbers)
        self.wakeups.misses.forget_in(unit, numbers)

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """The contract's endpoints of these parts."""
        return [
            *self.call_records.endpoints(),
            *self.recordings.endpoints(),
            *softclient_api.endpoints(self.soft_client),
            *self.wakeups.endpoints(),
            *self.voicemail.endpoints(),
        ]

    def admin_parts(self) -> list[AdminPart]:
        """What operators can do with them."""
        return [
            self.call_records.part,
            self.recordings.part,
            *self.wakeups.parts,
            MailPart(self.mailer),
            AlarmPart(self.alarms),
        ]

    async def start(self) -> None:
        """Begin, once the engine can be spoken to."""
        self.call_records.retention.start()
        self.recordings.start()
        await self.mailer.start()
        await self.alarms.start()
        await self.wakeups.runner.start()
        await self.voicemail.start()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells."""
        self.recordings.on_events(events)
        self.voicemail.on_events(events)

    async def on_connected(self) -> None:
        """Catch up after the link to the engine was away; at the start too."""
        await self.recordings.on_connected()
        self.alarms.clear("engine", "the engine runs again")
        await self.voicemail.on_connected()

    async def close(self) -> None:
        """End what goes on by itself; what waits is in the store."""
        await self.voicemail.close()
        await self.call_records.retention.close()
        await self.alarms.close()
        await self.mailer.close()
        await self.recordings.close()
        await self.wakeups.runner.close()
