"""The SIP objects of the trunks, as text for the engine. Pure.

They are in a generated file and not in views: an outbound registration starts only when its object is read,
identify objects in a view cost time for every request, and the password at a provider has to be clear here
and nowhere else (docs/adr/0005). Options: Asterisk 22, pjsip.conf.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offhook.areas.objects.field import Row
from offhook.areas.trunks.kind import ACCOUNT, REGISTER

TRUNKS_FILE = "pjsip_trunks_generated.conf"
_VALUE = re.compile(r"[^\x00-\x1f\x7f;\\]*")

# The caller id keeps the engine from taking what a carrier writes into From: with its escapes undone, line
# breaks too, it would reach AMI as events of the carrier's making (measured). The dialplan reads From.
_COMMON = """\
context=from-trunk
callerid=<anonymous>
allow=!all,alaw,ulaw,g722
direct_media=no
rtp_symmetric=yes
force_rport=yes
rewrite_contact=yes
trust_id_inbound=no
send_pai=yes
dtmf_mode=auto
rtp_timeout=60
rtp_timeout_hold=900
timers=yes
timers_sess_expires=1800
t38_udptl=yes
t38_udptl_ec=redundancy
moh_suggest=default
allow_transfer=no
language=en
"""


@dataclass(frozen=True, slots=True)
class _Names:
    """What is known of host names, and how many trunks lie behind each address."""

    addresses: Mapping[str, Sequence[str]]
    local: Mapping[str, str]
    trunks: Counter[str]

    def of(self, host: str) -> Sequence[str]:
        """The addresses that a host calls from."""
        return self.addresses.get(host.lower(), (host,))


def sip_text(
    trunks: Sequence[Row],
    addresses: Mapping[str, Sequence[str]] | None = None,
    local: Mapping[str, str] | None = None,
) -> str:
    """The objects of all trunks that are on; their `password` is clear here, `sealed` as it is stored.

    `addresses` are those of host names, `local` the names that stand in this machine's hosts file, which the
    engine does not read (offhook.areas.trunks.hosts). A trunk one of whose values could end a line or begin a
    comment is left out: its rules forbid that.
    """
    active = [row for row in trunks if row["enabled"] and _safe(row)]
    names = _Names(addresses or {}, local or {}, Counter())
    for row in active:
        if row["trunktype"] != ACCOUNT:
            names.trunks.update(names.of(row["host"]))
    text = "; written by offhook\n"
    for row in active:
        text += _account(row) if row["trunktype"] == ACCOUNT else _towards(row, names)
    return text


def _safe(row: Row) -> bool:
    return all(_VALUE.fullmatch(value) for value in row.values() if isinstance(value, str))


def _name(row: Row) -> str:
    return f"trunk-{row['trunkname']}"


def registration_name(trunkname: str) -> str:
    """The name of the object by which the engine registers a trunk."""
    return f"trunk-{trunkname}-registration"


def _host(host: str, port: int) -> str:
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def _uri(user: str, host: str, port: int, transport: str) -> str:
    tail = "" if transport == "udp" else f"\\;transport={transport}"
    return f"sip:{f'{user}@' if user else ''}{_host(host, port)}{tail}"


def _section(name: str, kind: str, options: dict[str, Any]) -> str:
    lines = "".join(f"{key}={value}\n" for key, value in options.items() if value != "")
    return f"[{name}]\ntype={kind}\n{lines}"


def _endpoint(row: Row, options: dict[str, Any]) -> str:
    return _section(f"{_name(row)}-endpoint", "endpoint", options) + _COMMON


def _towards(row: Row, names: _Names) -> str:
    """A trunk to a host, with or without a registration there."""
    name, registers = _name(row), row["trunktype"] == REGISTER
    server = _uri("", names.local.get(row["host"].lower(), row["host"]), row["port"], row["transport"])
    text = _endpoint(
        row,
        {
            "aors": f"{name}-aor",
            "identify_by": "ip",
            "outbound_auth": _auth_name(row) if registers else "",
            "from_domain": row["domain"],
            "from_user": row["fromuser"],
        },
    )
    text += _section(
        f"{name}-aor",
        "aor",
        {
            "contact": server,
            "qualify_frequency": 10 if row["qualify"] else 0,
            "qualify_timeout": 3,
        },
    )
    if match := ",".join(_matches(row, names)):
        text += _section(
            f"{name}-identify",
            "identify",
            {"endpoint": f"{name}-endpoint", "match": match, "srv_lookups": "no"},
        )
    if registers:
        text += _auth(row, _auth_name(row))
        text += _section(
            registration_name(row["trunkname"]),
            "registration",
            {
                "server_uri": server,
                "client_uri": _uri(row["username"], row["domain"], 0, row["transport"]),
                "contact_user": row["username"],
                "outbound_auth": _auth_name(row),
                "expiration": 120,
                "retry_interval": 20,
                "forbidden_retry_interval": 60,
                "fatal_retry_interval": 60,
                "max_retries": 1000000,
                "max_random_initial_delay": 0,
                "auth_rejection_permanent": "no",
            },
        )
    return text


def _matches(row: Row, names: _Names) -> Iterable[str]:
    """From where the trunk calls; two behind one address are told apart by the port that they send from."""
    for address in names.of(row["host"]):
        yield _host(address, row["port"]) if names.trunks[address] > 1 and row["port"] else address


def _auth_name(row: Row) -> str:
    """Another one for another login: the engine registers anew only when the registration's text changes."""
    digest = hashlib.sha256(f"{row['authname']}\n{row['sealed']}".encode()).hexdigest()
    return f"{_name(row)}-auth-{digest[:8]}"


def _auth(row: Row, name: str) -> str:
    return _section(
        name,
        "auth",
        {"auth_type": "userpass", "username": row["authname"], "password": row["password"]},
    )


def _account(row: Row) -> str:
    """A trunk whose far end registers with us; its From is the outside caller, so its login counts."""
    name = _name(row)
    text = _endpoint(row, {"aors": row["username"], "auth": f"{name}-auth", "identify_by": "header,username"})
    text += _section(
        row["username"],
        "aor",
        {
            "max_contacts": 1,
            "remove_existing": "yes",
            "qualify_frequency": 10 if row["qualify"] else 0,
            "qualify_timeout": 3,
        },
    )
    text += _auth(row, f"{name}-auth")
    return text + _section(
        f"{name}-identify",
        "identify",
        {
            "endpoint": f"{name}-endpoint",
            "match_header": f'Authorization: /username="{_escaped(row["authname"])}"/',
        },
    )


def _escaped(name: str) -> str:
    """As a literal in a POSIX extended regular expression; brackets need no backslash, which ends values."""
    return "".join(ch if ch.isalnum() or ch in "-_" else f"[{ch}]" if ch != "^" else "\\^" for ch in name)
