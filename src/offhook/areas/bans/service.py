"""The list of bans: what is stored is in force, as the engine reads it for every request (views.sql)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from offhook.areas.bans.address import Network, lies_in, source_of
from offhook.areas.bans.model import Verdict, ban_seconds
from offhook.areas.bans.tables import bans, phone_addresses
from offhook.clock import Clock
from offhook.store.unit import Store, UnitOfWork

FORGET_SECONDS = 86400.0
"""Bans grow with each that begins within a day after the end of the one before."""
KEPT_MAX = 2000
"""Addresses that are remembered; who forges thousands must not fill the store."""
UNPROVEN_LONGEST = 3600.0
"""Seconds of a ban at most whose evidence may have been forged."""
AHEAD_SECONDS = 60.0
"""A ban that begins later than this from now is of a clock that was put back, and over; in views.sql too."""

_C = bans.c


@dataclass(frozen=True, slots=True)
class Ban:
    """A ban; times in seconds since the epoch."""

    address: str
    since: float
    until: float
    times: int
    proven: bool
    reason: str

    def lasts(self, now: float) -> bool:
        """Whether it does: else one made by a clock that was wrong would last until that time comes."""
        return self.since <= now + AHEAD_SECONDS and now < self.until


def _lasting(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(_C.until > now, _C.since <= now + AHEAD_SECONDS)


class BanList:
    """Bans addresses, tells which are banned, and lets them in again."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ban(self, verdicts: Sequence[Verdict], first: float, longest: float) -> Sequence[Ban]:
        """Ban these sources for `first` seconds, or longer if they were banned before; `longest` at most.

        Returns those that were not banned already; of others the ban begins anew.
        """
        now = self._clock.now()

        sources = {verdict.source for verdict in verdicts}

        def work(unit: UnitOfWork) -> list[Ban]:
            connection = unit.connection
            over = sa.or_(_C.until < now - FORGET_SECONDS, _C.since > now + AHEAD_SECONDS)
            connection.execute(sa.delete(bans).where(over))
            rows = connection.execute(sa.select(bans).where(_C.address.in_(sources))).mappings()
            known = {row["address"]: Ban(**row) for row in rows}
            made = {
                verdict.source: _next(known.get(verdict.source), verdict, now, first, longest)
                for verdict in verdicts
            }
            connection.execute(sa.delete(bans).where(_C.address.in_(sources)))
            connection.execute(sa.insert(bans), [asdict(ban) for ban in made.values()])
            kept = sa.select(_C.address).order_by(_C.proven.desc(), _C.until.desc()).limit(KEPT_MAX)
            connection.execute(sa.delete(bans).where(_C.address.not_in(kept)))
            return [
                ban for source, ban in made.items() if source not in known or not known[source].lasts(now)
            ]

        return await self._store.write("bans", work)

    async def living(self) -> Sequence[Ban]:
        """Bans that last, the newest first."""
        now = self._clock.now()
        query = sa.select(bans).where(_lasting(now)).order_by(_C.since.desc())

        def work(connection: sa.Connection) -> list[Ban]:
            return [Ban(**row) for row in connection.execute(query).mappings()]

        return await self._store.read(work)

    async def lift(self, address: str) -> bool:
        """Let an address in again, and forget that it was banned; False when it was not."""
        source = source_of(address.partition("/")[0])
        now = self._clock.now()

        def work(unit: UnitOfWork) -> bool:
            lasting = sa.select(_C.address).where(_C.address == source, _lasting(now))
            found = unit.connection.execute(lasting).first() is not None
            unit.connection.execute(sa.delete(bans).where(_C.address == source))
            return found

        return await self._store.write("ban lifted", work)

    async def homes(self, since: float) -> dict[str, float]:
        """Addresses where phones were, and when last; older ones are forgotten."""
        seen = phone_addresses.c.seen

        def work(unit: UnitOfWork) -> dict[str, float]:
            unit.connection.execute(sa.delete(phone_addresses).where(seen < since))
            rows = unit.connection.execute(sa.select(phone_addresses))
            return {row.address: row.seen for row in rows}

        return await self._store.write("addresses of phones", work)

    async def note_homes(self, addresses: Collection[str]) -> None:
        """Phones are there now."""
        rows = [{"address": address, "seen": self._clock.now()} for address in addresses]

        def work(unit: UnitOfWork) -> None:
            gone = sa.delete(phone_addresses).where(phone_addresses.c.address.in_(addresses))
            unit.connection.execute(gone)
            unit.connection.execute(sa.insert(phone_addresses), rows)

        await self._store.write("addresses of phones", work)

    async def lift_in(self, networks: Collection[Network] | None) -> None:
        """Let all in again that lie in these networks; None: all."""
        gone = [
            ban.address for ban in await self.living() if networks is None or lies_in(ban.address, networks)
        ]
        if gone:
            await self._store.write(
                "bans lifted",
                lambda unit: unit.connection.execute(sa.delete(bans).where(_C.address.in_(gone))).rowcount,
            )


def _next(old: Ban | None, verdict: Verdict, now: float, first: float, longest: float) -> Ban:
    """The ban of a source that was banned before, or not."""
    most = longest if verdict.proven else min(longest, UNPROVEN_LONGEST)
    if old is None or not old.lasts(now):
        times = 1 if old is None else old.times + 1
        until = now + ban_seconds(times, first, most)
        return Ban(verdict.source, now, until, times, verdict.proven, verdict.reason)
    until = max(old.until, now + ban_seconds(old.times, first, most))
    return Ban(old.address, old.since, until, old.times, old.proven or verdict.proven, verdict.reason)
