"""SIP messages as a user agent without media needs them (RFC 3261, RFC 7616). Pure.

Reading is strict: what is not a whole message of bounded size is no message. Header names are in lower case.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BYTES = 32_768
_MAX_HEADERS = 96
_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
    "e": "content-encoding",
    "k": "supported",
    "s": "subject",
}
_REQUEST = re.compile(r"([A-Z]{2,16}) ([!-~]{1,512}) SIP/2\.0", re.ASCII)
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: [^\x00-\x1f\x7f]*)?", re.ASCII)
_HEADER = re.compile(r"([A-Za-z0-9.!%*_+`'~-]{1,64})[ \t]*:[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)", re.ASCII)
_CSEQ = re.compile(r"([0-9]{1,10})[ \t]+([A-Z]{2,16})", re.ASCII)
_TAG = re.compile(r";[ \t]*tag[ \t]*=[ \t]*([A-Za-z0-9.!%*_+`'~-]{1,128})", re.ASCII | re.IGNORECASE)
_BRANCH = re.compile(r";[ \t]*branch[ \t]*=[ \t]*([A-Za-z0-9.!%*_+`'~=@:-]{1,256})", re.ASCII | re.IGNORECASE)
_CONTACT = re.compile(
    r"sip:(?:(?P<user>[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,128})@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>(?:;[A-Za-z0-9_.!~*'()\[\]/:&+$%=-]{1,128}){0,16})",
    re.ASCII | re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<v4>[0-9.]{7,15}))(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_FIELD = re.compile(r'([A-Za-z]{2,16})[ \t]*=[ \t]*(?:"([^"\\\x00-\x1f]{0,256})"|([^",\s]{1,256}))', re.ASCII)

_REASONS = {
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    481: "Call/Transaction Does Not Exist",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
}

Address = tuple[str, int]
Headers = tuple[tuple[str, str], ...]


class SipError(ValueError):
    """Bytes that are no SIP message, or a header that cannot be used; the text never quotes them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request (`method` and `uri` set) or a response (`status` set)."""

    headers: Headers
    body: bytes = b""
    method: str = ""
    uri: str = ""
    status: int = 0

    def get(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key == name]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq."""
        match = _CSEQ.fullmatch(self.get("cseq"))
        if match is None or int(match[1]) >= 2**31:
            raise SipError("CSeq is not a number and a method")
        return int(match[1]), match[2]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via: which transaction this belongs to."""
        match = _BRANCH.search(self.get("via").split(",")[0])
        return match[1] if match else ""

    @property
    def content_type(self) -> str:
        """Content-Type without parameters, in lower case."""
        return self.get("content-type").partition(";")[0].strip().lower()

    def tag(self, name: str) -> str:
        """The tag of From or To, empty when there is none."""
        match = _TAG.search(self.get(name).rpartition(">")[2])
        return match[1] if match else ""


def parse(data: bytes) -> Message:
    """Read one datagram. Raises SipError."""
    if len(data) > MAX_BYTES:
        raise SipError(f"more than {MAX_BYTES} bytes")
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise SipError("headers without an end")
    start, *lines = head.decode("utf-8", "replace").split("\r\n")
    headers = _headers(lines)
    method, uri, status = _start(start)
    message = Message(headers, _cut(headers, body), method, uri, status)
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(name):
            raise SipError(f"{name} is missing")
    if method and message.cseq[1] != method:
        raise SipError("CSeq names another method")
    return message


def _start(line: str) -> tuple[str, str, int]:
    if match := _REQUEST.fullmatch(line):
        return match[1], match[2], 0
    if match := _STATUS.fullmatch(line):
        return "", "", int(match[1])
    raise SipError("neither a request nor a response")


def _headers(lines: Sequence[str]) -> Headers:
    unfolded: list[str] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and unfolded:
            unfolded[-1] += " " + line.strip()
        else:
            unfolded.append(line)
    if len(unfolded) > _MAX_HEADERS:
        raise SipError(f"more than {_MAX_HEADERS} headers")
    headers: list[tuple[str, str]] = []
    for line in unfolded:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise SipError("a header without a name")
        name = match[1].lower()
        headers.append((_COMPACT.get(name, name), match[2].strip()))
    return tuple(headers)


def _cut(headers: Headers, body: bytes) -> bytes:
    said = next((value for name, value in headers if name == "content-length"), str(len(body)))
    if not said.isascii() or not said.isdigit() or len(said) > 6 or int(said) > len(body):
        raise SipError("Content-Length and body do not fit")
    return body[: int(said)]


def encode(message: Message) -> bytes:
    """The message as bytes, with Content-Length. Raises SipError for a value that would break its line."""
    start = (
        f"{message.method} {message.uri} SIP/2.0"
        if message.method
        else f"SIP/2.0 {message.status} {_REASONS.get(message.status, 'Answer')}"
    )
    lines = [start, *(f"{_title(name)}: {value}" for name, value in message.headers)]
    lines.append(f"Content-Length: {len(message.body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise SipError("a line break within a line")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + message.body


_TITLES = {"call-id": "Call-ID", "cseq": "CSeq"}


def _title(name: str) -> str:
    return _TITLES.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def respond(request: Message, status: int, to_tag: str = "") -> Message:
    """The response to a request; `to_tag` is added to a To that has none (RFC 3261, section 8.2.6.2)."""
    to = request.get("to")
    if to_tag and not request.tag("to"):
        to = f"{to};tag={to_tag}"
    headers = [("via", value) for value in request.all("via")]
    headers += [("from", request.get("from")), ("to", to)]
    headers += [("call-id", request.get("call-id")), ("cseq", request.get("cseq"))]
    return Message(tuple(headers), status=status)


@dataclass(frozen=True, slots=True)
class Contact:
    """A registered phone that can be spoken to by UDP: its URI for requests, its address for datagrams."""

    uri: str
    address: Address


def contact_of(uri: str) -> Contact | None:
    """The phone behind a contact URI as the engine tells it; None for one that UDP does not reach.

    The engine has put the address there that the phone sends from (rewrite_contact), so the host is always
    an address. What it notes for itself (`x-ast-…`) is no part of the phone's URI.
    """
    match = _CONTACT.fullmatch(uri)
    if match is None:
        return None
    parameters = [part for part in match["parameters"].split(";") if part]
    named = {part.partition("=")[0].lower(): part.partition("=")[2].lower() for part in parameters}
    address = _address(match["host"].strip("[]"), match["port"])
    if address is None or named.get("transport", "udp") != "udp":
        return None
    user = f"{match['user']}@" if match["user"] else ""
    kept = "".join(f";{part}" for part in parameters if not part.lower().startswith("x-ast-"))
    return Contact(f"sip:{user}{written(address)}{kept}", address)


def read_address(text: str) -> Address | None:
    """An address of a phone as the API has it, `192.168.66.70:5060`; without a port it is 5060."""
    match = _ADDRESS.fullmatch(text)
    return _address(match["v6"] or match["v4"], match["port"]) if match else None


def _address(host: str, port: str | None) -> Address | None:
    try:
        read = ipaddress.ip_address(host)
    except ValueError:
        return None
    number = int(port) if port else 5060
    if read.is_multicast or read.is_unspecified or not 0 < number < 65536:
        return None
    return str(read), number


def written(address: Address) -> str:
    """Host and port as one text."""
    return f"{bracketed(address[0])}:{address[1]}"


def bracketed(host: str) -> str:
    """A host as URIs have it."""
    return f"[{host}]" if ":" in host else host


@dataclass(frozen=True, slots=True)
class Login:
    """What answers a phone's challenge: the user name, the realm, and MD5(username:realm:password)."""

    username: str
    realm: str
    ha1: str


