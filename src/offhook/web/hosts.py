"""The names by which this PBX is reached.

A page of another site can have its own name point at our address (DNS rebinding); a browser then takes us for
a part of that site. The Host that it sends gives it away.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

from cryptography import x509


class Hosts:
    """Addresses, the machine's name, those of the certificate (read once), and what `named` gives."""

    def __init__(self, certificate: Path, named: Callable[[], frozenset[str]]) -> None:
        self._own = {"localhost", socket.gethostname().casefold()} | certificate_names(certificate)
        self._named = named

    def is_ours(self, host: str) -> bool:
        """Whether the value of a Host header is an address or a name of ours, with any port."""
        name = host.strip().casefold()
        if name.startswith("["):
            name, _, port = name[1:].partition("]")
            if port and not port.startswith(":"):
                return False
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            name = name.rstrip(".")
            wild = f"*.{name.partition('.')[2]}"
            return bool(name) and not {name, wild}.isdisjoint(self._own | self._named())
        return True


def certificate_names(certificate: Path) -> set[str]:
    """The host names that a certificate is for, in small letters."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return set()
    return {name.casefold() for name in names.value.get_values_for_type(x509.DNSName)}
