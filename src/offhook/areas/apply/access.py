"""The key `api` of the declared state: who may call the API and what it reports.

The settings themselves belong to the access area, which is passed in as an `ApiSettings`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from offhook.areas.apply.change import Change, Difference, differences
from offhook.areas.apply.document import ApplyError, Node, fields
from offhook.areas.downloads.addresses import listed_addresses
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import param, read_request
from offhook.contract.rules import Selection, choice, integer, on_off, selection, text
from offhook.store.unit import UnitOfWork

_BAD = Errno.DATA_EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiState:
    """The API's settings; `monitors` are the numbers whose state is reported, of `extensions` in all."""

    enabled: bool
    username: str
    password_derived: str
    report_method: str
    event_port: int
    download_addresses: str
    monitors: frozenset[str]
    extensions: frozenset[str]


class ApiSettings(Protocol):
    """What the access area offers to `apply`; the `_in` functions work inside the caller's transaction."""

    def state_in(self, connection: sa.Connection) -> ApiState:
        """The settings now."""

    def store_in(self, unit: UnitOfWork, state: ApiState) -> None:
        """Replace the settings."""

    def derive(self, password: str) -> str:
        """The stored form of a password; slow."""

    def matches(self, password: str, derived: str) -> bool:
        """True when `derived` was made of `password`; slow."""

    async def changed(self) -> None:
        """Put changed settings in force, after the commit."""


@dataclass(frozen=True, kw_only=True)
class DeclaredApi:
    """The fields that the document names; None: left alone."""

    enabled: bool | None = param(on_off(), bad=_BAD, optional=True)
    username: str | None = param(text(max_len=63), bad=_BAD, optional=True)
    password: str | None = param(text(max_len=128), bad=_BAD, optional=True, secret=True)
    report_method: str | None = param(choice(("HTTP", "TCP")), bad=_BAD, optional=True)
    event_port: int | None = param(integer(1, 65535), bad=_BAD, optional=True)
    download_addresses: str | None = param(listed_addresses(), bad=_BAD, optional=True, empty_ok=True)
    extension_monitors: Selection | None = param(selection(), bad=_BAD, optional=True)  # noqa: RUF009 - a field()


_PLAIN = ("enabled", "username", "report_method", "event_port", "download_addresses")


class ApiSection:
    """Declared API settings; stands after the extensions, whose numbers it names."""

    key = "api"

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings

    def read(self, node: Node) -> DeclaredApi:
        """The fields declared. Raises ApplyError."""
        allowed = frozenset(field.name for field in dataclasses.fields(DeclaredApi))
        try:
            return read_request(DeclaredApi, fields(node, self.key, allowed))
        except ContractError as failure:
            raise ApplyError(f"{self.key}: {failure.detail}") from None

    def current(self, connection: sa.Connection) -> ApiState:
        """The settings now."""
        return self._settings.state_in(connection)

    def plan(self, current: ApiState, declared: DeclaredApi) -> list[Change]:
        """One update, or nothing."""
        new = {name: value for name in _PLAIN if (value := getattr(declared, name)) is not None}
        found = differences({name: getattr(current, name) for name in _PLAIN}, new)
        password = declared.password
        if password is not None and not self._settings.matches(password, current.password_derived):
            new["password_derived"] = self._settings.derive(password)
            found += (Difference("password", "(secret)", "(secret)"),)
        monitors = declared.extension_monitors
        if monitors is not None:
            wanted = current.extensions if monitors.every else frozenset(monitors.names)
            if wanted != current.monitors:
                found += (Difference("extension_monitors", _joined(current.monitors), _joined(wanted)),)
        if not found:
            return []
        return [
            Change(
                section=self.key,
                operation="update",
                name="settings",
                differences=found,
                request=(new, monitors),
            )
        ]

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> bool:
        """Carry out. Raises ApplyError when a monitored number is no extension."""
        for change in changes:
            if isinstance(change.request, tuple):
                values, monitors = change.request
                self._store(unit, values, monitors)
        return bool(changes)

    def _store(self, unit: UnitOfWork, values: dict[str, object], monitors: Selection | None) -> None:
        state = dataclasses.replace(self._settings.state_in(unit.connection), **values)  # type: ignore[arg-type]
        if monitors is not None:
            wanted = state.extensions if monitors.every else frozenset(monitors.names)
            if unknown := wanted - state.extensions:
                raise ApplyError(f"api.extension_monitors: {_joined(unknown)} are no extensions")
            state = dataclasses.replace(state, monitors=wanted)
        self._settings.store_in(unit, state)

    async def finished(self, done: bool) -> None:
        """Put changed settings in force."""
        if done:
            await self._settings.changed()

    def export(self, current: ApiState) -> Node:
        """The settings without the password."""
        monitors = "all" if current.monitors == current.extensions else _joined(current.monitors)
        return {
            "enabled": "on" if current.enabled else "off",
            "username": current.username,
            "report_method": current.report_method,
            **({"event_port": str(current.event_port)} if current.event_port else {}),
            "download_addresses": current.download_addresses,
            "extension_monitors": monitors,
        }


def _joined(numbers: frozenset[str]) -> str:
    return ",".join(sorted(numbers))
