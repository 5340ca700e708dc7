"""Who a channel belongs to: the one place that knows how endpoints are named (docs/internals.md).

An extension's endpoint is its number; its browser phone is the number with a `w` behind it; a trunk's
endpoint is `trunk-<name>-endpoint`. A channel is `PJSIP/<endpoint>-<8 hex>`. Local channels have no party.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_CHANNEL = re.compile(r"PJSIP/(?P<endpoint>.+)-[0-9a-fA-F]+(?:<[A-Z]+>)?", re.DOTALL)
_EXTENSION = re.compile(r"(?P<number>[0-9]{1,7})w?")
_RINGER = re.compile(r"Local/(?P<number>[0-9]{1,7})@ring-extension-")
_OWN_CALL = re.compile(r"Local/[^@]+@offhook-(?:called|invited|playprompt|wakeup)-")
_INVITATION = re.compile(r"Local/(?P<room>[0-9]{1,7})-(?P<number>[^@]+)@offhook-invited-")
_HALF = re.compile(r"(?P<name>Local/.+);(?P<half>[12])", re.DOTALL)
_QUIET = re.compile(r"Local/[^@]+@offhook-(?:monitor|added)-")
_TRUNK = re.compile(r"trunk-(?P<name>.+)-endpoint", re.DOTALL)


class PartyType(StrEnum):
    """What stands behind an endpoint."""

    EXTENSION = "extension"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True)
class Party:
    """An extension (`name` is its number) or a trunk (`name` is the trunk's name)."""

    type: PartyType
    name: str


@lru_cache(maxsize=4096)
def party_of_endpoint(endpoint: str) -> Party | None:
    """The party of a PJSIP endpoint, None for a name that is neither an extension's nor a trunk's."""
    if match := _EXTENSION.fullmatch(endpoint):
        return Party(PartyType.EXTENSION, match["number"])
    if match := _TRUNK.fullmatch(endpoint):
        return Party(PartyType.TRUNK, match["name"])
    return None


def party_of_channel(channelid: str) -> Party | None:
    """The party of a channel by its name, None for Local and other channels without one."""
    match = _CHANNEL.fullmatch(channelid)
    return party_of_endpoint(match["endpoint"]) if match else None


def number_rung_by(channelid: str) -> str:
    """The extension whose phones a `Local/<number>@ring-extension` channel rings; else empty."""
    match = _RINGER.match(channelid)
    return match["number"] if match else ""


def is_own_call(channelid: str) -> bool:
    """Whether a Local channel is one by which the PBX calls somebody by itself, for nobody who calls."""
    return _OWN_CALL.match(channelid) is not None


def invitation_of(channelid: str) -> tuple[str, str]:
    """The room into which a `Local/<room>-<number>@offhook-invited` channel calls, and whom; else empty."""
    match = _INVITATION.match(channelid)
    return (match["room"], match["number"]) if match else ("", "")


def other_half(channelid: str) -> str:
    """The name of the other end of a Local channel; empty for channels of other kinds."""
    match = _HALF.fullmatch(channelid)
    return f"{match['name']};{3 - int(match['half'])}" if match else ""


def is_quiet(channelid: str) -> bool:
    """Whether a Local channel leads into another call and is none of its own: an ear, a third party."""
    return _QUIET.match(channelid) is not None


def endpoint_of(party: Party) -> str:
    """The (desk phone's) endpoint of a party."""
    return party.name if party.type is PartyType.EXTENSION else f"trunk-{party.name}-endpoint"


def browser_endpoint_of(number: str) -> str:
    """The endpoint of an extension's browser phone."""
    return f"{number}w"
