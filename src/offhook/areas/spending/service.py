"""Shows what was used of the limits of calls out, alarms, and ends the calls that run.

The dialplan holds the limits (`dialplan.conf`), with or without us; here is only what people see and do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook.areas.alarms.service import Alarms
from offhook.areas.disa.tables import callbacks, disas
from offhook.areas.pbxsettings.spending_settings import SPENDING as SECTION
from offhook.areas.spending.model import NEAR, SPENDING, SPENT, Usage, entries, is_outside_leg, usages
from offhook.areas.trunks.tables import trunks
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.clock import Clock
from offhook.store.unit import Store
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

_LOOK_SECONDS = 30.0
_SWEEPS, _SWEEP_SECONDS = 10, 0.5
_STARTED = "OFFHOOK_STARTED"
_REJECTED = 21  # Q.850
_WHY = {
    "barred": "calls to the outside are barred now",
    "destination": "the number is none of those that may be called",
    "calls": "all calls of the day are used up",
    "minutes": "all minutes of the day are used up",
    "simultaneous": "as many calls as may be run already",
    "stop": "calls to the outside are stopped",
    "busy": "the limit could not be looked at in time",
}


class Spending:
    """The limits of calls out of a running PBX; `refused` counts the calls that met one.

    `engine` is the file that is written when an engine begins.
    """

    def __init__(
        self,
        store: Store,
        switch: Switch,
        clock: Clock,
        zone: ZoneInfo,
        alarms: Alarms,
        engine: Path,
    ) -> None:
        self._store = store
        self._switch = switch
        self._clock = clock
        self._zone = zone
        self._alarms = alarms
        self._engine = engine
        self._engine_known = False
        self.refused = 0
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._told: set[tuple[str, str, str]] = set()  # day, who, what: told once a day
        self._raised: set[str] = set()
        self._names: dict[str, str] = {}

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="spending")

    async def close(self) -> None:
        """End."""
        await stop(self._task)

    def on_connected(self) -> None:
        """Look at what was used while nobody looked. The engine may be another one."""
        self._engine_known = False
        self._look.set()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear which calls met a limit."""
        for event in events:
            if event.get("UserEvent") == "OffhookLimited":
                self._on_limited(event.get("Who", ""), event.get("Why", ""), event.get("Number", ""))

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """The settings have changed."""
        if SECTION.parts & parts:
            self._look.set()

    async def used(self) -> list[Usage]:
        """What each who has a limit has used today. Raises SwitchError."""
        spent = entries(await self._switch.items(actions.DBGetTree(family=SPENT)), SPENT)
        running = entries(await self._switch.items(actions.DBGetTree(family=SPENDING)), SPENDING)
        return usages(spent, running, int(self._clock.now()), self._today())

    async def forget(self, who: str) -> bool:
        """Begin to count `who` anew; False when nothing was counted. Raises SwitchError."""
        try:
            await self._switch.act(actions.DBDel(family=SPENT, key=who))
        except EngineRefused:
            return False
        self._told = {told for told in self._told if told[1] != who}
        self._look.set()
        return True

    async def end_calls(self) -> int:
        """End all calls out but those to emergency numbers; returns how many. Raises SwitchError.

        Looks again until there is none: a call may have passed the dialplan just before the stop.
        """
        ended = await self._end_once()
        for _ in range(_SWEEPS):
            await asyncio.sleep(_SWEEP_SECONDS)
            late = await self._end_once()
            ended += late
            if not late:
                break
        return ended

    async def _end_once(self) -> int:
        ended = 0
        for channel in await self._switch.items(actions.CoreShowChannels()):
            if not is_outside_leg(channel):
                continue
            name = channel["Channel"]
            with contextlib.suppress(EngineRefused):  # it has ended meanwhile
                if await self._switch.getvar(name, "OFFHOOK_EMERGENCY") != "1":
                    await self._switch.act(actions.Hangup(channel=name, cause=_REJECTED))
                    ended += 1
        return ended

    def _on_limited(self, who: str, why: str, number: str) -> None:
        self.refused += 1
        log.warning("spending: %s may not call %s: %s", who, number, _WHY.get(why, why))
        if why in {"calls", "minutes"}:
            self._look.set()  # told by the count
        else:
            self._tell(who, why, _WHY.get(why, why))

    def _tell(self, who: str, what: str, text: str) -> None:
        """Raise the alarm of `who`, once a day for each thing that is wrong."""
        day = self._today()
        if (day, who, what) in self._told:
            return
        self._told = {told for told in self._told if told[0] == day} | {(day, who, what)}
        key = _key(who, what)
        self._raised.add(key)
        self._alarms.raise_(key, f"calls out of {self._name(who)}: {text}")

    def _today(self) -> str:
        return f"{datetime.fromtimestamp(self._clock.now(), self._zone):%Y%m%d}"

    def _name(self, who: str) -> str:
        kind = "IVR" if who.startswith("ivr") else "extension"
        return self._names.get(who, f"{kind} {who.removeprefix('ivr')}")

    async def _run(self) -> None:
        while True:
            self._look.clear()
            try:
                await self.look()
            except SwitchError as failure:
                log.info("spending: what was used cannot be looked at: %s", failure)
            except Exception:
                log.exception("spending: what was used cannot be looked at")
            await woken(self._look, _LOOK_SECONDS)

    async def look(self) -> None:
        """Alarm for who has reached a limit or is near it, and end alarms of others. Raises SwitchError."""
        if not self._engine_known:
            started = int((await asyncio.to_thread(self._engine.stat)).st_mtime)
            await self._switch.act(actions.SetGlobal(variable=_STARTED, value=str(started)))
            self._engine_known = True
        self._names = await self._store.read(_names)
        day = self._today()
        for usage in await self.used():
            full = usage.reached(100)
            for what in full:
                self._tell(usage.who, what, _WHY[what])
            for what in set(usage.reached(NEAR)) - set(full):
                self._tell(usage.who, f"{what}-{NEAR}", f"{NEAR} % of the day's {what} are used up")
        last = {_key(who, what) for told_on, who, what in self._told if told_on == day}
        for row in await self._alarms.listed():
            if row["kind"] == "spending" and row["active"]:
                self._raised.add(row["key"])
        for key in self._raised - last:
            who = key.split(":")[1]
            self._alarms.clear(key, f"calls out of {self._name(who)} are within their limits")
        self._raised &= last


def _key(who: str, what: str) -> str:
    return f"spending:{who}:{what}"


def _names(connection: sa.Connection) -> dict[str, str]:
    """What people call those who are no extensions, by the names that the dialplan gives them."""
    found = {"transit": "inbound routes"}
    for table, column, prefix, word in (
        (trunks, trunks.c.trunkname, "trunk", "trunk"),
        (disas, disas.c.name, "disa", "DISA"),
        (callbacks, callbacks.c.name, "callback", "callback"),
    ):
        for row in connection.execute(sa.select(table.c.id, column.label("name"))):
            found[f"{prefix}{row.id}"] = f"{word} {row.name}"
    return found
