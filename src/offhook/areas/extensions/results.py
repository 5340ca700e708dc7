"""Answers of extension/* and extensiongroup/*; fields in the order of the contract's samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offhook.areas.extensions.model import CUSTOM, EXTENSION, FORWARDS, Extension
from offhook.areas.extensions.queries import Group
from offhook.areas.extensions.rules import SYSTEM_DEFAULT
from offhook.contract.results import wire_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionListItem:
    """One line of extension/list; `agentid` is left out where none is set."""

    number: str
    status: str
    type: str
    username: str
    agentid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionList:
    """Result of extension/list."""

    extlist: tuple[ExtensionListItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionInfo:
    """One extension as extension/query shows it; destinations of a forward that is off are left out."""

    number: str
    username: str
    status: str
    type: str
    callerid: str
    registername: str
    registerpassword: str
    maxregistrations: int
    loginpassword: str
    email: str
    mobile: str = wire_name("moblie")
    language: str
    hasvoicemail: bool
    enablevmtoemail: str
    vmsecret: str
    alwaysforward: bool
    atransferto: str | None
    atransferext: str | None
    atransferprefix: str | None
    atransfernum: str | None
    noanswerforward: bool
    ntransferto: str | None
    ntransferext: str | None
    ntransferprefix: str | None
    ntransfernum: str | None
    busyforward: bool
    btransferto: str | None
    btransferext: str | None
    btransferprefix: str | None
    btransfernum: str | None
    ringsimultaneous: bool
    mobileprefix: str
    enablemobile: bool
    allowbeingmonitored: bool
    monitormode: str
    ringtimeout: int
    maxduration: str
    dnd: bool
    callrestriction: bool
    agentid: str
    unselectoutroute: str = ""
    selectoutroute: str = ""


_SAME = (
    "number",
    "username",
    "callerid",
    "registername",
    "maxregistrations",
    "email",
    "mobile",
    "hasvoicemail",
    "enablevmtoemail",
    "vmsecret",
    "alwaysforward",
    "noanswerforward",
    "busyforward",
    "ringsimultaneous",
    "mobileprefix",
    "enablemobile",
    "allowbeingmonitored",
    "monitormode",
    "ringtimeout",
    "maxduration",
    "dnd",
    "callrestriction",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionInfos:
    """Result of extension/query."""

    extinfos: tuple[ExtensionInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call; `members` as in offhook.callstate.model."""

    callid: str
    members: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionCalls:
    """The calls of one extension."""

    number: str
    numbercalls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallList:
    """Result of extension/query_call."""

    calllist: tuple[ExtensionCalls, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfo:
    """One extension group; `members` joined by commas."""

    id: int
    name: str
    members: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInfos:
    """Result of extensiongroup/query."""

    extgroupinfos: tuple[GroupInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAdded:
    """Result of extensiongroup/add; `errnum` names the members that do not exist, left out when all do."""

    id: int
    errnum: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUpdated:
    """Result of extensiongroup/update."""

    errnum: str | None


def extension_info(
    extension: Extension, status: str, routes: Sequence[str] = (), every_route: Sequence[str] = ()
) -> ExtensionInfo:
    """`extension` as extension/query shows it; `routes` are the outbound routes that it may use."""
    fields = {name: getattr(extension, name) for name in _SAME}
    for switch, letter in FORWARDS.items():
        fields |= _destination(extension, switch, letter)
    return ExtensionInfo(
        status=status,
        type="SIP",
        registerpassword=extension.registerpassword_shown,
        loginpassword=extension.loginpassword_shown,
        language=extension.language or SYSTEM_DEFAULT,
        agentid=extension.agentid or "none",
        unselectoutroute=",".join(name for name in every_route if name not in routes),
        selectoutroute=",".join(routes),
        **fields,
    )


def _destination(extension: Extension, switch: str, letter: str) -> dict[str, str | None]:
    on = getattr(extension, switch)
    to = getattr(extension, f"{letter}transferto")
    shown = {"to": on, "ext": on and to == EXTENSION, "prefix": on, "num": on and to == CUSTOM}
    return {
        f"{letter}transfer{part}": getattr(extension, f"{letter}transfer{part}") if show else None
        for part, show in shown.items()
    }


def group_info(group: Group) -> GroupInfo:
    """`group` as extensiongroup/query shows it."""
    return GroupInfo(id=group.id, name=group.name, members=",".join(group.members))
