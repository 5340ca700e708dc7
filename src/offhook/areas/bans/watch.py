"""Watches the engine for attacks on phones and bans where they come from.

security events, over an AMI link of their own ─┐
the engine's log, for packets that are no SIP ──┴► Judge ─► BanList (store) ─► the engine's ACL, at once
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from offhook.areas.alarms.service import Alarms
from offhook.areas.bans.address import network, source_of
from offhook.areas.bans.engine import from_event, from_log
from offhook.areas.bans.log import LogTail
from offhook.areas.bans.model import HOME_SECONDS, Judge, Kind, Limits, Sighting, Verdict
from offhook.areas.bans.service import BanList
from offhook.areas.pbxsettings.bans_settings import BANS, PART
from offhook.areas.pbxsettings.service import SettingsService
from offhook.asterisk.static import AMI_SECURITY_USER
from offhook.asterisk.switch import Switch, SwitchError
from offhook.clock import Clock
from offhook.contract.rules import split_list
from offhook.tasks import stop

log = logging.getLogger(__name__)

ALARM = "attack"
TRUNKS = "trunks"
_LOG_SECONDS = 0.5
_LOOK_SECONDS = 10.0
_ALERT_SECONDS = 5.0
_NOTE_SECONDS = 86400.0
_TELL_SECONDS = 5.0
_PACE_SECONDS = 0.02
_WAITING_MAX = 1000
_LOGGED_MAX = 20


class BanWatch:
    """Finds attackers out. `carriers` tells the addresses of the trunks, which are never banned.

    The counts `attempts`, `garbage` and `banned` are since the start, `active` is how many are banned now;
    a phone that has yet to show its password is an attempt too.
    """

    def __init__(
        self,
        bans: BanList,
        settings: SettingsService,
        switch: Switch,
        clock: Clock,
        alarms: Alarms,
        tail: LogTail,
        carriers: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        self.list = bans
        self._settings = settings
        self._switch = switch
        self._clock = clock
        self._alarms = alarms
        self._tail = tail
        self._carriers = carriers
        self._judge = Judge()
        self._enabled = True
        self._first, self._longest = 300.0, 86400.0
        self._waiting: dict[str, Verdict] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._link = switch.listener(AMI_SECURITY_USER, self.on_events)
        # in memory all is on the monotonic clock: a wall clock that is set neither keeps nor forgives guesses
        self._alert_until = float("-inf")
        self._noted: dict[str, float] = {}
        self._homes: set[str] = set()
        self._hosts: frozenset[str] = frozenset()
        self._told, self._untold = float("-inf"), ""
        self.attempts = self.garbage = self.banned = self.active = 0

    async def start(self) -> None:
        """Begin to watch."""
        await self._read_settings()
        await self._read_hosts()
        homes = await self.list.homes(self._clock.settled() - HOME_SECONDS)
        now, monotonic = self._clock.settled(), self._clock.monotonic()
        for source, stored in homes.items():
            seen = monotonic - max(0.0, now - stored)
            self._judge.remember(source, seen)
            self._noted[source] = seen
        self._link.start()
        self._tasks = [
            asyncio.create_task(self._ban_forever(), name="bans"),
            asyncio.create_task(self._follow_log(), name="engine log"),
            asyncio.create_task(self._look_forever(), name="bans that end"),
        ]

    async def close(self) -> None:
        """End; bans go on."""
        await stop(*self._tasks)
        await self._link.close()

    async def on_connected(self) -> None:
        """Learn where phones and carriers are registered now."""
        try:
            contacts = await self._switch.snapshot_contacts()
        except SwitchError as failure:
            log.warning("bans: the engine does not tell who is registered: %s", failure)
            return
        now = self._clock.monotonic()
        for contact in contacts:
            name, uri = contact.get("ObjectName", ""), contact.get("Uri", "")
            if source := source_of(_host(uri)):
                self._judge.trust(source, name.partition(";@")[0], now)
                self._see_home(source, now)

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """The operator has changed settings, or trunks."""
        if TRUNKS in parts:
            await self._read_hosts()
        if PART in parts:
            await self._read_settings()
            await self.list.lift_in(self._judge.limits.permitted if self._enabled else None)
            await self._count()

    async def lift(self, address: str) -> bool:
        """Let an address in again; its guesses are forgotten. False when it was not banned."""
        self._judge.forget(source_of(address.partition("/")[0]))
        lifted = await self.list.lift(address)
        await self._count()
        return lifted

    async def _read_hosts(self) -> None:
        """Known beforehand, as no ban may wait for it. A new carrier may have called before he was one."""
        known = self._hosts
        self._hosts = frozenset(filter(None, map(source_of, await self._carriers())))
        if new := self._hosts - known:
            await self.list.lift_in([network(host) for host in new])

    async def _read_settings(self) -> None:
        row = await self._settings.get(BANS)
        self._enabled = row["enabled"]
        self._first, self._longest = float(row["bantime"]), float(row["longest"])
        self._judge.limits = Limits(
            attempts=row["attempts"],
            window=float(row["window"]),
            garbage=row["garbage"],
            permitted=tuple(network(part) for part in split_list(row["permitted"])),
        )

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear security events."""
        self._hear(seen for seen in map(from_event, events) if seen is not None)

    def _hear(self, sightings: Iterable[Sighting]) -> None:
        now = self._clock.monotonic()
        for seen in sightings:
            if seen.kind is Kind.GARBAGE:
                self.garbage += 1
            elif seen.kind is Kind.SUCCESS:
                self._see_home(seen.source, now)
            else:
                self.attempts += 1
                self._alert_until = now + _ALERT_SECONDS
            verdict = self._judge.hear(seen, now)
            if verdict is not None and self._enabled and len(self._waiting) < _WAITING_MAX:
                self._waiting[verdict.source] = verdict
                self._wake.set()
        self._link.busy = now < self._alert_until

    def _see_home(self, source: str, now: float) -> None:
        if now - self._noted.get(source, float("-inf")) > _NOTE_SECONDS:
            self._homes.add(source)

    async def _ban_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            verdicts, self._waiting = self._waiting, {}
            try:
                await self._carry_out(verdicts)
            except Exception:
                log.exception("bans: cannot be stored")
            await asyncio.sleep(_PACE_SECONDS)

    async def _carry_out(self, verdicts: Mapping[str, Verdict]) -> None:
        carriers = self._hosts
        just = [one for one in verdicts.values() if not one.spared and one.source not in carriers]
        made = await self.list.ban(just, self._first, self._longest) if just else ()
        for ban in made[:_LOGGED_MAX]:
            log.warning("bans: %s is refused for %d s: %s", ban.address, ban.until - ban.since, ban.reason)
        if made:
            self.banned += len(made)
            await self._count()
            who = f"{made[-1].address} is refused ({made[-1].reason})"
            self._tell(f"phones are attacked: {who}, {self.active} in all")
        for one in verdicts.values():
            if one.source in carriers or one.spared:
                whose = "a trunk's host is" if one.source in carriers else "phones are registered"
                self._tell(f"{one.reason} came from {one.source}, where {whose}: not refused, look there")

    def _tell(self, text: str) -> None:
        """Raise the alarm, but not hundreds of times a second; the last word of a flood is told later."""
        now = self._clock.monotonic()
        if now < self._told + _TELL_SECONDS:
            self._untold = text
            return
        self._told, self._untold = now, ""
        self._alarms.raise_(ALARM, text)

    async def _count(self) -> None:
        self.active = len(await self.list.living())

    async def _note_homes(self) -> None:
        now = self._clock.monotonic()
        self._judge.tidy(now)
        self._noted = {source: seen for source, seen in self._noted.items() if now - seen < HOME_SECONDS}
        if self._homes:
            homes, self._homes = self._homes, set()
            await self.list.note_homes(homes)
            self._noted.update(dict.fromkeys(homes, now))

    async def _follow_log(self) -> None:
        while True:
            await asyncio.sleep(_LOG_SECONDS)
            try:
                self._hear(await asyncio.to_thread(lambda: [*from_log(self._tail.read())]))
            except Exception:
                log.exception("bans: the engine's log cannot be followed")

    async def _look_forever(self) -> None:
        while True:
            try:
                self._link.busy = self._clock.monotonic() < self._alert_until
                await self._read_hosts()
                await self._note_homes()
                await self._count()
                if self._untold:
                    self._tell(self._untold)
                if not self.active and not self._untold:
                    self._alarms.clear(ALARM, "no address is refused any more")
            except Exception:
                log.exception("bans: cannot be looked through")
            await asyncio.sleep(_LOOK_SECONDS)


def _host(uri: str) -> str:
    """The host of a contact's URI such as `sip:1000@192.0.2.1:5060;ob` or `sip:[2001:db8::1]:5060`."""
    rest = uri.partition(":")[2].rpartition("@")[2].partition(";")[0]
    return rest.partition("]")[0] if rest.startswith("[") else rest.partition(":")[0]
