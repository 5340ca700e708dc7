"""Endpoints of inbound and outbound routes (spec 04-routes)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService
from offhook.areas.routes.kinds import (
    CALLER_ID,
    DEST,
    DESTTYPE,
    DID,
    PREFIX,
    PREPEND,
    ROUTE_NAME,
    STRIP,
)
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Selection, name_list, pattern, selection

_ID = pattern(r"[0-9]{1,9}", says="the id of one route", max_len=9)
_CHAPTER = "04"
_LISTS = frozenset({"trunks", "extensions", "extensionsgroup"})


def _changes(request: Any) -> Row:
    named = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    return {
        name: () if name in _LISTS and value == "" else value
        for name, value in named.items()
        if value is not None and name != "id"
    }


@dataclass(frozen=True, kw_only=True)
class AddInroute:
    """Request of inroute/add."""

    name: str = param(ROUTE_NAME, bad=Errno.INROUTE_NAME)
    did: str | None = param(DID, bad=Errno.DID_PATTERN, optional=True)
    caller_id: str | None = param(CALLER_ID, bad=Errno.CALLERID_PATTERN, optional=True)
    trunks: tuple[str, ...] = param(name_list(), bad=Errno.INROUTE_TRUNK)
    desttype: str = param(DESTTYPE, bad=Errno.DESTINATION_TYPE)
    dest: str | None = param(DEST, bad=Errno.DESTINATION, optional=True)


@dataclass(frozen=True, kw_only=True)
class UpdateInroute:
    """Request of inroute/update."""

    id: str = param(_ID, bad=Errno.NO_SUCH_INROUTE)
    name: str | None = param(ROUTE_NAME, bad=Errno.INROUTE_NAME, optional=True)
    did: str | None = param(DID, bad=Errno.DID_PATTERN, optional=True, empty_ok=True)
    caller_id: str | None = param(CALLER_ID, bad=Errno.CALLERID_PATTERN, optional=True, empty_ok=True)
    trunks: tuple[str, ...] | None = param(name_list(), bad=Errno.INROUTE_TRUNK, optional=True)
    desttype: str | None = param(DESTTYPE, bad=Errno.DESTINATION_TYPE, optional=True)
    dest: str | None = param(DEST, bad=Errno.DESTINATION, optional=True)


@dataclass(frozen=True, kw_only=True)
class AddOutroute:
    """Request of outroute/add."""

    name: str = param(ROUTE_NAME, bad=Errno.OUTROUTE_NAME)
    prefix: str = param(PREFIX, bad=Errno.DIAL_PATTERN)
    strip: str | None = param(STRIP, bad=Errno.STRIP_COUNT, optional=True)
    prepend: str | None = param(PREPEND, bad=Errno.PREPEND, optional=True)
    trunks: tuple[str, ...] = param(name_list(), bad=Errno.OUTROUTE_TRUNK)
    extensions: tuple[str, ...] | None = param(name_list(), bad=Errno.OUTROUTE_EXTENSION, optional=True)
    extensionsgroup: tuple[str, ...] | None = param(name_list(), bad=Errno.OUTROUTE_GROUP, optional=True)


@dataclass(frozen=True, kw_only=True)
class UpdateOutroute:
    """Request of outroute/update."""

    id: str = param(_ID, bad=Errno.NO_SUCH_OUTROUTE)
    name: str | None = param(ROUTE_NAME, bad=Errno.OUTROUTE_NAME, optional=True)
    prefix: str | None = param(PREFIX, bad=Errno.DIAL_PATTERN, optional=True)
    strip: str | None = param(STRIP, bad=Errno.STRIP_COUNT, optional=True, empty_ok=True)
    prepend: str | None = param(PREPEND, bad=Errno.PREPEND, optional=True, empty_ok=True)
    trunks: tuple[str, ...] | None = param(name_list(), bad=Errno.OUTROUTE_TRUNK, optional=True)
    extensions: tuple[str, ...] | None = param(
        name_list(), bad=Errno.OUTROUTE_EXTENSION, optional=True, empty_ok=True
    )
    extensionsgroup: tuple[str, ...] | None = param(
        name_list(), bad=Errno.OUTROUTE_GROUP, optional=True, empty_ok=True
    )


@dataclass(frozen=True, kw_only=True)
class Inroutes:
    """Request that names inbound routes: one id, several joined by commas, or all."""

    id: Selection = param(selection(), bad=Errno.NO_SUCH_INROUTE)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class Outroutes:
    """Request that names outbound routes: one id, several joined by commas, or all."""

    id: Selection = param(selection(), bad=Errno.NO_SUCH_OUTROUTE)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class InrouteInfo:
    """One inbound route; `trunks` joined by commas."""

    id: int
    name: str
    did: str
    caller_id: str
    trunks: str
    desttype: str
    dest: str


@dataclass(frozen=True, kw_only=True)
class InrouteInfos:
    """Result of inroute/query."""

    inroutes: tuple[InrouteInfo, ...]


@dataclass(frozen=True, kw_only=True)
class OutrouteInfo:
    """One outbound route; lists joined by commas."""

    id: int
    name: str
    prefix: str
    strip: str
    prepend: str
    trunks: str
    extensions: str
    extensionsgroup: str


@dataclass(frozen=True, kw_only=True)
class OutrouteInfos:
    """Result of outroute/query."""

    outroutes: tuple[OutrouteInfo, ...]


@dataclass(frozen=True, kw_only=True)
class RouteAdded:
    """Result of inroute/add and outroute/add."""

    id: int


def _shown(row: Row, of: type[Any]) -> Any:
    values = {field.name: row[field.name] for field in dataclasses.fields(of)}
    return of(**{name: ",".join(v) if isinstance(v, tuple) else v for name, v in values.items()})


def _defaults(service: ObjectService) -> Row:
    return {field.name: field.default for field in service.kind.fields if not field.required}


def endpoints(inroutes: ObjectService, outroutes: ObjectService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""
    return [*_inroute_endpoints(inroutes), *_outroute_endpoints(outroutes)]


def _inroute_endpoints(service: ObjectService) -> list[Endpoint[Any, Any]]:
    async def query(_caller: Caller, request: Inroutes) -> InrouteInfos:
        found = await service.query(request.id)
        return InrouteInfos(inroutes=tuple(_shown(row, InrouteInfo) for row in found))

    async def add(_caller: Caller, request: AddInroute) -> RouteAdded:
        return RouteAdded(id=await service.create(_defaults(service) | _changes(request)))

    async def update(_caller: Caller, request: UpdateInroute) -> Nothing:
        await service.update(request.id, _changes(request))
        return Nothing()

    async def delete(_caller: Caller, request: Inroutes) -> Nothing:
        await service.delete(request.id)
        return Nothing()

    missing = (Errno.NO_SUCH_INROUTE,)
    refused = (Errno.PARAMETER_EMPTY, Errno.INROUTE_EXISTS, Errno.DESTINATION)
    return [
        Endpoint("inroute/query", _CHAPTER, "Inbound routes", Inroutes, InrouteInfos, query, missing),
        Endpoint(
            "inroute/add",
            _CHAPTER,
            "Creates an inbound route",
            AddInroute,
            RouteAdded,
            add,
            (*refused, Errno.INROUTE_LIMIT),
        ),
        Endpoint(
            "inroute/update",
            _CHAPTER,
            "Changes an inbound route",
            UpdateInroute,
            Nothing,
            update,
            (*missing, *refused),
        ),
        Endpoint("inroute/delete", _CHAPTER, "Deletes inbound routes", Inroutes, Nothing, delete, missing),
    ]


def _outroute_endpoints(service: ObjectService) -> list[Endpoint[Any, Any]]:
    async def query(_caller: Caller, request: Outroutes) -> OutrouteInfos:
        found = await service.query(request.id)
        return OutrouteInfos(outroutes=tuple(_shown(row, OutrouteInfo) for row in found))

    async def add(_caller: Caller, request: AddOutroute) -> RouteAdded:
        return RouteAdded(id=await service.create(_defaults(service) | _changes(request)))

    async def update(_caller: Caller, request: UpdateOutroute) -> Nothing:
        await service.update(request.id, _changes(request))
        return Nothing()

    async def delete(_caller: Caller, request: Outroutes) -> Nothing:
        await service.delete(request.id)
        return Nothing()

    missing = (Errno.NO_SUCH_OUTROUTE,)
    refused = (Errno.PARAMETER_EMPTY, Errno.OUTROUTE_EXISTS)
    return [
        Endpoint("outroute/query", _CHAPTER, "Outbound routes", Outroutes, OutrouteInfos, query, missing),
        Endpoint(
            "outroute/add",
            _CHAPTER,
            "Creates an outbound route",
            AddOutroute,
            RouteAdded,
            add,
            (*refused, Errno.OUTROUTE_LIMIT),
        ),
        Endpoint(
            "outroute/update",
            _CHAPTER,
            "Changes an outbound route",
            UpdateOutroute,
            Nothing,
            update,
            (*missing, *refused),
        ),
        Endpoint(
            "outroute/delete",
            _CHAPTER,
            "Deletes outbound routes",
            Outroutes,
            Nothing,
            delete,
            (*missing, Errno.OUTROUTE_DELETE),
        ),
    ]
