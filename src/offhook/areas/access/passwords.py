"""Checking the API password: KDF(MD5(password)), fast for those who were right before (decision 12).

Requests bring the MD5 of the password and TCP logins the password itself; both are checked against the
scrypt of the MD5. scrypt costs some 50 ms, and clients log in hundreds of times an hour, so the last right
one is remembered as an HMAC under a key of this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets

from offhook.areas.accounts.service import derive, matches

_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def md5_of(password: str) -> str:
    """What clients send of a password: 32 lower-case hex digits (spec 00-access)."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def derived_from(password: str) -> str:
    """The stored form of an API password; takes some 50 ms."""
    return derive(md5_of(password))


class PasswordCheck:
    """Verifies presented passwords off the event loop."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: tuple[str, bytes] | None = None  # stored form, and what was presented for it

    async def is_right(self, presented_md5: str, derived: str) -> bool:
        """Whether the MD5 belongs to the stored password; takes the same time for any wrong one."""
        if not _MD5.fullmatch(presented_md5):
            presented_md5 = ""
        seal = hmac.digest(self._key, presented_md5.lower().encode(), "sha256")
        known = self._right
        if known is not None and known[0] == derived and hmac.compare_digest(known[1], seal):
            return True
        right = await asyncio.to_thread(matches, presented_md5.lower(), derived)
        if right:
            self._right = (derived, seal)
        return right
