"""Makes the parts of the recordings and joins them with the rest; part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from offhook.areas.control.live import LiveCalls
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.extensions.model import ExtensionChanged
from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.recording_settings import RECORDING
from offhook.areas.recordings import api
from offhook.areas.recordings.admin import RecordingsPart
from offhook.areas.recordings.files import running_folder
from offhook.areas.recordings.follow import Follower
from offhook.areas.recordings.guard import DiskGuard
from offhook.areas.recordings.service import Recordings
from offhook.asterisk.switch import Switch
from offhook.contract.endpoint import Endpoint
from offhook.contract.rules import split_list
from offhook.core import Core


class RecordingParts:
    """The recordings of a running PBX."""

    def __init__(self, core: Core, switch: Switch, live: LiveCalls, links: OneTimeLinks) -> None:
        async def settings() -> Row:
            return await core.pbx_settings.get(RECORDING)

        data = core.settings.data
        self.guard = DiskGuard(
            core.store,
            switch,
            running_folder(data),
            settings,
            runs=lambda: bool(self.follower.channels),
            stop_all=lambda: self.follower.stop_all(),
        )
        self.service = Recordings(
            core.store,
            data,
            core.clock,
            settings=settings,
            open_calls=core.records.open_calls,
            each_second=self.guard.look,
        )
        self.follower = Follower(
            switch,
            live,
            self.service,
            may_begin=lambda: self.guard.may_begin,
            recorded_calls=core.records.recorded_calls,
            stamp=lambda: datetime.fromtimestamp(core.clock.now(), core.zone).strftime("%Y%m%d%H%M%S"),
        )
        self.part = RecordingsPart(self.service)
        self._links = links
        core.records.with_record(lambda unit, record, _rows: self.service.begin(unit, record))
        core.on_parts_changed(self.guard.on_parts_changed)
        core.on_extensions_changed(self._on_extensions_changed)
        self._settings = core.pbx_settings

    async def _on_extensions_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        """A number that is given away again later is not recorded for what it was before."""
        gone = {one.number for one in changed if one.operation == "del"}
        now = await self._settings.get(RECORDING)
        lists = {name: split_list(now[name]) for name in ("extensions", "ondemand")}
        left = {
            name: ",".join(number for number in numbers if number not in gone)
            for name, numbers in lists.items()
            if gone.intersection(numbers)
        }
        if left:
            await self._settings.update(RECORDING, left)

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """The contract's endpoints."""
        return api.endpoints(self.service, self._links)

    def start(self) -> None:
        """Begin."""
        self.service.start()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells."""
        self.follower.on_events(events)

    async def on_connected(self) -> None:
        """Catch up."""
        await self.guard.on_connected()
        await self.follower.on_connected()

    async def close(self) -> None:
        """End."""
        await self.follower.close()
        await self.service.close()
