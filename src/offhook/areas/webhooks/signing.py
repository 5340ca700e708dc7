"""Standard Webhooks signatures: HMAC-SHA256 over id, timestamp and body. Pure.

Source: the Standard Webhooks specification, https://www.standardwebhooks.com (`whsec_` secrets, `v1`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
_BYTES, _BYTES_MIN, _BYTES_MAX = 32, 24, 64


def new_secret() -> str:
    """A fresh secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret. Raises ValueError for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _BYTES_MIN <= len(key) <= _BYTES_MAX:
        raise ValueError(f"{PREFIX} and {_BYTES_MIN} to {_BYTES_MAX} bytes in base64")
    return key


def signature_headers(identity: str, at: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of a delivery, signed with every key: while a secret is being changed there are two.

    `at` is the time of the delivery in seconds since the epoch; receivers refuse old ones.
    """
    signed = b"%s.%d.%s" % (identity.encode(), at, body)
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
