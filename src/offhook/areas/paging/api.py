"""Endpoints of paging groups: their settings (spec 08-paging)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService
from offhook.areas.paging.kind import ADDRESS, FLAG, MEMBERS, MULTICAST, NAME, NUMBER, TYPE
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import NoParameters, param
from offhook.contract.results import Nothing
from offhook.contract.rules import Selection, selection

_CHAPTER = "08"


@dataclass(frozen=True, kw_only=True)
class PagingGroups:
    """Request that names paging groups: one number, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_PAGING)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class _Settings:
    member: tuple[str, ...] | None = param(
        MEMBERS, bad=Errno.NO_SUCH_PAGING_MEMBER, optional=True, empty_ok=True
    )
    membergroup: tuple[str, ...] | None = param(
        MEMBERS, bad=Errno.NO_SUCH_PAGING_MEMBER, optional=True, empty_ok=True
    )
    enabledialtoanswer: bool | None = param(FLAG, bad=Errno.PAGING_NAME, optional=True)
    multicastip: str | None = param(ADDRESS, bad=Errno.PAGING_NAME, optional=True)

    def changes(self) -> Row:
        """The settings sent."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: () if name.startswith("member") and value == "" else value
            for name, value in named.items()
            if value is not None
        }


@dataclass(frozen=True, kw_only=True)
class AddPagingGroup(_Settings):
    """Request of paginggroup/add."""

    number: str = param(NUMBER, bad=Errno.PAGING_NAME)
    name: str = param(NAME, bad=Errno.PAGING_NAME)
    type: str = param(TYPE, bad=Errno.PAGING_NAME)


@dataclass(frozen=True, kw_only=True)
class UpdatePagingGroup(_Settings):
    """Request of paginggroup/update."""

    number: str = param(NUMBER, bad=Errno.NO_SUCH_PAGING)
    name: str | None = param(NAME, bad=Errno.PAGING_NAME, optional=True)
    type: str | None = param(TYPE, bad=Errno.PAGING_NAME, optional=True)


@dataclass(frozen=True, kw_only=True)
class PagingListItem:
    """One line of paginggroup/list."""

    number: str
    name: str


@dataclass(frozen=True, kw_only=True)
class PagingList:
    """Result of paginggroup/list."""

    paginggrouplist: tuple[PagingListItem, ...]


@dataclass(frozen=True, kw_only=True)
class PagingInfo:
    """One paging group; the lists end with a comma. A multicast group has its address only."""

    number: str
    name: str
    type: str
    member: str | None = None
    membergroup: str | None = None
    enabledialtoanswer: str | None = None
    multicastip: str | None = None


@dataclass(frozen=True, kw_only=True)
class PagingInfos:
    """Result of paginggroup/query."""

    paginggroup: tuple[PagingInfo, ...]


def paging_info(row: Row) -> PagingInfo:
    """A paging group as paginggroup/query shows it."""
    named = {"number": row["number"], "name": row["name"], "type": row["type"]}
    if row["type"] == MULTICAST:
        return PagingInfo(**named, multicastip=row["multicastip"])
    return PagingInfo(
        **named,
        member="".join(f"{number}," for number in row["member"]),
        membergroup="".join(f"{name}," for name in row["membergroup"]),
        enabledialtoanswer="yes" if row["enabledialtoanswer"] else "no",
    )


def endpoints(service: ObjectService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def list_all(_caller: Caller, _request: NoParameters) -> PagingList:
        found = await service.query(Selection(every=True))
        return PagingList(
            paginggrouplist=tuple(PagingListItem(number=row["number"], name=row["name"]) for row in found)
        )

    async def query(_caller: Caller, request: PagingGroups) -> PagingInfos:
        found = await service.query(request.number, all_or_nothing=True)
        return PagingInfos(paginggroup=tuple(paging_info(row) for row in found))

    async def add(_caller: Caller, request: AddPagingGroup) -> Nothing:
        if request.type != MULTICAST and request.enabledialtoanswer is None:
            raise ContractError(Errno.PARAMETER_EMPTY, "enabledialtoanswer is missing or empty")
        defaults = {field.name: field.default for field in service.kind.fields if not field.required}
        await service.create(defaults | request.changes())
        return Nothing()

    async def update(_caller: Caller, request: UpdatePagingGroup) -> Nothing:
        changes = request.changes()
        changes.pop("number")
        await service.update(request.number, changes)
        return Nothing()

    async def delete(_caller: Caller, request: PagingGroups) -> Nothing:
        await service.delete(request.number, all_or_nothing=True)
        return Nothing()

    missing = (Errno.NO_SUCH_PAGING,)
    refused = (Errno.PARAMETER_EMPTY, Errno.NO_SUCH_PAGING_MEMBER, Errno.PAGING_MEMBERS_LIMIT)
    lists = [
        Endpoint(path, _CHAPTER, "All paging groups", NoParameters, PagingList, list_all)
        for path in ("paginggroup/list", "paginggrouplist/query")
    ]
    return [
        *lists,
        Endpoint(
            "paginggroup/query",
            _CHAPTER,
            "Settings of paging groups",
            PagingGroups,
            PagingInfos,
            query,
            missing,
        ),
        Endpoint(
            "paginggroup/add",
            _CHAPTER,
            "Creates a paging group",
            AddPagingGroup,
            Nothing,
            add,
            (*refused, Errno.PAGING_NUMBER_IN_USE, Errno.PAGING_LIMIT),
        ),
        Endpoint(
            "paginggroup/update",
            _CHAPTER,
            "Changes a paging group",
            UpdatePagingGroup,
            Nothing,
            update,
            (*missing, *refused),
        ),
        Endpoint(
            "paginggroup/delete",
            _CHAPTER,
            "Deletes paging groups",
            PagingGroups,
            Nothing,
            delete,
            (*missing, Errno.PAGING_FAILED),
        ),
    ]
