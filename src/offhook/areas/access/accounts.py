"""Who the API knows: the contract's own account, which may do everything, and further ones with their scopes.

Read once and kept in memory, as every request asks. A key (`ohk_…`) stands for its account where a client
cannot log in; of it the store has the SHA-256 only, which is enough for 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from offhook.areas.access.tables import api_accounts
from offhook.areas.downloads.addresses import is_listed
from offhook.clock import Clock
from offhook.contract.rules import split_list
from offhook.contract.scopes import EVERY, Scope
from offhook.store.unit import Store, UnitOfWork

OWN = 0
"""The id of the contract's own account."""

KEY_PREFIX = "ohk_"
KEY_SESSION = "key:"
"""What the session of a key begins with; sessions of tokens are hex."""


@dataclass(frozen=True)
class Account:
    """One account. Rates of 0 mean that only the limits of all apply."""

    id: int
    username: str
    password_derived: str
    scopes: frozenset[Scope]
    addresses: str = ""
    requestrate: int = 0
    callrate: int = 0
    key_hash: str = ""
    key_created: float = 0.0

    @cached_property
    def _answers(self) -> dict[str, bool]:
        return {}

    def may_come_from(self, address: str) -> bool:
        """Whether the account may be used from there."""
        if not self.addresses:
            return True
        if address not in self._answers:
            if len(self._answers) > 1000:
                self._answers.clear()
            self._answers[address] = is_listed(address, self.addresses)
        return self._answers[address]


def own_account(username: str, password_derived: str) -> Account:
    """The contract's own account."""
    return Account(OWN, username, password_derived, EVERY)


class Accounts:
    """The further accounts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_id: Mapping[int, Account] = {}
        self._by_name: Mapping[str, Account] = {}
        self._by_key: Mapping[str, Account] = {}

    async def load(self) -> None:
        """Read what is stored."""
        self._put(await self._store.read(_select))

    def reread_in(self, unit: UnitOfWork) -> None:
        """Have what `unit` has made of the accounts in force once it is committed."""
        found = _select(unit.connection)
        unit.after_commit(lambda: self._put(found))

    def _put(self, found: Mapping[int, Account]) -> None:
        self._by_id = found
        self._by_name = {account.username: account for account in found.values()}
        self._by_key = {account.key_hash: account for account in found.values() if account.key_hash}

    def by_id(self, identity: int) -> Account | None:
        """The account with this id."""
        return self._by_id.get(identity)

    def by_name(self, username: str) -> Account | None:
        """The account with this username; capitals matter."""
        return self._by_name.get(username)

    def by_key(self, key: str) -> Account | None:
        """The account that a key stands for."""
        return self._by_key.get(_hash(key)) if key.startswith(KEY_PREFIX) else None

    def of_session(self, session: str) -> Account | None:
        """The account of a key's session, as `session_of` names it."""
        return self._by_key.get(session.removeprefix(KEY_SESSION))

    def all(self) -> list[Account]:
        """Every further account."""
        return [*self._by_id.values()]

    async def make_key(self, identity: int) -> str | None:
        """A new key for an account, whose old one ends with it; None for an account that is not there."""
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        return key if await self._set_key(identity, _hash(key), self._clock.now()) else None

    async def drop_key(self, identity: int) -> bool:
        """End an account's key; False when there is no such account."""
        return await self._set_key(identity, "", 0.0)

    async def _set_key(self, identity: int, key_hash: str, created: float) -> bool:
        def work(unit: UnitOfWork) -> bool:
            own = api_accounts.c.id == identity
            values = {"key_hash": key_hash, "key_created": created}
            done = unit.connection.execute(sa.update(api_accounts).where(own).values(**values)).rowcount > 0
            self.reread_in(unit)
            return done

        return await self._store.write("API key", work)


def session_of(account: Account) -> str:
    """What requests with an account's key are known by."""
    return KEY_SESSION + account.key_hash


def _hash(key: str) -> str:
    return hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()


def _select(connection: sa.Connection) -> dict[int, Account]:
    return {
        row.id: Account(
            row.id,
            row.username,
            row.password,
            frozenset(Scope(name) for name in split_list(row.scopes)),
            row.addresses,
            row.requestrate,
            row.callrate,
            row.key_hash,
            row.key_created,
        )
        for row in connection.execute(sa.select(api_accounts))
    }
