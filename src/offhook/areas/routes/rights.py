"""Which extension may use which outbound route, seen from the extension (`selectoutroute`, spec 02).

The same relation as the route's own list `extensions`; changing either changes both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from offhook.areas.routes.tables import outroute_extensions, outroutes
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


def revoke(connection: sa.Connection, numbers: Collection[str]) -> None:
    """Take every route from these extensions; what their groups may use stays."""
    connection.execute(sa.delete(outroute_extensions).where(_MEMBER.number.in_(tuple(numbers))))
