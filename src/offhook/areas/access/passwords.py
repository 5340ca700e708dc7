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

from offhook.areas.accounts.service import derive, matches, nobodys

_AT_ONCE = 2  # each takes 16 MB and a core; those who wait were not right before
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def md5_of(password: str) -> str:
    """What clients send of a password: 32 lower-case hex digits (spec 00-access)."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def derived_from(password: str) -> str:
    """The stored form of an API password; takes some 50 ms."""
    return derive(md5_of(password))


class PasswordCheck:
    """Verifies presented passwords off the event loop, few at a time."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: dict[str, tuple[str, bytes]] = {}  # by username: stored form, and what was presented
        self._slow = asyncio.Semaphore(_AT_ONCE)

    async def is_right(self, username: str, presented_md5: str, derived: str | None) -> bool:
        """Whether the MD5 belongs to the stored password of `username`; None: there is no such account.

        Takes the same time for all that is wrong, a wrong name and a wrong password alike.
        """
        if not _MD5.fullmatch(presented_md5):
            presented_md5 = ""
        seal = hmac.digest(self._key, presented_md5.lower().encode(), "sha256")
        known = self._right.get(username)
        if known is not None and known[0] == derived and hmac.compare_digest(known[1], seal):
            return True
        async with self._slow:
            right = await asyncio.to_thread(matches, presented_md5.lower(), derived or nobodys())
        if right and derived is not None:
            self._right[username] = (derived, seal)
        return right and derived is not None
