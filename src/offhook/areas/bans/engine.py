"""What the engine tells of attacks: security events of its AMI, and lines of its log. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from offhook.areas.bans.address import source_of
from offhook.areas.bans.model import Kind, Sighting

_KINDS = {
    "InvalidAccountID": Kind.UNKNOWN,
    "ChallengeResponseFailed": Kind.WRONG,
    "InvalidPassword": Kind.WRONG,
    "ChallengeSent": Kind.CHALLENGE,
    "SuccessfulAuth": Kind.SUCCESS,
    "RequestBadFormat": Kind.GARBAGE,
}
_NOBODY = "<unknown>"
"""The account of a request whose name nobody has; it was told by InvalidAccountID already."""

# Two forms of packets, and handshakes of TLS. Some dump the packet behind, so that a sender can have whole
# lines of his own in the log. What is read here is therefore never proven.
_LINE = re.compile(
    rb"^\[[^\]\n]{10,40}\] (?:WARNING|ERROR)\[\d+\] pjproject: [^\n]{0,60}?"
    rb"(?:packet from (?:[A-Z]{2,4} )?|SSL_ERROR_SSL \(Handshake\)[^\n]{0,200}? peer: )"
    rb"\[?([0-9A-Fa-f.:]{2,45}?)\]?:\d{1,5}(?: ?:|\n)",
    re.MULTILINE,
)


def from_event(event: Mapping[str, str]) -> Sighting | None:
    """What a security event tells about phones; None if it tells nothing.

    RemoteAddress is such as `IPV4/UDP/192.0.2.1/5060` (Asterisk's security events framework).
    """
    kind = _KINDS.get(event.get("Event", ""))
    if kind is None or event.get("Service") != "PJSIP":
        return None
    _, _, rest = event.get("RemoteAddress", "").partition("/")
    transport, _, address = rest.partition("/")
    source = source_of(address.rpartition("/")[0])
    account = event.get("AccountID", "")
    if not source or account == _NOBODY:
        return None
    return Sighting(kind, source, transport != "UDP", account, event.get("SessionID", ""))


def from_log(text: bytes) -> Iterator[Sighting]:
    """The packets that the engine could not read, by what it wrote into its log."""
    for match in _LINE.finditer(text):
        if source := source_of(match[1].decode("ascii")):
            yield Sighting(Kind.GARBAGE, source)
