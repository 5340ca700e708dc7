"""Where offhook may connect to at the wish of others: addresses are looked at after names are resolved.

Whoever may log in names a host to which we then connect from inside the operator's network. Not reached:
link-local addresses (169.254.169.254 of the clouds among them) and other metadata services, multicast,
unspecified and reserved ones, and our own ports. The connection is made to the very address that was looked
at, so that a name cannot point elsewhere a moment later.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

RESOLVE_SECONDS = 3.0
FRESH_SECONDS = 1.0
"""How long an answer serves further deliveries to the same name."""

_NAMES_MAX = 1000
_THREADS = 64  # one slow name takes one; only names that nobody answers for take many
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str], Sequence[str]]


class AddressRefused(OSError):
    """Nobody is to be reached there through us; the text says why."""


def _lookup(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))


class Addresses:
    """Resolves and judges. `own_ports` are the ports of this machine that are ours; more may be added."""

    def __init__(self, own_ports: Iterable[int] = (), lookup: Lookup = _lookup) -> None:
        self.own_ports = set(own_ports)
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._running: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._fresh: dict[str, tuple[float, Sequence[str]]] = {}

    def refusal(self, address: str, port: int) -> str | None:
        """Why nobody is to be reached at a numeric address; None: it is a possible one."""
        if (reason := _refusal(address)) is not None:
            return reason
        if port in self.own_ports and _is_local(str(_plain(ipaddress.ip_address(address)))):
            return "it is our own port"
        return None

    def refuses(self, host: str, port: int) -> str | None:
        """As `refusal`, for a host that may be a name; names are judged when they are resolved."""
        if host == "localhost":
            host = "127.0.0.1"
        return self.refusal(host, port) if is_numeric(host) else None

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host to which a connection may be made, in the resolver's order.

        Raises AddressRefused when there are only others, OSError when the name has none or nobody tells.
        """
        found = [host] if is_numeric(host) else await self._resolved(host)
        reasons = {address: self.refusal(address, port) for address in found}
        possible = [address for address, reason in reasons.items() if reason is None]
        if not possible:
            raise AddressRefused(next((reason for reason in reasons.values() if reason), "it has no address"))
        return possible

    async def _resolved(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        known = self._fresh.get(host)
        if known is not None and loop.time() - known[0] < FRESH_SECONDS:
            return known[1]
        lookup = self._running.get(host)
        if lookup is None:
            lookup = self._running[host] = asyncio.ensure_future(self._look_up(host))
            lookup.add_done_callback(lambda done: done.cancelled() or done.exception())
        async with asyncio.timeout(RESOLVE_SECONDS):
            return await asyncio.shield(lookup)

    async def _look_up(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._lookup, host)
        except UnicodeError:
            raise OSError("the name cannot be resolved") from None
        finally:
            del self._running[host]
        if len(self._fresh) >= _NAMES_MAX:
            self._fresh.clear()
        self._fresh[host] = (loop.time(), found)
        return found

    def close(self) -> None:
        """Wait for nobody who still resolves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@functools.lru_cache(maxsize=4096)
def _refusal(address: str) -> str | None:
    try:
        where = _plain(ipaddress.ip_address(address))
    except ValueError:
        return "it is no address"
    if where.is_link_local or where in _METADATA:
        return "it is a link-local or metadata address"
    if where.is_multicast or where.is_unspecified:
        return "it is a multicast or unspecified address"
    if where.is_reserved and not where.is_loopback:
        return "it is a reserved address"
    return None


@functools.lru_cache(maxsize=4096)
def is_numeric(host: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED[0]:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _TRANSLATED[1]:
            return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def _is_local(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True
