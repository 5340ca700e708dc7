"""What guards a running PBX and what watches it: bans, limits of calls, metrics. Made and wired here.

`offhook.app` makes one `Protection` and hands it what it needs of the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from offhook.areas.access.admin import KeysPart
from offhook.areas.alarms.clock import ClockWatch
from offhook.areas.alarms.store import StoreWatch
from offhook.areas.bans.admin import BanPart
from offhook.areas.bans.log import LogTail
from offhook.areas.bans.watch import BanWatch
from offhook.areas.control.live import LiveCalls
from offhook.areas.receivers.admin import ReceiverPart
from offhook.areas.spending.admin import SpendingPart
from offhook.areas.spending.service import Spending
from offhook.asterisk.switch import Switch
from offhook.contract.admin import AdminPart
from offhook.core import Core
from offhook.messages import Messages
from offhook.subscriptions import Subscriptions
from offhook.watching import Watching


class Protection:
    """The parts of a PBX that keep attackers out and tell how it is."""

    def __init__(
        self,
        core: Core,
        switch: Switch,
        live: LiveCalls,
        messages: Messages,
        carriers: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        self.alarms = messages.alarms
        self.subscriptions = Subscriptions(core, self.alarms)
        self.api_keys = KeysPart(core.access.accounts)
        self.bans = BanWatch(
            core.bans,
            core.pbx_settings,
            switch,
            core.clock,
            messages.alarms,
            LogTail(core.settings.data / "asterisk" / "log" / "messages"),
            carriers,
        )
        core.on_parts_changed(self.bans.on_parts_changed)
        self._receiver_part = ReceiverPart(core.dispatcher.receivers, core.dispatcher.http)
        self._ban_part = BanPart(self.bans, core.lockout)
        self._store_watch = StoreWatch(core.store, self.alarms)
        self._clock_watch = ClockWatch(core.store, core.clock, self.alarms)
        self.spending = Spending(
            core.store,
            switch,
            core.clock,
            core.zone,
            self.alarms,
            core.settings.data / "run" / "engine.json",
        )
        self.watching = Watching(core, switch, live, messages, self.bans, self.spending, self.subscriptions)
        core.outside_stop.end_calls = self.spending.end_calls
        core.on_parts_changed(self.spending.on_parts_changed)
        self.spending_part = SpendingPart(self.spending, core.outside_stop)

    def admin_parts(self) -> list[AdminPart]:
        """What operators can do with them."""
        return [
            *self.subscriptions.admin_parts(),
            self.api_keys,
            self._ban_part,
            self.spending_part,
            self._receiver_part,
        ]

    async def start(self) -> None:
        """Begin, once the engine can be spoken to."""
        await self.bans.start()
        await self.subscriptions.start()
        self._store_watch.start()
        await self._clock_watch.start()
        await self.watching.start()
        self.spending.start()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells."""
        self.spending.on_events(events)

    async def on_connected(self) -> None:
        """Catch up after the link to the engine was away; at the start too."""
        await self.bans.on_connected()
        self.spending.on_connected()

    async def close(self) -> None:
        """End what goes on by itself."""
        await self.subscriptions.close()
        await self.bans.close()
        await self._store_watch.close()
        await self._clock_watch.close()
        await self.watching.close()
        await self.spending.close()
