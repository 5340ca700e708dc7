"""Reads and changes the settings of the PBX as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from offhook.areas.numbers.service import Numbers
from offhook.areas.objects.errors import Conflict
from offhook.areas.objects.field import Field, Row
from offhook.areas.objects.kind import text_of
from offhook.areas.objects.references import References, named_in
from offhook.areas.pbxsettings.section import Section
from offhook.areas.pbxsettings.sections import FEATURE_CODES, PARKING, SECTIONS, check_codes, slot_range
from offhook.areas.pbxsettings.tables import pbx_settings
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import RuleBroken
from offhook.store.unit import Store, UnitOfWork
from offhook.store.vault import Vault

_NAME, _VALUE = pbx_settings.c.name, pbx_settings.c.value


class SettingsService:
    """The settings; `on_changed` is awaited with the engine's parts that depend on what changed."""

    def __init__(
        self,
        store: Store,
        numbers: Numbers,
        vault: Vault,
        references: References,
        on_changed: Callable[[frozenset[str]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._vault = vault
        self._references = references
        self._on_changed = on_changed
        numbers.register("parking slot", self._slots_of)
        references.add_naming(self.naming)

    async def get(self, section: Section) -> Row:
        """All settings of a section; those that are sealed as they are stored."""
        return await self._store.read(lambda connection: self.get_in(connection, section))

    def get_in(self, connection: sa.Connection, section: Section) -> Row:
        """As `get`, on a connection."""
        query = sa.select(_NAME, _VALUE).where(_NAME.startswith(f"{section.key}."))
        stored: dict[str, str] = {row.name.partition(".")[2]: row.value for row in connection.execute(query)}
        return section.defaults | {
            field.name: _read(field, stored[field.name]) for field in section.fields if field.name in stored
        }

    def opened(self, sealed: str) -> str:
        """The clear text of a sealed setting. Raises StoreError when it was sealed with another key."""
        return self._vault.open(sealed) if sealed else ""

    def read_changes(self, section: Section, values: Mapping[str, str]) -> Row:
        """The settings sent. Raises ContractError for one that breaks its rule."""
        changes: Row = {}
        for field in section.fields:
            if field.name not in values:
                continue
            sent = values[field.name]
            try:
                value = field.cleared if field.rule.is_empty(sent) else field.rule.take(sent)
            except RuleBroken as broken:
                raise ContractError(field.bad, f"{field.name} must be {broken}") from None
            if value is not None:
                changes[field.name] = value
        return changes

    async def update(self, section: Section, changes: Row) -> None:
        """Change settings. Raises ContractError, and then nothing was changed."""

        def work(unit: UnitOfWork) -> None:
            self.update_in(unit, section, changes)
            # `apply` looks when all that it declares is stored
            for target, name in named_in(section.references, changes):
                self._references.require_one(unit.connection, target, name, Errno.PARAMETER_EMPTY)

        await self._store.write(f"settings: {section.key}", work)
        await self._on_changed(section.parts)

    async def finished(self, section: Section) -> None:
        """Put changes in force that were made with `update_in`."""
        await self._on_changed(section.parts)

    def update_in(self, unit: UnitOfWork, section: Section, changes: Row) -> None:
        """As `update`, within `unit`."""
        connection = unit.connection
        old = self.get_in(connection, section)
        new = {**old, **changes}
        if section is FEATURE_CODES:
            check_codes(new)
        if section is PARKING and new["slots"] != old["slots"]:
            self._check_slots(connection, new["slots"])
        fields = section.by_name
        for name, value in changes.items():
            key, text = f"{section.key}.{name}", text_of(value)
            if fields[name].sealed and text:
                text = self._vault.seal(text)
            connection.execute(sa.delete(pbx_settings).where(_NAME.in_([key])))
            connection.execute(sa.insert(pbx_settings).values(name=key, value=text))

    def naming(self, connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
        """Which settings name what, for the references."""
        for section in SECTIONS:
            row = self.get_in(connection, section) if section.references else {}
            for target, name in named_in(section.references, row):
                yield f"the settings {section.key}", target, name

    def _check_slots(self, connection: sa.Connection, slots: str) -> None:
        first, last = slot_range(slots)
        wanted = [str(number) for number in range(first, last + 1)]
        taken = self._numbers.taken(connection, wanted, but="parking slot")
        for number in wanted:
            if number in taken:
                raise Conflict(Errno.PARAMETER_EMPTY, f"{number} is taken by another {taken[number]}")

    async def slots(self) -> tuple[int, int]:
        """The first and the last parking slot."""
        return slot_range((await self.get(PARKING))["slots"])

    def _slots_of(self, connection: sa.Connection, numbers: Collection[str]) -> list[str]:
        first, last = slot_range(self.get_in(connection, PARKING)["slots"])
        digits = len(str(first))
        return [one for one in numbers if len(one) == digits and one.isdigit() and first <= int(one) <= last]


def _read(field: Field, stored: str) -> Any:
    if not stored:
        return field.cleared
    return stored if field.sealed else field.rule.read(stored)
