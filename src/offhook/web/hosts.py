"""The names by which this PBX is reached.

A page of another site can have its own name point at our address (DNS rebinding); a browser then takes us for
a part of that site. The Host that it sends gives it away.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Set
from pathlib import Path

from cryptography import x509


class Hosts:
    """Addresses, the machine's name, and what `certified` (names of the certificate) and `named` give."""

    def __init__(self, certified: Callable[[], Set[str]], named: Callable[[], Set[str]]) -> None:
        self._certified = certified
        self._named = named

    def is_ours(self, host: str) -> bool:
        """Whether the value of a Host header is an address or a name of ours, with any port."""
        if is_this_machine(host):
            return True
        name = _name(host)
        wild = f"*.{name.partition('.')[2]}"
        return bool(name) and not {name, wild}.isdisjoint(self._certified() | self._named())


def is_this_machine(host: str) -> bool:
    """Whether the value of a Host header is an address or the machine's own name, with any port."""
    name = _name(host)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {"localhost", socket.gethostname().casefold()}
    return True


def _name(host: str) -> str:
    """The name or address without its port, in small letters; empty for what is neither."""
    name = host.strip().casefold()
    if name.startswith("["):
        name, _, port = name[1:].partition("]")
        return name if not port or port.startswith(":") else ""
    return (name.partition(":")[0] if name.count(":") == 1 else name).rstrip(".")


def certificate_names(certificate: Path) -> set[str]:
    """The host names that a certificate is for, in small letters."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return set()
    return {name.casefold() for name in names.value.get_values_for_type(x509.DNSName)}
