"""What a PBX is without its engine: the store and the services on it.

`offhook.app` adds the engine and the ports; commands on a stopped PBX use the core alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook.areas.access.accounts import Accounts
from offhook.areas.access.limits import Limits
from offhook.areas.access.lockout import Lockout
from offhook.areas.access.service import Access
from offhook.areas.access.sessions import Sessions
from offhook.areas.access.settings import SettingsKeeper
from offhook.areas.accounts.service import ConsoleAccounts, generate_password
from offhook.areas.alarms.clock import settled_last
from offhook.areas.apply.access import ApiSection
from offhook.areas.apply.extensions import ExtensionSection
from offhook.areas.apply.lists import ContactSection, GroupSection
from offhook.areas.apply.objects import ObjectSection, SettingsSection
from offhook.areas.apply.service import ApplyService
from offhook.areas.apply.sounds import MusicSection, PromptSection
from offhook.areas.apply.wakeups import WakeupSection
from offhook.areas.bans.service import BanList
from offhook.areas.conferences.rooms import RoomNames, instant_of
from offhook.areas.contacts.service import ContactService
from offhook.areas.extensions.groups import GroupService
from offhook.areas.extensions.model import ExtensionChanged, ExtensionSettings
from offhook.areas.extensions.service import ExtensionService
from offhook.areas.extensions.tables import extensions as extensions_table
from offhook.areas.mail.service import Mailer
from offhook.areas.numbers.service import Numbers
from offhook.areas.objects.field import Row
from offhook.areas.objects.references import References
from offhook.areas.objects.service import ObjectService
from offhook.areas.pbxsettings.apilimits_settings import APILIMITS
from offhook.areas.pbxsettings.events_settings import EVENTS
from offhook.areas.pbxsettings.sections import SECTIONS
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.pbxsettings.tables import pbx_settings
from offhook.areas.prompts.service import MusicService, PromptService
from offhook.areas.queues.agents import QueueAgents
from offhook.areas.records.service import RecordKeeper
from offhook.areas.routes.rights import route_names, routes_of, set_routes
from offhook.areas.softclient.service import SoftClient
from offhook.areas.spending.stop import OutsideStop
from offhook.areas.system.service import SystemService
from offhook.areas.trunks.kind import registers_by
from offhook.areas.trunks.tables import trunks as trunks_table
from offhook.areas.wakeup.service import WakeupService
from offhook.areas.webhooks.kind import KIND as WEBHOOKS
from offhook.asterisk.config import private_folder
from offhook.clock import Clock
from offhook.contract.errors import ContractError
from offhook.dialplan import views
from offhook.events.addresses import Addresses
from offhook.events.api import CallStatus, ConfigChange, Event, ExtensionStatus, Transfer
from offhook.events.dispatcher import Dispatcher
from offhook.events.settings import EventSettings, Replay
from offhook.kinds import ObjectServices, trunk_change
from offhook.settings import Settings
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork
from offhook.store.vault import Vault

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class FirstPasswords:
    """Passwords made at the first start, to be shown once; None where there was one already."""

    console: str | None
    api: str | None


def machine_zone() -> str:
    """The machine's time zone as an IANA name; UTC when it has none."""
    if name := os.environ.get("TZ", "").lstrip(":"):
        return name
    link = Path("/etc/localtime")
    if link.is_symlink() and "zoneinfo/" in (target := str(link.resolve())):
        return target.rpartition("zoneinfo/")[2]
    return "UTC"


def _own_address(settings: Settings) -> str:
    """How our port is reached from other machines, as far as we can tell."""
    host = settings.external_address or settings.bind
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = socket.gethostname()
    return f"https://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


