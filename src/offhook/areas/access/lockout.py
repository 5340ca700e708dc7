"""Addresses that present wrong passwords: locked for ten minutes after five in a row (spec 00, `lockout`).

Of IPv6 the /64 counts as one address (`offhook.source`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.access.tables import login_failures
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.source import source_of
from offhook.store.unit import Store, UnitOfWork

FAILURES = 5
LOCKED_SECONDS = 600.0
FORGET_SECONDS = 24 * 3600.0
ADDRESSES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Blocked:
    """An entry of the list of blocked addresses; `time` and `until` in seconds since the epoch."""

    address: str
    time: float
    protocol: str
    port: int
    until: float


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    locked_until: float = 0.0

    def is_locked(self, now: float) -> bool:
        """Whether the lock lasts; one that would last longer than any is of a clock that was put back."""
        return now < self.locked_until <= now + LOCKED_SECONDS


class Lockout:
    """Counts failures in a row per address. What it knows is in the store, so a restart frees nobody."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def load(self) -> None:
        """Read what is stored."""

        def work(connection: sa.Connection) -> dict[str, _Failures]:
            return {
                row.address: _Failures(row.failures, row.last, row.locked_until)
                for row in connection.execute(sa.select(login_failures))
            }

        self._failures = await self._store.read(work)

    def turn(self, address: str) -> asyncio.Lock:
        """Tries of one address come one after another, or many at once would pass before the fifth counts."""
        source = source_of(address)
        if len(self._turns) > ADDRESSES_MAX:
            self._turns = {known: lock for known, lock in self._turns.items() if lock.locked()}
        return self._turns.setdefault(source, asyncio.Lock())

    def check(self, address: str) -> None:
        """Raises ContractError 20002 while the address is locked."""
        known = self._failures.get(source_of(address))
        if known is not None and known.is_locked(self._clock.now()):
            raise ContractError(Errno.LOGIN_LOCKED, "too many wrong passwords from this address")

    async def failed(self, address: str, port: int) -> None:
        """Count a wrong password."""
        now = self._clock.now()
        self._forget_old(now)
        source = source_of(address)
        known = self._failures.setdefault(source, _Failures())
        if known.locked_until and not known.is_locked(now):
            known.count, known.locked_until = 0, 0.0
        known.count += 1
        known.last = now
        if known.count >= FAILURES:
            known.locked_until = now + LOCKED_SECONDS
        await self._save(source, known, port)

    async def succeeded(self, address: str) -> None:
        """A right password: the count begins anew."""
        source = source_of(address)
        if self._failures.pop(source, None) is not None:
            await self._delete(source)

    async def release(self, address: str) -> bool:
        """Let an address try again at once; False when it was not known."""
        source = source_of(address)
        known = self._failures.pop(source, None)
        await self._delete(source)
        return known is not None

    async def blocked(self) -> Sequence[Blocked]:
        """Addresses that are locked now, as stored."""
        now = self._clock.now()

        def work(connection: sa.Connection) -> list[Blocked]:
            rows = connection.execute(
                sa.select(login_failures)
                .where(login_failures.c.locked_until > now)
                .where(login_failures.c.locked_until <= now + LOCKED_SECONDS)
                .order_by(login_failures.c.last)
            )
            return [Blocked(row.address, row.last, row.protocol, row.port, row.locked_until) for row in rows]

        return await self._store.read(work)

    def _forget_old(self, now: float) -> None:
        if len(self._failures) > ADDRESSES_MAX:
            self._failures = {
                address: known
                for address, known in self._failures.items()
                if known.is_locked(now) or now - known.last < LOCKED_SECONDS
            }

    async def _save(self, address: str, known: _Failures, port: int) -> None:
        values = {
            "address": address,
            "failures": known.count,
            "last": known.last,
            "locked_until": known.locked_until,
            "protocol": "TCP",
            "port": port,
        }

        def work(unit: UnitOfWork) -> None:
            unit.connection.execute(sa.delete(login_failures).where(login_failures.c.address == address))
            unit.connection.execute(
                sa.delete(login_failures).where(login_failures.c.last < known.last - FORGET_SECONDS)
            )
            unit.connection.execute(sa.insert(login_failures).values(**values))

        await self._store.write("login failed", work)

    async def _delete(self, address: str) -> None:
        await self._store.write(
            "login failures cleared",
            lambda unit: (
                unit.connection.execute(
                    sa.delete(login_failures).where(login_failures.c.address == address)
                ).rowcount
            ),
        )
