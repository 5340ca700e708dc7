"""Call records as applications and operators get them, and how long they are kept: made for a running PBX."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.pbxsettings.records_settings import PART, RECORDS
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.records.admin import RecordsPart
from offhook.areas.records.api import Known, endpoints
from offhook.areas.records.export import RecordExport
from offhook.areas.records.localtime import LocalTime
from offhook.areas.records.retention import Limits, Retention
from offhook.areas.system.service import SystemService
from offhook.clock import Clock
from offhook.contract.endpoint import Endpoint
from offhook.store.unit import Store


class CallRecords:
    """The parts that work on records which are stored; `offhook.areas.records.service` makes the records."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        zone: ZoneInfo,
        *,
        system: SystemService,
        settings: SettingsService,
        links: OneTimeLinks,
        known: Known,
    ) -> None:
        self._settings = settings
        self._links = links
        self._known = known
        self._local = LocalTime(zone)
        self._export = RecordExport(store, self._local, lambda: system.identity.sn)
        self.retention = Retention(store, clock, self._limits)
        self.part = RecordsPart(store, self._local)

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """cdr/get_random and cdr/download."""
        return endpoints(self._export, self._links, self._local, self._known)

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Look at once at what is to be deleted when the settings have changed."""
        if PART in parts:
            self.retention.wake()

    async def _limits(self) -> Limits:
        now = await self._settings.get(RECORDS)
        return Limits(days=now["keepdays"], most=now["keepmost"])
