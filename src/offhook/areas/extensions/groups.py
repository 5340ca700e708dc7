"""What is done with extension groups (spec 02-extension, extensiongroup/*)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.extensions.model import ExtensionSettings
from offhook.areas.extensions.queries import Group
from offhook.areas.extensions.requests import AddGroup, UpdateGroup
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork

_ID_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Stored:
    """A group that was stored, and the numbers given that are no extensions."""

    id: int
    unknown: tuple[str, ...]


class GroupService:
    """The extension groups of the PBX; the `_in` functions work inside the caller's transaction."""

    def __init__(self, store: Store, *, settings: Callable[[], ExtensionSettings]) -> None:
        self._store = store
        self._settings = settings

    async def query(self, which: Selection) -> tuple[Group, ...]:
        """The groups chosen that exist. Raises ContractError 10143 when some are named and none exists."""
        return await self._store.read(lambda connection: _chosen(connection, which))

    async def add(self, request: AddGroup) -> Stored:
        """Create a group. Raises ContractError 10144, 10145, 10148 or 10149."""
        return await self._store.write("extensiongroup/add", lambda unit: self.add_in(unit, request))

    async def update(self, request: UpdateGroup) -> Stored:
        """Change name or members. Raises ContractError 10143, 10145 or 10149."""
        return await self._store.write("extensiongroup/update", lambda unit: self.update_in(unit, request))

    async def delete(self, which: Selection) -> None:
        """Delete the groups chosen that exist. Raises ContractError 10143 when none of those named exists."""
        await self._store.write("extensiongroup/delete", lambda unit: self.delete_in(unit, which))

    def add_in(self, unit: UnitOfWork, request: AddGroup) -> Stored:
        """As `add`, within `unit`."""
        connection = unit.connection
        self._check_name(connection, request.name, None)
        if queries.count_groups(connection) >= self._settings().max_groups:
            raise ContractError(Errno.EXTGROUP_LIMIT)
        known, unknown = _known(connection, request.members)
        group = queries.insert_group(connection, request.name)
        queries.set_members(connection, group, known)
        return Stored(group, unknown)

    def update_in(self, unit: UnitOfWork, request: UpdateGroup) -> Stored:
        """As `update`, within `unit`."""
        connection = unit.connection
        group = _chosen(connection, Selection(every=False, names=(request.id,)))[0]
        if request.name is not None:
            self._check_name(connection, request.name, group.id)
            queries.rename_group(connection, group.id, request.name)
        if request.members is None:
            return Stored(group.id, ())
        known, unknown = _known(connection, request.members)
        queries.set_members(connection, group.id, known)
        return Stored(group.id, unknown)

    def delete_in(self, unit: UnitOfWork, which: Selection) -> None:
        """As `delete`, within `unit`."""
        found = _chosen(unit.connection, which)
        queries.delete_groups(unit.connection, [group.id for group in found])

    @staticmethod
    def _check_name(connection: sa.Connection, name: str, own: int | None) -> None:
        holder = queries.group_named(connection, name)
        if holder is not None and holder != own:
            raise ContractError(Errno.EXTGROUP_NAME_IN_USE)


def _chosen(connection: sa.Connection, which: Selection) -> tuple[Group, ...]:
    if which.every:
        return queries.select_groups(connection, None)
    ids = [int(name) for name in which.names if name.isascii() and name.isdigit() and len(name) <= _ID_DIGITS]
    found = queries.select_groups(connection, ids)
    if not found:
        raise ContractError(Errno.NO_SUCH_EXTGROUP, "no extension group has this id")
    return found


def _known(connection: sa.Connection, members: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    existing = set(queries.select_numbers(connection, Selection(every=False, names=tuple(members))))
    known = [number for number in members if number in existing]
    if not known:
        raise ContractError(Errno.EXTGROUP_MEMBERS, "none of the members is an extension")
    return known, tuple(number for number in members if number not in existing)
