"""The keys of the declared state that list objects (`trunks`, `ivrs`, …): one section for each kind.

A list declares the complete set: what it does not name is deleted. Settings that an object does not name keep
their value. What objects name of each other is checked when all are stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.apply.change import Change, Difference, differences
from offhook.areas.apply.document import ApplyError, Node, fields, objects
from offhook.areas.apply.extensions import numbered
from offhook.areas.apply.service import refused
from offhook.areas.objects.errors import Missing
from offhook.areas.objects.field import Row
from offhook.areas.objects.kind import text_of
from offhook.areas.objects.service import ObjectService, named
from offhook.areas.pbxsettings.section import Section
from offhook.areas.pbxsettings.service import SettingsService
from offhook.contract.errors import ContractError
from offhook.store.unit import UnitOfWork

_Declared = Sequence[tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class _Request:
    place: str
    identity: str  # of an object that exists; empty for a new one
    values: Row


class ObjectSection:
    """Declared objects of one kind."""

    def __init__(self, service: ObjectService) -> None:
        self._service = service
        self.key = service.kind.key

    def read(self, node: Node) -> _Declared:
        """Place and settings of each object. Raises ApplyError."""
        allowed = frozenset(self._service.kind.by_name)
        return numbered(objects(node, self.key, allowed), self.key, self._service.kind.identity)

    def current(self, connection: sa.Connection) -> tuple[Row, ...]:
        """All objects."""
        return self._service.every(connection)

    def plan(self, current: Sequence[Row], declared: _Declared) -> list[Change]:
        """Deletions, then adds and updates."""
        kind = self._service.kind
        present = {row[kind.identity]: row for row in current}
        wanted = {values[kind.identity] for _, values in declared}
        changes = [
            Change(section=self.key, operation="delete", name=name, request=str(row[kind.primary]))
            for name, row in present.items()
            if name not in wanted
        ]
        for place, values in declared:
            try:
                change = self._planned(place, values, present.get(values[kind.identity]))
            except ContractError as failure:
                raise refused(place, failure) from None
            if change is not None:
                changes.append(change)
        return changes

    def _planned(self, place: str, values: dict[str, str], old: Row | None) -> Change | None:
        kind = self._service.kind
        secret = frozenset(field.name for field in kind.fields if field.secret)
        if old is None:
            new = kind.read_new(values)
            shown = {name: value for name, value in new.items() if name in values}
            return Change(
                section=self.key,
                operation="add",
                name=new[kind.identity],
                differences=differences({}, shown, secret),
                request=_Request(place, "", new),
            )
        sent = kind.read_changes(values)
        changes = {name: value for name, value in sent.items() if self._differs(name, value, old)}
        if not changes:
            return None
        told = tuple(
            Difference(name, "(secret)", "(secret)") for name in changes if name in secret
        ) + differences(old, {name: value for name, value in changes.items() if name not in secret})
        return Change(
            section=self.key,
            operation="update",
            name=old[kind.identity],
            differences=told,
            # all that is declared: what goes together is stored together
            request=_Request(place, str(old[kind.primary]), sent),
        )

    def _differs(self, name: str, value: object, old: Row) -> bool:
        known = old[name]
        field = self._service.kind.by_name[name]
        if field.derived is not None and known:
            return not field.derived.matches(str(value), known)
        if field.sealed:
            known = self._service.opened(known)
        return bool(known != value)

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> bool:
        """Carry out. Raises ApplyError."""
        gone = [change.request for change in changes if isinstance(change.request, str)]
        if gone:
            with contextlib.suppress(Missing):  # gone with what they belong to
                self._service.delete_in(unit, named(gone), references=False)
        for change in changes:
            if isinstance(change.request, _Request):
                self._store(unit, change.request)
        return bool(changes)

    def _store(self, unit: UnitOfWork, request: _Request) -> None:
        try:
            if request.identity:
                self._service.update_in(unit, request.identity, request.values, references=False)
            else:
                self._service.create_in(unit, request.values, references=False)
        except ContractError as failure:
            raise refused(request.place, failure) from None

    def settled(self, connection: sa.Connection, declared: _Declared) -> None:
        """Raises ApplyError when a list names what the same document deletes."""
        kind = self._service.kind
        lists = [field for field in kind.fields if field.link is not None]
        if not lists:
            return
        present = {row[kind.identity]: row for row in self._service.every(connection)}
        for place, values in declared:
            row = present[values[kind.identity]]
            for field in lists:
                gone = set(kind.read_changes({field.name: values.get(field.name, "")}).get(field.name, ()))
                for name in sorted(gone - set(row[field.name])):
                    raise ApplyError(f"{place}: {field.name} has {name}, which is deleted by this document")

    async def finished(self, done: bool) -> None:
        """Bring the engine in line."""
        if done:
            await self._service.finished()

    def export(self, current: Sequence[Row]) -> Node | None:
        """All objects without their secrets; settings that are empty are left out."""
        kind = self._service.kind
        return [{n: v for n, v in kind.shown(row).items() if v != ""} for row in current] or None


class SettingsSection:
    """Declared settings of the PBX as a whole: `featurecodes`, `parking`, `general`, …"""

    def __init__(self, service: SettingsService, section: Section) -> None:
        self._service = service
        self._section = section
        self._secret = frozenset(field.name for field in section.fields if field.secret)
        self.key = section.key

    def _known(self, current: Row, name: str) -> object:
        value = current[name]
        return self._service.opened(value) if self._section.by_name[name].sealed else value

    def read(self, node: Node) -> Row:
        """The settings declared. Raises ApplyError."""
        allowed = frozenset(self._section.by_name)
        try:
            return self._service.read_changes(self._section, fields(node, self.key, allowed))
        except ContractError as failure:
            raise refused(self.key, failure) from None

    def current(self, connection: sa.Connection) -> Row:
        """The settings now."""
        return self._service.get_in(connection, self._section)

    def plan(self, current: Row, declared: Row) -> list[Change]:
        """One update, or nothing."""
        changes = {name: value for name, value in declared.items() if self._known(current, name) != value}
        if not changes:
            return []
        told = differences(current, changes, self._secret)
        return [
            Change(section=self.key, operation="update", name="settings", differences=told, request=changes)
        ]

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> bool:
        """Carry out. Raises ApplyError."""
        for change in changes:
            if isinstance(change.request, dict):
                try:
                    self._service.update_in(unit, self._section, change.request)
                except ContractError as failure:
                    raise refused(self.key, failure) from None
        return bool(changes)

    async def finished(self, done: bool) -> None:
        """Bring the engine in line."""
        if done:
            await self._service.finished(self._section)

    def export(self, current: Row) -> Node | None:
        """What differs from the defaults, without secrets."""
        defaults = self._section.defaults
        shown = {n: v for n, v in current.items() if n not in self._secret}
        return {n: text_of(v) for n, v in shown.items() if v != defaults[n]} or None
