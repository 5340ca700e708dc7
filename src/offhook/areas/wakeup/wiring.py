"""Makes the parts of the wake-up calls and joins them with the rest; part of the composition root."""

from __future__ import annotations

from typing import Any

from offhook.areas.control.launch import Launcher
from offhook.areas.control.live import LiveCalls
from offhook.areas.pbxsettings.wakeup_settings import WAKEUP
from offhook.areas.records.localtime import LocalTime
from offhook.areas.wakeup import api
from offhook.areas.wakeup.admin import JournalPart, WakeupsPart
from offhook.areas.wakeup.misses import AlarmBook, Misses
from offhook.areas.wakeup.runner import WakeupRunner
from offhook.asterisk.process import call_capacity
from offhook.asterisk.switch import Switch
from offhook.contract.admin import AdminPart
from offhook.contract.endpoint import Endpoint
from offhook.core import Core


class WakeupParts:
    """The wake-up calls of a running PBX."""

    def __init__(self, core: Core, switch: Switch, live: LiveCalls, alarms: AlarmBook) -> None:
        self._service = core.wakeups
        self.misses = Misses(
            alarms, lambda connection: bool(core.pbx_settings.get_in(connection, WAKEUP)["alarm"])
        )
        self.runner = WakeupRunner(
            core.store,
            core.clock,
            core.wakeups,
            core.pbx_settings,
            Launcher(switch, live, core.records, core.store),
            switch,
            live,
            self.misses,
            prompt_exists=core.prompts.exists,
            capacity=call_capacity(core.settings.rtp_ports),
        )
        self.runner.publish = core.dispatcher.publish
        core.records.with_record(self.runner.on_record)
        self.parts: tuple[AdminPart, ...] = (
            WakeupsPart(core.store, core.wakeups),
            JournalPart(core.store, LocalTime(core.zone)),
        )

    def endpoints(self) -> list[Endpoint[Any, Any]]:
        """The contract's endpoints."""
        return api.endpoints(self._service)
