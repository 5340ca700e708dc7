"""DOD numbers: who shows which number on calls out over a trunk (spec 03-trunk, `extensionsdod`).

An entry is `{dod_number}-{dod_name}-{extension or group}`, so names cannot hold a hyphen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.areas.extensions.tables import extension_groups, extensions
from offhook.areas.trunks.tables import trunk_dods
from offhook.contract.errors import ContractError, Errno

_LONGEST = 31
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
_NAME = re.compile(r"[^&'<>`|$\]\\\"{}%;@\x00-\x1f\x7f]+")
_COLUMN = trunk_dods.c


def parse(entry: str) -> tuple[str, str, str]:
    """Number, name and target of an entry. Raises ContractError 10055 to 10059."""
    parts = entry.split("-")
    if len(parts) != 3 or not all(part.strip() for part in parts):
        raise ContractError(Errno.DOD_FORM, "a DOD entry is number-name-target, without further hyphens")
    number, name, target = (part.strip() for part in parts)
    if not _NUMBER.fullmatch(number):
        raise ContractError(Errno.DOD_NUMBER, "a DOD number has digits only, and + before them")
    if len(number) > _LONGEST:
        raise ContractError(Errno.DOD_NUMBER_LENGTH, f"a DOD number has at most {_LONGEST} characters")
    if not _NAME.fullmatch(name):
        raise ContractError(Errno.DOD_NAME, "a DOD name has none of & ' < > ` | $ ] \\ \" { } % ; @")
    if len(name) > _LONGEST:
        raise ContractError(Errno.DOD_NAME_LENGTH, f"a DOD name has at most {_LONGEST} characters")
    return number, name, target


@dataclass(frozen=True, slots=True)
class DodLink:
    """The DOD entries of trunks: those bound to extensions, or those bound to groups."""

    groups: bool

    def load(self, connection: sa.Connection, owners: Sequence[Any]) -> Mapping[Any, tuple[str, ...]]:
        """The entries of each trunk, in order."""
        target = extension_groups.c.name if self.groups else trunk_dods.c.extension
        query = sa.select(_COLUMN.trunk_id, _COLUMN.number, _COLUMN.name, target).order_by(_COLUMN.position)
        if self.groups:
            query = query.join(extension_groups, _COLUMN.group_id == extension_groups.c.id)
        else:
            query = query.where(_COLUMN.extension.is_not(None))
        found: dict[Any, list[str]] = defaultdict(list)
        for owner, *parts in connection.execute(query.where(_COLUMN.trunk_id.in_(owners))):
            found[owner].append("-".join(parts))
        return {owner: tuple(entries) for owner, entries in found.items()}

    def store(self, connection: sa.Connection, owner: Any, values: Sequence[str]) -> None:
        """Replace the entries. Raises ContractError 10053 to 10059."""
        own = _COLUMN.group_id.is_not(None) if self.groups else _COLUMN.extension.is_not(None)
        rows = [self._row(connection, owner, at, entry) for at, entry in enumerate(values)]
        connection.execute(sa.delete(trunk_dods).where(_COLUMN.trunk_id == owner, own))
        if rows:
            connection.execute(sa.insert(trunk_dods), rows)

    def _row(self, connection: sa.Connection, owner: Any, at: int, entry: str) -> dict[str, Any]:
        number, name, target = parse(entry)
        if self.groups:
            query = sa.select(extension_groups.c.id).where(extension_groups.c.name == target)
            errno = Errno.DOD_GROUP
        else:
            query = sa.select(extensions.c.number).where(extensions.c.number == target)
            errno = Errno.DOD_EXTENSION
        key = connection.execute(query).scalar_one_or_none()
        if key is None:
            raise ContractError(errno, "a DOD entry names what does not exist")
        return {
            "trunk_id": owner,
            "position": at,
            "number": number,
            "name": name,
            "extension": None if self.groups else key,
            "group_id": key if self.groups else None,
        }
