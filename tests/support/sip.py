"""SIP messages and digest answers for the scripted phone (RFC 3261, RFC 7616). Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(slots=True)
class SipMessage:
    """A request (`method` set) or a response (`status` set). Header names are in lower case."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def method(self) -> str:
        """Method of a request, empty for a response."""
        return "" if self.start.startswith("SIP/2.0") else self.start.split(" ", 1)[0]

    @property
    def uri(self) -> str:
        """Request URI."""
        return self.start.split(" ")[1]

    @property
    def status(self) -> int:
        """Status of a response, 0 for a request."""
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0") else 0

    def get(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq."""
        number, method = self.get("cseq").split()
        return int(number), method

    def encode(self) -> bytes:
        """The message as bytes, Content-Length added."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def parse(data: bytes) -> SipMessage:
    """Read one datagram."""
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers.append((_COMPACT.get(key, key), value.strip()))
    return SipMessage(start, headers, body)


def digest(challenge: str, method: str, uri: str, username: str, password: str) -> str:
    """The Authorization value for a Digest challenge with qop=auth and MD5."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.removeprefix("Digest ")))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1 = md5(f"{username}:{fields['realm']}:{password}")
    ha2 = md5(f"{method}:{uri}")
    cnonce, count = secrets.token_hex(8), "00000001"
    answer = md5(f"{ha1}:{fields['nonce']}:{count}:{cnonce}:auth:{ha2}")
    opaque = f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
    return (
        f'Digest username="{username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
        f'response="{answer}", algorithm=MD5, qop=auth, nc={count}, cnonce="{cnonce}"{opaque}'
    )


def tag_of(value: str) -> str:
    """The tag of a From or To header."""
    match = re.search(r";\s*tag=([^;\s]+)", value)
    return match[1] if match else ""


def uri_of(value: str) -> str:
    """The URI of a From, To or Contact header."""
    match = re.search(r"<([^>]+)>", value)
    return match[1] if match else value.split(";")[0].strip()


def sdp(
    address: str, port: int, direction: str = "sendrecv", version: int = 1, *, wideband: bool = False
) -> str:
    """An offer or answer of ulaw, or with `wideband` of G.722, and telephone events."""
    audio, name = (9, "G722") if wideband else (0, "PCMU")
    return (
        f"v=0\r\no=phone 1 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {audio} 101\r\na=rtpmap:{audio} {name}/8000\r\n"
        f"a=rtpmap:101 telephone-event/8000\r\n"
        f"a=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )


def media_of(body: str) -> tuple[str, int]:
    """Address and port of the audio in an SDP."""
    address = re.search(r"c=IN IP4 (\S+)", body)
    port = re.search(r"m=audio (\d+)", body)
    if address is None or port is None:
        raise ValueError("the SDP has no audio")
    return address[1], int(port[1])
