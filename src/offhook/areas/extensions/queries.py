"""Typed queries over the tables of extensions and groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.areas.extensions.model import EXTENSION, FORWARDS, VOICEMAIL, Extension
from offhook.areas.extensions.tables import extension_group_members, extension_groups, extensions
from offhook.contract.rules import Selection
from offhook.store.parts import parts

_E, _G, _M = extensions.c, extension_groups.c, extension_group_members.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An extension group; members in the order given."""

    id: int
    name: str
    members: tuple[str, ...]


def select_extensions(connection: sa.Connection, which: Selection) -> tuple[Extension, ...]:
    """The extensions chosen that exist, in order of their number."""
    query = sa.select(*(extensions.c[f.name] for f in dataclasses.fields(Extension)))
    names = [f.name for f in dataclasses.fields(Extension)]
    found: list[Extension] = []
    for part in _parts(query, _E.number, which):
        found.extend(Extension(**dict(zip(names, row, strict=True))) for row in connection.execute(part))
    return tuple(sorted(found, key=lambda extension: number_order(extension.number)))


def number_order(number: str) -> tuple[int, str]:
    """Sorts numbers as a person would: by length, then by digits."""
    return len(number), number


def _parts(query: sa.Select[Any], column: sa.ColumnElement[Any], which: Selection) -> list[sa.Select[Any]]:
    if which.every:
        return [query]
    return [query.where(column.in_(some)) for some in parts(which.names)]


def select_numbers(connection: sa.Connection, which: Selection) -> tuple[str, ...]:
    """The numbers chosen that exist, in order."""
    found = [
        row.number
        for part in _parts(sa.select(_E.number), _E.number, which)
        for row in connection.execute(part)
    ]
    return tuple(sorted(found, key=number_order))


def one_extension(connection: sa.Connection, number: str) -> Extension | None:
    """The extension `number`, or None."""
    found = select_extensions(connection, Selection(every=False, names=(number,)))
    return found[0] if found else None


def exists(connection: sa.Connection, number: str) -> bool:
    """True when `number` is an extension."""
    return connection.execute(sa.select(_E.number).where(_E.number == number)).first() is not None


def count_extensions(connection: sa.Connection) -> int:
    """How many extensions there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(extensions)).scalar_one()


def named(connection: sa.Connection, names: Collection[str]) -> dict[str, str]:
    """The extensions that have one of these names as number or registername: both, by number."""
    query = sa.select(_E.number, _E.registername)
    found: dict[str, str] = {}
    for some in parts(tuple(names)):
        for column in (_E.number, _E.registername):
            found.update((row[0], row[1]) for row in connection.execute(query.where(column.in_(some))))
    return found


def insert_extensions(connection: sa.Connection, new: Sequence[Extension]) -> None:
    """Store new extensions."""
    if new:
        connection.execute(sa.insert(extensions), [dataclasses.asdict(one) for one in new])


def replace_extensions(connection: sa.Connection, changed: Sequence[Extension]) -> None:
    """Store all fields of extensions that exist."""
    if changed:
        names = [field.name for field in dataclasses.fields(Extension)]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names if name != "number"}
        statement = sa.update(extensions).where(_E.number == sa.bindparam("key")).values(values)
        rows = [dataclasses.asdict(one) for one in changed]
        connection.execute(statement, [{"key": row.pop("number"), **row} for row in rows])


def delete_extensions(connection: sa.Connection, numbers: Collection[str]) -> None:
    """Delete extensions; their places in groups go with them."""
    for some in parts(tuple(numbers)):
        connection.execute(sa.delete(extensions).where(_E.number.in_(some)))


def redirect_forwards(connection: sa.Connection, gone: Collection[str]) -> tuple[str, ...]:
    """Turn forwards to the numbers in `gone` to voicemail; returns whose forwards were changed."""
    changed: set[str] = set()
    for letter in FORWARDS.values():
        target, to = extensions.c[f"{letter}transferext"], extensions.c[f"{letter}transferto"]
        concerned = target.in_(gone)
        changed.update(connection.execute(sa.select(_E.number).where(concerned)).scalars())
        voicemail = sa.case((to == EXTENSION, VOICEMAIL), else_=to)
        connection.execute(sa.update(extensions).where(concerned).values({to: voicemail, target: ""}))
    return tuple(sorted(changed, key=number_order))


def select_groups(connection: sa.Connection, ids: Collection[int] | None) -> tuple[Group, ...]:
    """Groups by id (None: all), in order of their ids."""
    query = sa.select(_G.id, _G.name).order_by(_G.id)
    if ids is not None:
        query = query.where(_G.id.in_(ids))
    members: dict[int, list[str]] = {row.id: [] for row in connection.execute(query)}
    for row in connection.execute(sa.select(_M.group_id, _M.number).order_by(_M.group_id, _M.position)):
        if row.group_id in members:
            members[row.group_id].append(row.number)
    return tuple(
        Group(id=row.id, name=row.name, members=tuple(members[row.id])) for row in connection.execute(query)
    )


def group_named(connection: sa.Connection, name: str) -> int | None:
    """The id of the group with that name, or None."""
    return connection.execute(sa.select(_G.id).where(_G.name == name)).scalar_one_or_none()


def count_groups(connection: sa.Connection) -> int:
    """How many groups there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(extension_groups)).scalar_one()


def insert_group(connection: sa.Connection, name: str) -> int:
    """Store a new group without members; returns its id."""
    return int(
        connection.execute(sa.insert(extension_groups).values(name=name).returning(_G.id)).scalar_one()
    )


def rename_group(connection: sa.Connection, group: int, name: str) -> None:
    """Give a group another name."""
    connection.execute(sa.update(extension_groups).where(_G.id == group).values(name=name))


def set_members(connection: sa.Connection, group: int, numbers: Collection[str]) -> None:
    """Replace the members of a group."""
    connection.execute(sa.delete(extension_group_members).where(_M.group_id == group))
    rows = [{"group_id": group, "number": number, "position": at} for at, number in enumerate(numbers)]
    if rows:
        connection.execute(sa.insert(extension_group_members), rows)


def delete_groups(connection: sa.Connection, ids: Collection[int]) -> None:
    """Delete groups; the extensions stay."""
    connection.execute(sa.delete(extension_groups).where(_G.id.in_(ids)))
