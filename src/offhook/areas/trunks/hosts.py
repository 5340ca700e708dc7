"""Providers that are written as host names: which addresses they call from, kept up to date.

The engine looks a name up when it reads its configuration and never again, and not at all what stands in
this machine's own hosts file. So we look names up: at the start, when trunks change, and from time to time.
A name that cannot be looked up keeps the addresses that it had.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

log = logging.getLogger(__name__)

SECONDS = 3.0
HOSTS_FILE = Path("/etc/hosts")


def is_address(host: str) -> bool:
    """Whether `host` is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_hosts(text: str) -> dict[str, str]:
    """The names of a hosts file in lower case, each with its address; IPv4 goes before IPv6. See hosts(5)."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if is_address(address):
            for name in names:
                if ":" in found.get(name.lower(), ":"):
                    found[name.lower()] = address
    return found


class HostNames:
    """The host names of the trunks. `addresses` and `local` are what is known now."""

    def __init__(self, hosts_file: Path = HOSTS_FILE) -> None:
        self._hosts_file = hosts_file
        # Of its own, as a look-up may hang: the threads of everything else must not wait for a name server.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="names")
        self.addresses: Mapping[str, tuple[str, ...]] = {}
        self.local: Mapping[str, str] = {}

    async def look_up(self, hosts: Iterable[str]) -> bool:
        """Look these names up; returns whether anything is new. Takes `SECONDS` at most."""
        names = sorted({host.lower() for host in hosts if host and not is_address(host)})
        known, local = self.addresses, await asyncio.to_thread(self._local)
        local = {name: local[name] for name in names if name in local}
        found = await asyncio.gather(*(self._addresses(name, known.get(name, ())) for name in names))
        self.addresses = dict(zip(names, found, strict=True))
        changed = (known, self.local) != (self.addresses, local)
        self.local = local
        return changed

    def _local(self) -> dict[str, str]:
        try:
            return parse_hosts(self._hosts_file.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return {}

    async def _addresses(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        look_up = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, name)
        try:
            async with asyncio.timeout(SECONDS):
                return await look_up
        except (OSError, UnicodeError, TimeoutError) as failure:
            log.warning("trunks: the host name %s cannot be looked up: %s", name, failure or "no answer")
            return known

    def close(self) -> None:
        """Look nothing up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(name: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return tuple(sorted({str(entry[4][0]).partition("%")[0] for entry in found}))
