"""Addresses as bans know them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = 64
"""Of IPv6 a whole network is one source: who has one address of it has them all."""


def source_of(text: str) -> str:
    """The source that an address belongs to: an IPv4 address, or the /64 of an IPv6 one; empty if it is none.

    Nothing else comes out of here: the engine refuses everybody when its ACL holds a word that is none.
    """
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, PREFIX), strict=False))
    return str(address)


def network(text: str) -> Network:
    """A network, or an address as one. Raises ValueError."""
    return ipaddress.ip_network(text.strip(), strict=False)


def lies_in(source: str, networks: Iterable[Network]) -> bool:
    """Whether a source shares an address with one of the networks."""
    own = network(source)
    return any(own.version == one.version and own.overlaps(one) for one in networks)
