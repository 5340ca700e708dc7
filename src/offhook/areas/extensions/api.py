"""Endpoints of extensions and extension groups (spec 02-extension)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from offhook.areas.extensions.groups import GroupService
from offhook.areas.extensions.requests import (
    AddExtension,
    AddGroup,
    Groups,
    Numbered,
    UpdateExtension,
    UpdateGroup,
)
from offhook.areas.extensions.results import (
    Call,
    CallList,
    ExtensionCalls,
    ExtensionInfos,
    ExtensionList,
    ExtensionListItem,
    GroupAdded,
    GroupInfos,
    GroupUpdated,
    extension_info,
    group_info,
)
from offhook.areas.extensions.service import ExtensionService
from offhook.callstate.model import ExtensionWord, Member
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import NoParameters
from offhook.contract.results import Nothing
from offhook.contract.rules import Selection

_ALL = Selection(every=True)
_CHAPTER = "02"


Routes: TypeAlias = Callable[[], Awaitable[tuple[Sequence[str], Mapping[str, Sequence[str]]]]]
"""The names of all outbound routes, and of those that each extension is a member of."""


class LivePicture(Protocol):
    """The calls that are up now."""

    def calls_of(self, number: str) -> Sequence[tuple[str, tuple[Member, ...]]]:
        """Callid and members of each call that extension `number` is in."""


class ExtensionStates(Protocol):
    """What extensions are doing now."""

    def state_of(self, number: str) -> ExtensionWord:
        """The state of extension `number`."""


def endpoints(
    service: ExtensionService,
    groups: GroupService,
    live: LivePicture,
    states: ExtensionStates,
    routes: Routes,
) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""
    return [*_extension_endpoints(service, live, states, routes), *_group_endpoints(groups)]


def _extension_endpoints(
    service: ExtensionService, live: LivePicture, states: ExtensionStates, routes: Routes
) -> list[Endpoint[Any, Any]]:
    async def list_all(_caller: Caller, _request: NoParameters) -> ExtensionList:
        return ExtensionList(
            extlist=tuple(
                ExtensionListItem(
                    number=extension.number,
                    status=states.state_of(extension.number).value,
                    type="SIP",
                    username=extension.username,
                    agentid=extension.agentid or None,
                )
                for extension in await service.query(_ALL)
            )
        )

    async def query(_caller: Caller, request: Numbered) -> ExtensionInfos:
        found = await service.query(request.number)
        every, chosen = await routes()
        return ExtensionInfos(
            extinfos=tuple(
                extension_info(e, states.state_of(e.number).value, chosen.get(e.number, ()), every)
                for e in found
            )
        )

    async def query_call(_caller: Caller, request: Numbered) -> CallList:
        calls = ((number, live.calls_of(number)) for number in await service.numbers(request.number))
        return CallList(calllist=tuple(_calls(number, found) for number, found in calls if found))

    async def add(_caller: Caller, request: AddExtension) -> Nothing:
        await service.add(request)
        return Nothing()

    async def update(_caller: Caller, request: UpdateExtension) -> Nothing:
        await service.update(request)
        return Nothing()

    async def delete(_caller: Caller, request: Numbered) -> Nothing:
        await service.delete(request.number)
        return Nothing()

    missing = (Errno.NO_SUCH_EXTENSION,)
    refused = (
        Errno.PARAMETER_EMPTY,
        Errno.NO_SUCH_EXTENSION,
        Errno.EXTENSION_CONFIG,
        Errno.EXTENSION_ROUTES_CONFIG,
    )
    return [
        Endpoint(
            "extension/list",
            _CHAPTER,
            "All extensions with their state",
            NoParameters,
            ExtensionList,
            list_all,
        ),
        Endpoint(
            "extension/query",
            _CHAPTER,
            "Full configuration of extensions",
            Numbered,
            ExtensionInfos,
            query,
            missing,
        ),
        Endpoint(
            "extension/query_call",
            _CHAPTER,
            "Calls that extensions are in",
            Numbered,
            CallList,
            query_call,
            missing,
        ),
        Endpoint("extension/add", _CHAPTER, "Creates an extension", AddExtension, Nothing, add, refused),
        Endpoint(
            "extension/update", _CHAPTER, "Changes an extension", UpdateExtension, Nothing, update, refused
        ),
        Endpoint("extension/delete", _CHAPTER, "Deletes extensions", Numbered, Nothing, delete, missing),
    ]


def _calls(number: str, calls: Sequence[tuple[str, tuple[Member, ...]]]) -> ExtensionCalls:
    return ExtensionCalls(
        number=number,
        numbercalls=tuple(
            Call(callid=callid, members=tuple(member.wire() for member in members))
            for callid, members in calls
        ),
    )


def _group_endpoints(groups: GroupService) -> list[Endpoint[Any, Any]]:
    async def query(_caller: Caller, request: Groups) -> GroupInfos:
        return GroupInfos(extgroupinfos=tuple(group_info(group) for group in await groups.query(request.id)))

    async def add(_caller: Caller, request: AddGroup) -> GroupAdded:
        stored = await groups.add(request)
        return GroupAdded(id=stored.id, errnum=",".join(stored.unknown) or None)

    async def update(_caller: Caller, request: UpdateGroup) -> GroupUpdated:
        return GroupUpdated(errnum=",".join((await groups.update(request)).unknown) or None)

    async def delete(_caller: Caller, request: Groups) -> Nothing:
        await groups.delete(request.id)
        return Nothing()

    missing = (Errno.NO_SUCH_EXTGROUP,)
    refused = (Errno.EXTGROUP_NAME, Errno.EXTGROUP_NAME_IN_USE, Errno.EXTGROUP_MEMBERS)
    return [
        Endpoint("extensiongroup/query", _CHAPTER, "Extension groups", Groups, GroupInfos, query, missing),
        Endpoint(
            "extensiongroup/add",
            _CHAPTER,
            "Creates an extension group",
            AddGroup,
            GroupAdded,
            add,
            (*refused, Errno.EXTGROUP_LIMIT),
        ),
        Endpoint(
            "extensiongroup/update",
            _CHAPTER,
            "Changes name or members of an extension group",
            UpdateGroup,
            GroupUpdated,
            update,
            (*missing, *refused),
        ),
        Endpoint(
            "extensiongroup/delete", _CHAPTER, "Deletes extension groups", Groups, Nothing, delete, missing
        ),
    ]
