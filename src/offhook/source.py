"""Where requests come from, for all that is counted by address. Pure."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

SITE_BITS = 64


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is; IPv4 written as IPv6 and a zone at the end make no difference."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def source_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, as everybody who has one address there has all of it."""
    own = address_of(address)
    if own is None:
        return address
    if isinstance(own, IPv6Address) and not own.is_loopback:
        return str(ipaddress.ip_network((own, SITE_BITS), strict=False))
    return str(own)