class MonitorGate:
    """Which extensions and trunks may be told of (spec 15-events, `gates`)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._silent: frozenset[str] = frozenset()
        self._silent_trunks: frozenset[str] = frozenset()
        self._api_transfers = False

    async def load(self) -> None:
        """Read which extensions and trunks are not monitored."""
        column = extensions_table.c
        rows = await self._store.read(
            lambda c: c.execute(sa.select(column.number).where(column.monitored.is_(False))).scalars().all()
        )
        trunk = trunks_table.c
        names = await self._store.read(
            lambda c: (
                c.execute(sa.select(trunk.trunkname).where(trunk.status_monitor.is_(False))).scalars().all()
            )
        )
        self._silent = frozenset(rows)
        self._silent_trunks = frozenset(names)
        self._api_transfers = await self._store.read(_reports_api_transfers)

    def lets(self, event: Event) -> bool:
        """Whether an event may leave."""
        if isinstance(event, ExtensionStatus):
            return event.extension not in self._silent
        if isinstance(event, CallStatus) and self._silent_trunks:
            members = (*event.members, *event.others)
            return not any(member.trunk in self._silent_trunks for member in members if member.trunk)
        if isinstance(event, Transfer):
            return self._api_transfers or not event.by_application
        return True


def _reports_api_transfers(connection: sa.Connection) -> bool:
    name, value = pbx_settings.c.name, pbx_settings.c.value
    query = sa.select(value).where(name == "general.reportapitransfers")
    return bool(connection.execute(query).scalar_one_or_none() == "on")


class Core:
    """The services of one data folder. Make it with `open`, end it with `close`."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.zone = ZoneInfo(settings.timezone or machine_zone())
        self.first_passwords = FirstPasswords(None, None)
        self._hooks: list[Callable[[Sequence[ExtensionChanged]], Awaitable[None]]] = []
        self._parts_hooks: list[Callable[[frozenset[str]], Awaitable[None]]] = []
        self.gate = MonitorGate(store)
        self.system = SystemService(store, clock, self.zone)
        self.api_settings = SettingsKeeper(store)
        self.sessions = Sessions(store, clock)
        self.lockout = Lockout(store, clock)
        self.bans = BanList(store, clock)
        self.dispatcher = Dispatcher(
            store,
            clock,
            sn=lambda: self.system.identity.sn,
            gate=self.gate.lets,
            alive=self.sessions.alive,
            check_login=self._check_tcp_login,
            addresses=Addresses(settings.own_ports),
        )
        self.access = Access(
            self.api_settings,
            self.sessions,
            self.lockout,
            self.dispatcher,
            Accounts(store, clock),
            Limits(clock, lambda: self.pbx_settings.get(APILIMITS)),
        )
        self.on_parts_changed(self.access.limits.on_parts_changed)
        self.accounts = ConsoleAccounts(store, clock)
        self.numbers = Numbers()
        self.vault = vault = Vault(settings.data / "secret.key")
        self.extensions = ExtensionService(
            store,
            numbers=self.numbers,
            settings=self._extension_settings,
            publish=self._publish_changes,
            on_changed=self._extensions_changed,
            set_routes=set_routes,
            in_use=self._extension_in_use,
            name_taken=registers_by,
        )
        self.objects = ObjectServices(
            store,
            numbers=self.numbers,
            references=References(),
            vault=vault,
            on_changed=self._parts_changed,
            announce={"trunks": self._publish_trunk, "apiaccounts": self.access.account_changed},
        )
        self.webhooks = ObjectService(
            WEBHOOKS,
            store,
            numbers=self.numbers,
            references=self.objects.references,
            vault=vault,
            on_changed=self._parts_changed,
        )
        self.room_names = RoomNames(store)
        self.numbers.register("instant conference", instant_of)
        self.prompts = PromptService(settings.data, store, self.objects.references)
        self.music = MusicService(
            settings.data, store, self.objects.references, on_changed=self._parts_changed
        )
        self.wakeups = WakeupService(store, clock, self.zone, self.prompts.exists)
        self.objects.references.add_naming(self.wakeups.naming)
        self.queue_agents = QueueAgents(store)
        self.pbx_settings = SettingsService(
            store, self.numbers, vault, self.objects.references, self._parts_changed
        )
        self.outside_stop = OutsideStop(self.pbx_settings)
        self.mailer = Mailer(store, self.pbx_settings, clock, settings.data / "mail")
        self.soft_client = SoftClient(
            store, self.pbx_settings, clock, self.mailer, vault, _own_address(settings)
        )
        self.groups = GroupService(store, settings=self._extension_settings)
        self.contacts = ContactService(store, limit=lambda: self.api_settings.now.max_contacts)
        self.records = RecordKeeper(
            store, settings.data / "cel" / "cel.json", clock, self.zone, self.dispatcher.publish
        )
        self.records.after_live_events(self.dispatcher.journal.flushed)
        self.apply = ApplyService(
            store,
            [
                ExtensionSection(self.extensions),
                GroupSection(self.groups),
                ContactSection(self.contacts),
                PromptSection(self.prompts),
                MusicSection(self.music),
                *(SettingsSection(self.pbx_settings, section) for section in SECTIONS),
                *(ObjectSection(service) for service in self.objects),
                WakeupSection(self.wakeups),
                ObjectSection(self.webhooks),
                ApiSection(self.api_settings),
            ],
            self.objects.references.dangling,
        )

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> Core:
        """Open or make the data folder's store. Raises StoreError when it cannot be used."""
        private_folder(settings.data)
        private_folder(settings.data / "run")
        store = await asyncio.to_thread(open_store, settings.data / "offhook.db", views())
        clock = clock or Clock()
        if (seen := await store.read(settled_last)) is not None:
            clock.last_settled(seen)
        core = cls(settings, store, clock)
        await core.system.load()
        api_password = await core.api_settings.load(generate_password)
        core.first_passwords = FirstPasswords(await core.accounts.create_first(), api_password)
        await core.access.accounts.load()
        await core.access.limits.load()
        await core.sessions.load()
        await core.lockout.load()
        await core.gate.load()
        await core.room_names.load()
        await core._configure_events()
        core.api_settings.on_change(lambda _new: core.gate.load())
        return core

    async def close(self) -> None:
        """Write what is only in memory, and close the store."""
        await self.sessions.write_uses()
        await asyncio.to_thread(self.store.close)

    def on_extensions_changed(self, hook: Callable[[Sequence[ExtensionChanged]], Awaitable[None]]) -> None:
        """Have `hook` awaited after extensions were added, changed or deleted."""
        self._hooks.append(hook)

    def on_parts_changed(self, hook: Callable[[frozenset[str]], Awaitable[None]]) -> None:
        """Have `hook` awaited with the parts of the engine's configuration that have to be made anew."""
        self._parts_hooks.append(hook)

    async def _parts_changed(self, parts: frozenset[str]) -> None:
        if parts & {"trunks", "gates"}:
            await self.gate.load()
        if "conferences" in parts:
            await self.room_names.load()
        if parts & EVENTS.parts:
            await self._configure_events()
        for hook in self._parts_hooks:
            await hook(parts)

    async def _configure_events(self) -> None:
        row = await self.pbx_settings.get(EVENTS)
        self.dispatcher.configure(
            EventSettings(row["keephours"] * 3600.0, row["maxmegabytes"] * 1_000_000, Replay(row["replay"]))
        )

    async def routes(self) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
        """The names of all outbound routes, and of those that each extension is a member of."""
        return await self.store.read(lambda connection: (route_names(connection), routes_of(connection)))

    def _extension_in_use(self, connection: sa.Connection, numbers: Sequence[str]) -> str | None:
        return self.objects.references.user_of(connection, "extension", numbers)

    def _publish_trunk(self, unit: UnitOfWork, operation: str, row: Row, _old: Row | None) -> None:
        self.dispatcher.publish(unit, trunk_change(operation, row))

    async def _extensions_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        await self.gate.load()
        for hook in self._hooks:
            await hook(changed)

    def _extension_settings(self) -> ExtensionSettings:
        now = self.api_settings.now
        return ExtensionSettings(
            strong_passwords=not now.weak_passwords,
            max_extensions=now.max_extensions,
            max_groups=now.max_extension_groups,
        )

    def _publish_changes(self, unit: UnitOfWork, events: Sequence[ConfigChange]) -> None:
        self.dispatcher.publish(unit, *events)

    async def check_operator(self, username: str, password: str, address: str, port: int) -> bool:
        """Whether a console account may come in from here; failures count towards the lock of the address."""
        async with self.lockout.turn(address):
            try:
                self.lockout.check(address)
            except ContractError:
                return False
            if await self.accounts.check(username, password):
                await self.lockout.succeeded(address)
                return True
            await self.lockout.failed(address, port)
            return False

    async def _check_tcp_login(self, username: str, secret: str, address: str, port: int) -> bool:
        return await self.access.check_tcp_login(username, secret, address, port)
