"""The text of a mail as it goes over the wire (RFC 5322, 6532). Pure.

Made anew at every try from what the store holds, and always the same: whoever gets it twice sees one
Message-ID.
"""

from __future__ import annotations

import datetime
import email.policy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage

# Whatever could end a header line, turn writing round or hide: no subject or name needs it.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")
_TYPE = re.compile(r"([a-z]+)/([a-z0-9.+-]+)")
_SUBJECT_MAX, _NAME_MAX = 250, 120


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is attached."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says."""

    text: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends what to whom; both addresses have been checked."""

    sender: str
    sender_name: str
    recipient: str
    message_id: str
    subject: str
    text: str
    written_at: float


def one_line(text: str, at_most: int = _SUBJECT_MAX) -> str:
    """`text` without anything that is no visible character, at most so long."""
    return _UNWANTED.sub(" ", text).strip()[:at_most]


def needs_utf8(*addresses: str) -> bool:
    """Whether the server has to know SMTPUTF8."""
    return not all(address.isascii() for address in addresses)


def compose(envelope: Envelope, parts: Sequence[Part]) -> bytes:
    """The message, lines ended by CRLF; ASCII only unless an address is not. Raises ValueError."""
    utf8 = needs_utf8(envelope.sender, envelope.recipient)
    message = EmailMessage(policy=email.policy.SMTPUTF8 if utf8 else email.policy.SMTP)
    message["From"] = _address(one_line(envelope.sender_name), envelope.sender)
    message["To"] = _address("", envelope.recipient)
    message["Subject"] = one_line(envelope.subject) or "-"
    message["Date"] = datetime.datetime.fromtimestamp(int(envelope.written_at), datetime.UTC)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(envelope.text.encode(errors="replace").decode(), cte="quoted-printable")
    for part in parts:
        match = _TYPE.fullmatch(part.content_type)
        maintype, subtype = (match[1], match[2]) if match else ("application", "octet-stream")
        if maintype in {"text", "multipart", "message"}:  # a file is a file, whatever it says it is
            maintype, subtype = "application", "octet-stream"
        name = one_line(part.name.replace("/", "_").replace("\\", "_"), _NAME_MAX) or "attachment"
        message.add_attachment(part.data, maintype=maintype, subtype=subtype, filename=name)
    if parts:
        message.set_boundary("=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest())
    return message.as_bytes()


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)