def authorization(challenge: str, method: str, uri: str, login: Login, cnonce: str) -> str | None:
    """The answer to a Digest challenge, None for one that we cannot answer: another realm, another method."""
    scheme, _, rest = challenge.partition(" ")
    fields = {match[1].lower(): match[2] or match[3] or "" for match in _FIELD.finditer(rest)}
    if scheme.lower() != "digest" or fields.get("realm") != login.realm or not fields.get("nonce"):
        return None
    if fields.get("algorithm", "MD5").upper() != "MD5":
        return None
    offered = {part.strip() for part in fields.get("qop", "").split(",")} - {""}
    if offered and "auth" not in offered:
        return None
    nonce, ha2 = fields["nonce"], _md5(f"{method}:{uri}")
    middle = f"{nonce}:00000001:{cnonce}:auth" if offered else nonce
    parts = [
        f'username="{login.username}"',
        f'realm="{login.realm}"',
        f'nonce="{nonce}"',
        f'uri="{uri}"',
        f'response="{_md5(f"{login.ha1}:{middle}:{ha2}")}"',
        "algorithm=MD5",
    ]
    if offered:
        parts += ["qop=auth", "nc=00000001", f'cnonce="{cnonce}"']
    if "opaque" in fields:
        parts.append(f'opaque="{fields["opaque"]}"')
    return "Digest " + ", ".join(parts)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
