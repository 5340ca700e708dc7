"""The torture messages of RFC 4475 (tests/data/rfc4475.txt), as they go over the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parents[1] / "data" / "rfc4475.txt"
_SDP = (
    "v=0\no=mhandley 29739 7272939 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
    "m=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"
)
_ESCAPE = re.compile(rb"\\x([0-9A-F]{2})|\\\\")
_REPEAT = re.compile(r"<repeat (\d+) ([^>]+)>")


@dataclass(frozen=True, slots=True)
class Torture:
    """One message: its name and section in the RFC, what that says of it, and its bytes."""

    name: str
    section: str
    what: str
    data: bytes


def _encoded(text: str) -> bytes:
    text = _REPEAT.sub(lambda match: match[2] * int(match[1]), text.replace("<sdp>\n", _SDP))
    wire = text.replace("\n", "\r\n").encode()
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()) if match[1] else b"\\", wire)


def _read() -> tuple[Torture, ...]:
    parts = re.split(r"^=== (\S+) (\S+) (\S+)\n", _FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return tuple(
        Torture(name, section, what, _encoded(text))
        for name, section, what, text in zip(*[iter(parts)] * 4, strict=True)
    )


MESSAGES = _read()
