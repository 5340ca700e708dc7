"""Console accounts: made at the first start, checked at every log-in."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import secrets
import string

import sqlalchemy as sa

from offhook.areas.accounts.tables import console_accounts
from offhook.clock import Clock
from offhook.store.unit import Store, UnitOfWork

ADMINISTRATOR = "admin"
_ALPHABET = string.ascii_letters + string.digits
# RFC 7914, section 2: cost parameters; 16 MiB and some 50 ms for each try
_N, _R, _P = 2**14, 8, 1


def generate_password(length: int = 16) -> str:
    """A random password of letters and digits with at least one of each class that the contract asks for."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(kind(ch) for ch in password) for kind in kinds):
            return password


def derive(password: str) -> str:
    """What is stored of a password: `scrypt$<salt>$<key>` in hex (RFC 7914)."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def matches(password: str, derived: str) -> bool:
    """True when `password` is the one that `derived` was made of; takes the same time either way."""
    _, salt, key = derived.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(key))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, dklen=32)


@functools.cache
def nobodys() -> str:
    """What a password is compared with where there is no account, so that both take the same time."""
    return derive(secrets.token_hex(16))


_REMEMBER_SECONDS = 300.0


class ConsoleAccounts:
    """The accounts of the console."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, float] = {}  # when a password was found right, monotonic

    async def create_first(self) -> str | None:
        """Make the administrator's account if there is no account; returns its password, else None."""
        password = generate_password()
        derived = derive(password)

        def work(unit: UnitOfWork) -> bool:
            if unit.connection.execute(sa.select(console_accounts.c.username).limit(1)).first() is not None:
                return False
            unit.connection.execute(
                sa.insert(console_accounts).values(
                    username=ADMINISTRATOR, password_derived=derived, created=self._clock.now()
                )
            )
            return True

        return password if await self._store.write("first console account", work) else None

    async def check(self, username: str, password: str) -> bool:
        """Whether this is an account's password. Slow at the first time; then it is remembered for a while.

        What is remembered is a keyed hash that dies with this process, and only of passwords that were right.
        """
        key = self._remembered_key(username, password)
        if self._clock.monotonic() - self._right.get(key, -_REMEMBER_SECONDS) < _REMEMBER_SECONDS:
            return True
        column = console_accounts.c
        derived: str | None = await self._store.read(
            lambda c: c.execute(
                sa.select(column.password_derived).where(column.username == username)
            ).scalar_one_or_none()
        )
        # an unknown name costs as much as a wrong password
        right = await asyncio.to_thread(matches, password, derived or nobodys())
        if right and derived is not None:
            self._right[key] = self._clock.monotonic()
            return True
        return False

    def _remembered_key(self, username: str, password: str) -> bytes:
        return hmac.digest(self._secret, f"{username}\0{password}".encode("utf-8", "replace"), "sha256")
