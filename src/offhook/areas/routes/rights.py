"""Which extension may use which outbound route, seen from the extension (`selectoutroute`, spec 02).

The same relation as the route's own list `extensions`; changing either changes both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto

import sqlalchemy as sa

from offhook.areas.extensions.tables import extension_group_members, extensions
from offhook.areas.ivr.tables import ivr_outroutes, ivrs
from offhook.areas.routes.patterns import matches
from offhook.areas.routes.tables import outroute_extensions, outroute_groups, outroutes
from offhook.contract.errors import ContractError, Errno

_ROUTE, _MEMBER = outroutes.c, outroute_extensions.c


def route_names(connection: sa.Connection) -> tuple[str, ...]:
    """The names of all outbound routes, in order of their priority."""
    query = sa.select(_ROUTE.name).order_by(_ROUTE.priority, _ROUTE.id)
    return tuple(connection.execute(query).scalars())


def routes_of(connection: sa.Connection) -> Mapping[str, tuple[str, ...]]:
    """The names of the routes that each extension is a member of by itself."""
    found: dict[str, list[str]] = defaultdict(list)
    query = (
        sa.select(_MEMBER.number, _ROUTE.name)
        .join(outroutes, _MEMBER.route_id == _ROUTE.id)
        .order_by(_ROUTE.priority, _ROUTE.id)
    )
    for number, name in connection.execute(query):
        found[number].append(name)
    return {number: tuple(names) for number, names in found.items()}


def set_routes(connection: sa.Connection, number: str, names: Sequence[str]) -> None:
    """Make these the routes of an extension. Raises ContractError 10033 when one does not exist."""
    query = sa.select(_ROUTE.name, _ROUTE.id).where(_ROUTE.name.in_(names))
    known = {row.name: row.id for row in connection.execute(query)}
    if len(known) < len(set(names)):
        raise ContractError(Errno.EXTENSION_ROUTES_CONFIG, "selectoutroute names an unknown outbound route")
    revoke(connection, (number,))
    for route in known.values():
        last = sa.select(sa.func.coalesce(sa.func.max(_MEMBER.position), -1) + 1).where(
            _MEMBER.route_id == route
        )
        connection.execute(
            sa.insert(outroute_extensions).values(
                route_id=route, number=number, position=connection.execute(last).scalar_one()
            )
        )


class Permission(Enum):
    """Whether an extension may call an outside number."""

    GRANTED = auto()
    NO_RIGHT = auto()
    NO_ROUTE = auto()  # nobody may: no outbound route fits the number


def permission(connection: sa.Connection, extension: str | None, number: str) -> Permission:
    """Whether `extension` may call `number`; without one, only whether a route fits.

    As the dialplan decides it, but for PINs and time conditions, which it asks itself.
    """
    fitting = _fitting(connection, number)
    if not fitting:
        return Permission.NO_ROUTE
    if extension is None:
        return Permission.NO_RIGHT
    restricted = sa.select(extensions.c.callrestriction).where(extensions.c.number == extension)
    if connection.execute(restricted).scalar_one_or_none() is not False:
        return Permission.NO_RIGHT
    member, group = outroute_extensions.c, outroute_groups.c
    mine = sa.select(member.route_id).where(member.number == extension)
    groups = (
        sa.select(group.route_id)
        .join(extension_group_members, extension_group_members.c.group_id == group.group_id)
        .where(extension_group_members.c.number == extension)
    )
    allowed = set(connection.execute(mine.union(groups)).scalars())
    return Permission.GRANTED if fitting & allowed else Permission.NO_RIGHT


def permission_of_ivr(connection: sa.Connection, ivr: str, number: str) -> Permission | None:
    """Whether an IVR may call `number` by itself; None when it may call nobody (its `dialoutboundroutes`).

    Without a list of routes it may use all of them, as the dialplan sees it (`v_outrights`).
    """
    fitting = _fitting(connection, number)
    if not fitting:
        return Permission.NO_ROUTE
    mine = ivr_outroutes.c
    switch = sa.select(ivrs.c.dialoutboundroutes).where(ivrs.c.number == ivr)
    if not connection.execute(switch).scalar_one_or_none():
        return None
    listed = set(connection.execute(sa.select(mine.route_id).where(mine.number == ivr)).scalars())
    return Permission.GRANTED if not listed or fitting & listed else Permission.NO_RIGHT


def _fitting(connection: sa.Connection, number: str) -> set[int]:
    """The routes in force whose pattern `number` fits."""
    query = sa.select(_ROUTE.id, _ROUTE.prefix).where(_ROUTE.enabled)
    return {row.id for row in connection.execute(query) if matches(row.prefix, number)}


def revoke(connection: sa.Connection, numbers: Collection[str]) -> None:
    """Take every route from these extensions; what their groups may use stays."""
    connection.execute(sa.delete(outroute_extensions).where(_MEMBER.number.in_(tuple(numbers))))
