"""What a running PBX does for its trunks by itself: it follows their hosts, their states, their failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from offhook.areas.alarms.service import Alarms
from offhook.areas.alarms.trunks import TrunkWatch
from offhook.areas.objects.field import Row
from offhook.areas.trunks.hosts import HostNames
from offhook.areas.trunks.states import TrunkStates
from offhook.asterisk.switch import Switch, SwitchError
from offhook.core import Core

log = logging.getLogger(__name__)

_HOSTS_SECONDS = 30.0
_TRUNKS = frozenset({"trunks"})


class RunningTrunks:
    """The trunks of a running PBX; part of the composition root.

    `refresh` has the engine read the generated files that depend on the parts named.
    """

    def __init__(
        self, core: Core, switch: Switch, refresh: Callable[[frozenset[str]], Awaitable[None]]
    ) -> None:
        self._core = core
        self._switch = switch
        self._refresh = refresh
        self.states = TrunkStates(switch)
        self.hosts = HostNames()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, alarms: Alarms) -> None:
        """Follow hosts and states until `close`."""
        self._tasks = [
            asyncio.create_task(self._follow_hosts(), name="host names"),
            asyncio.create_task(self._watch(alarms), name="trunk alarms"),
        ]

    async def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.hosts.close()

    async def before_change(self, parts: frozenset[str]) -> None:
        """What has to be done before the engine reads the trunks anew."""
        if parts & _TRUNKS:
            await self.look_up_hosts()
            if self._switch.healthy:
                await self.states.retire(await self._all())

    async def after_change(self, parts: frozenset[str]) -> None:
        """What the engine knew of a trunk is void when its settings have changed."""
        if not parts & _TRUNKS or not self._switch.healthy:
            return
        try:
            self.states.on_snapshot(
                await self._switch.snapshot_registrations(), await self._switch.snapshot_contacts()
            )
        except SwitchError as failure:
            log.warning("trunks: the engine does not tell their states: %s", failure)

    async def look_up_hosts(self) -> bool:
        """Look up where the providers are that are written as names; whether that has changed."""
        return await self.hosts.look_up(row["host"] for row in await self._all() if row["enabled"])

    async def addresses(self) -> set[str]:
        """The addresses of the trunks' hosts, as far as they are known."""
        hosts = {row["host"].lower() for row in await self._all() if row["enabled"]}
        return hosts | {one for host in hosts for one in self.hosts.addresses.get(host, ())}

    async def _all(self) -> Sequence[Row]:
        return await self._core.store.read(self._core.objects["trunks"].every)

    async def _follow_hosts(self) -> None:
        while True:
            await asyncio.sleep(_HOSTS_SECONDS)
            try:
                if await self.look_up_hosts():
                    await self._refresh(_TRUNKS)
                    await self.after_change(_TRUNKS)
            except Exception:
                log.exception("trunks: host names could not be followed")

    async def _watch(self, alarms: Alarms) -> None:
        raised = [row["key"] for row in await alarms.listed() if row["active"]]
        watch = TrunkWatch(self._all, self._state, alarms, self._core.clock)
        await watch.run([key.partition(":")[2] for key in raised if key.startswith("trunk:")])

    def _state(self, trunk: Row) -> str | None:
        return self.states.of(trunk) if self._switch.healthy else None
