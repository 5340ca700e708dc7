"""Addresses as bans know them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from offhook import source
from offhook.source import address_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def source_of(text: str) -> str:
    """The source that an address belongs to (`offhook.source`); empty if it is none.

    Nothing else comes out of here: the engine refuses everybody when its ACL holds a word that is none.
    """
    address = address_of(text.strip("[]"))
    return "" if address is None else source.source_of(str(address))


def network(text: str) -> Network:
    """A network, or an address as one. Raises ValueError."""
    return ipaddress.ip_network(text.strip(), strict=False)


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether a source shares an address with one of the networks."""
    own = network(address)
    return any(own.version == one.version and own.overlaps(one) for one in networks)
