"""Secrets of two halves: one finds the row, the other is compared in constant time. Pure but for chance."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_TOKEN = re.compile(r"([0-9a-f]{16})-([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what its owner keeps; only selector and hash are stored."""

    selector: str
    secret_hash: str
    text: str = field(repr=False)


def new_token() -> Token:
    """A token that nobody can guess."""
    selector, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return Token(selector, _hash(secret), f"{selector}-{secret}")


def selector_of(text: str) -> str | None:
    """The half of a token by which its row is found; None for what is no token."""
    match = _TOKEN.fullmatch(text)
    return match[1] if match else None


def is_right(text: str, stored_hash: str | None) -> bool:
    """Whether a token's secret is the one stored; takes as long when there is none."""
    match = _TOKEN.fullmatch(text)
    right = hmac.compare_digest(_hash(match[2] if match else ""), stored_hash or _NOBODY)
    return right and stored_hash is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
