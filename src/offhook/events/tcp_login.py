"""The login packet of an event connection: lines or a JSON object, complete at an empty line. Pure.

Source: spec 00-access `push_tcp`, 19-tolerances `push`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

PACKET_MAX = 4096
_EMPTY_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_BLANK = b" \t\r\n"


class LoginPacketError(ValueError):
    """The packet is no login; the text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login packet; `secret` is the API password in clear text."""

    username: str
    secret: str
    version: str


def complete_packet(received: bytes) -> bytes | None:
    """The packet once it is whole, else None. A JSON object is whole without its empty line, too.

    Raises LoginPacketError when it is longer than a login can be.
    """
    text = received.lstrip(_BLANK)
    end = _EMPTY_LINE.search(text)
    packet = text[: end.start()] if end else text.rstrip(_BLANK)
    if len(packet) > PACKET_MAX or len(received) > 2 * PACKET_MAX:
        raise LoginPacketError("the login packet is too long")
    if end or (packet.startswith(b"{") and packet.endswith(b"}") and _is_json(packet)):
        return packet
    return None


def parse_login(packet: bytes) -> Login:
    """Read a whole packet in either form. Raises LoginPacketError."""
    text = packet.decode("utf-8", "replace").strip()
    fields = _json_fields(text) if text.startswith("{") else _line_fields(text)
    if fields.get("action", "").lower() != "login":
        raise LoginPacketError("the first packet has to be a login")
    return Login(fields.get("username", ""), fields.get("secret", ""), fields.get("version", ""))


def _line_fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _json_fields(text: str) -> dict[str, str]:
    try:
        value = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise LoginPacketError("the packet is no JSON") from None
    return {str(key).lower(): "" if item is None else str(item) for key, item in value.items()}


def _is_json(packet: bytes) -> bool:
    try:
        json.loads(packet)
    except (ValueError, RecursionError):
        return False
    return True
