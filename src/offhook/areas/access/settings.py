"""The API's own settings: one row, read once and kept in memory (spec 00-access, `settings`)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.access.kind import STRONG, STRONG_SAYS, USERNAME
from offhook.areas.access.passwords import derived_from, md5_of
from offhook.areas.access.tables import api_accounts, api_settings
from offhook.areas.accounts.service import matches
from offhook.areas.apply.access import ApiState
from offhook.areas.extensions.tables import extensions
from offhook.store.unit import Store, UnitOfWork


class SettingRefused(ValueError):
    """A setting is not allowed; the text says what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """What the operator has set. `event_port` is 0 where that of the command line applies."""

    enabled: bool = True
    username: str = "api"
    password_derived: str = ""
    report_method: str = "HTTP"
    event_port: int = 0
    weak_passwords: bool = False
    max_extensions: int = 2000
    max_extension_groups: int = 200
    max_contacts: int = 5000
    download_addresses: str = ""  # IP addresses and networks joined by commas, or any


def check_account(username: str, password: str, *, weak: bool) -> None:
    """Raises SettingRefused for a name or password that the API's account must not have."""
    if not re.fullmatch(USERNAME, username, re.ASCII):
        raise SettingRefused("the username has to be 1 to 63 letters, digits and . _ @ -")
    if not weak and not STRONG.fullmatch(password):
        raise SettingRefused(STRONG_SAYS)
    if not password:
        raise SettingRefused("the password is empty")


class SettingsKeeper:
    """Holds the settings in force; also what `apply` reads and writes them through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on_change: list[Callable[[ApiSettings], Awaitable[None]]] = []
        self.now = ApiSettings()
        self.on_account: Callable[[UnitOfWork], None] = lambda _unit: None
        """Told of another username or password within the transaction that stores it."""

    async def load(self, first_password: Callable[[], str]) -> str | None:
        """Read the settings; at the first start make them. Returns the password made, else None."""
        found = await self._store.read(_select)
        if found is not None:
            self.now = found
            return None
        password = first_password()
        first = ApiSettings(password_derived=derived_from(password))
        await self._store.write("first API settings", lambda unit: _replace(unit, first))
        self.now = first
        return password

    def on_change(self, callback: Callable[[ApiSettings], Awaitable[None]]) -> None:
        """Have `callback` awaited when the settings change."""
        self._on_change.append(callback)

    async def change(self, **values: object) -> None:
        """Set some settings, and put them in force."""
        new = dataclasses.replace(self.now, **values)  # type: ignore[arg-type]
        await self._store.write("API settings", lambda unit: self._replace(unit, new))
        await self.changed()

    async def changed(self) -> None:
        """Put in force what is stored; also monitored extensions, which stand elsewhere, may have changed."""
        found = await self._store.read(_select)
        if found is not None:
            self.now = found
            for callback in self._on_change:
                await callback(found)

    def state_in(self, connection: sa.Connection) -> ApiState:
        """The settings and monitored extensions, for `apply`."""
        found = _select(connection) or self.now
        rows = connection.execute(sa.select(extensions.c.number, extensions.c.monitored)).all()
        return ApiState(
            enabled=found.enabled,
            username=found.username,
            password_derived=found.password_derived,
            report_method=found.report_method,
            event_port=found.event_port,
            download_addresses=found.download_addresses,
            monitors=frozenset(row.number for row in rows if row.monitored),
            extensions=frozenset(row.number for row in rows),
        )

    def store_in(self, unit: UnitOfWork, state: ApiState) -> None:
        """Replace the settings within the caller's transaction."""
        found = _select(unit.connection) or self.now
        self._replace(
            unit,
            dataclasses.replace(
                found,
                enabled=state.enabled,
                username=state.username,
                password_derived=state.password_derived,
                report_method=state.report_method,
                event_port=state.event_port,
                download_addresses=state.download_addresses,
            ),
        )
        numbers = extensions.c.number
        for monitored in (True, False):
            chosen = numbers.in_(state.monitors) if monitored else numbers.not_in(state.monitors)
            unit.connection.execute(sa.update(extensions).where(chosen).values(monitored=monitored))

    def _replace(self, unit: UnitOfWork, new: ApiSettings) -> None:
        old = _select(unit.connection) or self.now
        if (old.username, old.password_derived) != (new.username, new.password_derived):
            taken = sa.select(api_accounts.c.id).where(api_accounts.c.username == new.username)
            if unit.connection.execute(taken).first() is not None:
                raise SettingRefused(f"another account of the API is called {new.username}")
            self.on_account(unit)
        _replace(unit, new)

    def derive(self, password: str) -> str:
        """The stored form of a password."""
        return derived_from(password)

    def matches(self, password: str, derived: str) -> bool:
        """True when `derived` was made of `password`."""
        return bool(derived) and matches(md5_of(password), derived)


def _select(connection: sa.Connection) -> ApiSettings | None:
    row = connection.execute(sa.select(api_settings)).mappings().first()
    if row is None:
        return None
    return ApiSettings(**{name: value for name, value in row.items() if name != "id"})


def _replace(unit: UnitOfWork, new: ApiSettings) -> None:
    unit.connection.execute(sa.delete(api_settings))
    unit.connection.execute(sa.insert(api_settings).values(id=1, **dataclasses.asdict(new)))
