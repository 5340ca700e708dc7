"""Addresses that may download: one that a request names, and those that the operator lists. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any

from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import Rule, RuleBroken, split_list
from offhook.source import address_of

ANY = "any"
_SAYS_ONE = "one IP address"
_SAYS_LIST = "IP addresses and networks such as 192.0.2.0/24, or any"
_LISTED_MAX = 200


def one_address() -> Rule[str]:
    """One IPv4 or IPv6 address of a host; blanks around it are let pass (spec 10-records, `allowedip`)."""

    def read(value: str) -> str:
        address = None if "%" in value else address_of(value)
        if address is None or address.is_unspecified or address.is_multicast:
            raise RuleBroken(_SAYS_ONE)
        return str(address)

    return Rule(_SAYS_ONE, read, {"type": "string"})


def allowedip_param() -> Any:
    """The parameter `allowedip` of every get_random."""
    return param(one_address(), bad=Errno.ALLOWED_IP, optional=True, doc=_SAYS_ONE)


def listed_addresses() -> Rule[str]:
    """What the operator lists, joined by commas in one spelling each; `any` opens it to everybody."""

    def read(value: str) -> str:
        parts = split_list(value)
        if [part.casefold() for part in parts] == [ANY]:
            return ANY
        if len(parts) > _LISTED_MAX:
            raise RuleBroken(_SAYS_LIST)
        try:
            return ",".join(str(ipaddress.ip_network(part)).removesuffix(_single(part)) for part in parts)
        except ValueError:
            raise RuleBroken(_SAYS_LIST) from None

    return Rule(_SAYS_LIST, read, {"type": "string"}, lists=True)


def _single(part: str) -> str:
    return "" if "/" in part else f"/{ipaddress.ip_network(part).prefixlen}"


def is_listed(address: str, listed: str) -> bool:
    """Whether the operator's list, as `listed_addresses` returns it, has the address."""
    if listed == ANY:
        return True
    own = address_of(address)
    if own is None:
        return False
    networks = (ipaddress.ip_network(part) for part in split_list(listed))
    return any(own.version == network.version and own in network for network in networks)


def is_same(address: str, other: str) -> bool:
    """Whether two texts are the same address."""
    own = address_of(address)
    return own is not None and own == address_of(other)
