"""What an operator sets to run offhook: command line over environment over `offhook.toml` over defaults.

What belongs to the PBX itself (extensions, API password, …) lives in the store, not here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from offhook.logs import FORMATS


class SettingsError(Exception):
    """A setting is wrong; the text names it, where it came from and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one PBX. Ports are TCP/UDP port numbers, `rtp_ports` is an inclusive range.

    `tls_port` carries SIP over TLS; `extra_http_ports` serve the same as `http_port`, such as 80 and 443.
    `timezone` is an IANA name, empty for that of the machine; `external_address` and `local_nets` are for
    phones beyond NAT; `https_only` answers plain http with a redirect to https; `allow_origin` is the CORS
    answer, empty for none; `call_rate` bounds the calls begun for the API per second; `log_format` is one of
    offhook.logs.FORMATS.
    """

    data: Path
    bind: str = "0.0.0.0"  # noqa: S104 - a PBX has to be reached by phones
    http_port: int = 8088
    sip_port: int = 5060
    tls_port: int = 5061
    rtp_ports: tuple[int, int] = (10000, 12999)
    event_port: int = 8333
    extra_http_ports: tuple[int, ...] = ()
    timezone: str = ""
    external_address: str = ""
    local_nets: tuple[str, ...] = ()
    https_only: bool = False
    allow_origin: str = ""
    call_rate: int = 100
    log_level: str = "info"
    log_format: str = "text"

    @property
    def own_ports(self) -> tuple[int, ...]:
        """Ports on which this PBX listens."""
        return (self.http_port, *self.extra_http_ports, self.sip_port, self.tls_port, self.event_port)

    @property
    def toml_path(self) -> Path:
        """Where these settings may be written down."""
        return self.data / "offhook.toml"

    @property
    def url(self) -> str:
        """Where the HTTP server is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.https_only else 'http'}://{host}:{self.http_port}"


_PATH_MAX = 100  # sun_path holds 108 bytes, see unix(7)


def operator_socket(data: Path) -> Path:
    """The operator socket of the PBX in `data`; under the temporary folder when that path is too long."""
    path = data / "run" / "operator.sock"
    if len(os.fsencode(path)) <= _PATH_MAX:
        return path
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"offhook-{os.getuid()}-{name}" / "operator.sock"


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """The data folder when none is named: `offhook/pbx` under the user's data home (XDG base directories)."""
    home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local/share")
    return Path(home) / "offhook" / "pbx"


def data_folder(named: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The data folder that `--data` or the environment names, or the default one; it need not exist."""
    return Path(named or environ.get("OFFHOOK_DATA") or default_data_dir(environ)).absolute()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError("must be a port from 1 to 65535")
    return int(text)


def _ports(text: str) -> tuple[int, ...]:
    return tuple(_port(part.strip()) for part in text.split(",") if part.strip())


def _range(text: str) -> tuple[int, int]:
    low, dash, high = text.partition("-")
    if not dash:
        raise ValueError("must be a range such as 10000-12999")
    ports = _port(low.strip()), _port(high.strip())
    if ports[1] - ports[0] < 3:
        raise ValueError("must be a range of at least 4 ports")
    return ports


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _optional_address(text: str) -> str:
    return _address(text) if text else ""


def _nets(text: str) -> tuple[str, ...]:
    return tuple(
        str(ipaddress.ip_network(part.strip(), strict=False)) for part in text.split(",") if part.strip()
    )


def _zone(text: str) -> str:
    if text:
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be a time zone such as Europe/Berlin") from None
    return text


def _switch(text: str) -> bool:
    folded = text.casefold()
    if folded in {"on", "true", "yes", "1"}:
        return True
    if folded in {"off", "false", "no", "0", ""}:
        return False
    raise ValueError("must be on or off")


def _origin(text: str) -> str:
    if any(ord(ch) <= 0x20 or ord(ch) >= 0x7F for ch in text):
        raise ValueError("must be *, an origin such as https://crm.example, or empty")
    return text


def _rate(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ValueError("must be a number of calls per second from 1 to 1000")
    return int(text)


def _level(text: str) -> str:
    if text not in {"debug", "info", "warning", "error"}:
        raise ValueError("must be debug, info, warning or error")
    return text


def _format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError("must be text or json")
    return text


_READERS = {
    "bind": _address,
    "http_port": _port,
    "sip_port": _port,
    "tls_port": _port,
    "extra_http_ports": _ports,
    "rtp_ports": _range,
    "event_port": _port,
    "timezone": _zone,
    "external_address": _optional_address,
    "local_nets": _nets,
    "https_only": _switch,
    "allow_origin": _origin,
    "call_rate": _rate,
    "log_level": _level,
    "log_format": _format,
}


def _read(name: str, value: object, source: str) -> object:
    if isinstance(value, bool):
        value = "on" if value else "off"
    text = ",".join(str(part) for part in value) if isinstance(value, list) else str(value).strip()
    try:
        return _READERS[name](text)
    except ValueError as broken:
        raise SettingsError(f"{name} ({source}) is {text!r}: {broken}") from None


def _from_toml(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise SettingsError(f"{path} is not valid TOML: {broken}") from None
    values: dict[str, object] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in _READERS:
            raise SettingsError(f"{path} names an unknown setting {key!r}")
        values[name] = _read(name, value, str(path))
    return values


def load_settings(arguments: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the command line (`data`, `bind`, `http_port`, …; None: not given), `OFFHOOK_…`
    variables and the data folder's `offhook.toml`, in this order of precedence.

    Raises SettingsError for a value that is out of bounds or unknown, and for ports that collide.
    """
    data = data_folder(arguments.get("data"), environ)
    values = _from_toml(data / "offhook.toml")
    for name in _READERS:
        variable = f"OFFHOOK_{name.upper()}"
        if variable in environ:
            values[name] = _read(name, environ[variable], variable)
        if (given := arguments.get(name)) is not None:
            values[name] = _read(name, given, f"--{name.replace('_', '-')}")
    settings = dataclasses.replace(Settings(data=data), **values)  # type: ignore[arg-type]
    _check_ports(settings)
    return settings


def _check_ports(settings: Settings) -> None:
    ports = {name: getattr(settings, name) for name in ("http_port", "sip_port", "tls_port", "event_port")}
    if len(set(ports.values())) < len(ports):
        raise SettingsError(
            "two of " + ", ".join(f"{k} {v}" for k, v in ports.items()) + " are the same port"
        )
    low, high = settings.rtp_ports
    if low <= settings.sip_port <= high:
        raise SettingsError(f"sip_port {settings.sip_port} lies within rtp_ports {low}-{high}")
