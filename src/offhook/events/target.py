"""Where events go: scheme, host, port and path of a receiver. Pure (spec 00-access, `push_http.target`)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORT = 8260
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?")
_PATH_UNSAFE = re.compile(r"[^\x21-\x7e]")


class TargetError(ValueError):
    """The address cannot be a receiver; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver over HTTP. `host` is a name or an address without brackets; `path` begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.path}"


def _checked_host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host):
            raise TargetError("the host is neither an address nor a name") from None
        return host.lower()


def _checked_path(path: str) -> str:
    path = "/" + path.lstrip("/")
    if len(path) > 1024 or _PATH_UNSAFE.search(path):
        raise TargetError("the path holds blanks or control characters, or is too long")
    return path.split("#", 1)[0]


def relative_target(address: str, port: int, path: str) -> Target:
    """The receiver at `address`, `port` and a relative path (`urltag` 0), by http."""
    return Target("http", _checked_host(address), port, _checked_path(path))


def absolute_target(url: str) -> Target:
    """The receiver named by a whole address (`urltag` 1), with or without a scheme.

    Raises TargetError for anything but http and https, for user information, and for a bad port.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text.lstrip('/')}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as broken:
        raise TargetError(f"the address cannot be read: {broken}") from None
    if parts.scheme not in {"http", "https"}:
        raise TargetError("only http and https are possible")
    if "@" in parts.netloc or not parts.hostname:
        raise TargetError("the address has no plain host")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if not 1 <= port <= 65535:
        raise TargetError("the port is not from 1 to 65535")
    return Target(parts.scheme, _checked_host(parts.hostname), port, _checked_path(path))
