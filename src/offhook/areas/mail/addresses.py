"""Addresses of mail: what may go into a header and an SMTP command. Pure."""

from __future__ import annotations

import re

from offhook.areas.mail.model import MailRefused
from offhook.contract.rules import Rule, RuleBroken, is_storable, split_list

# RFC 5321 and 6531: a dot-atom, in which UTF-8 may stand. Quoted local parts nobody has any more.
_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+)*"
)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL_MAX, _DOMAIN_MAX = 64, 253


def checked_address(text: str) -> str:
    """The address with its domain in ASCII (RFC 5890). Raises MailRefused, without quoting it."""
    local, at, domain = text.strip(" ").rpartition("@")
    if not at or not is_storable(text) or len(local.encode()) > _LOCAL_MAX or not _LOCAL.fullmatch(local):
        raise MailRefused("the address is no e-mail address")
    if any(ch.isspace() or not (ch.isascii() or ch.isprintable()) for ch in local):
        raise MailRefused("the address holds characters that cannot be shown")
    return f"{local}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain.encode("idna").decode("ascii")
    except UnicodeError:
        encoded = ""
    if len(encoded) > _DOMAIN_MAX or not all(_LABEL.fullmatch(label) for label in encoded.split(".")):
        raise MailRefused("the address has no domain that there can be")
    return encoded.lower()


def address_rule() -> Rule[str]:
    """One address."""
    says = "an e-mail address"

    def read(value: str) -> str:
        try:
            return checked_address(value)
        except MailRefused:
            raise RuleBroken(says) from None

    return Rule(says, read, {"type": "string", "maxLength": _LOCAL_MAX + 1 + _DOMAIN_MAX})


def addresses_rule() -> Rule[str]:
    """Addresses joined by commas, as text."""
    says, one = "e-mail addresses joined by commas", address_rule()

    def read(value: str) -> str:
        try:
            return ",".join(one.read(part) for part in split_list(value))
        except RuleBroken:
            raise RuleBroken(says) from None

    return Rule(says, read, {"type": "string"}, lists=True)
