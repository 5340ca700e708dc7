"""Events that a receiver will not get by itself: kept with the reason, bounded, re-sendable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.events.item import DURABLE, Item, item_of
from offhook.events.stored import from_json, storable, to_json
from offhook.events.tables import dead_letters, deliveries, event_journal, receivers
from offhook.store.unit import Store, UnitOfWork

EXPIRED = "expired"
BEGUN_ANEW = "begun anew at a login"

LIVE_KEPT, DURABLE_KEPT, ALL_KEPT = 200, 10_000, 100_000
"""How many dead letters a receiver has at most, the newest ones, and all receivers together."""

KEEP_SECONDS = 30 * 86400.0
_TABLE = dead_letters.c
_NAMES = ["receiver_id", "seq", "created", "kind", "callid", "body", "durable", "reason", "given_up"]


@dataclass(frozen=True, slots=True)
class Letter:
    """An item that was given up for a receiver, why and when."""

    receiver_id: int
    item: Item
    reason: str
    when: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A stored dead letter; moments in seconds since the epoch."""

    id: int
    seq: int
    created: float
    kind: str
    callid: str
    reason: str
    given_up: float
    body: str


def bury(unit: UnitOfWork, letters: Sequence[Letter]) -> None:
    """Keep what was given up, for receivers that are still known; the oldest beyond the bounds go."""
    if not letters:
        return
    known = set(unit.connection.execute(sa.select(receivers.c.id)).scalars())
    rows = [
        {
            "receiver_id": one.receiver_id,
            "seq": one.item.seq,
            "created": one.item.created,
            "kind": one.item.kind,
            "callid": storable(one.item.callid),
            "body": to_json(one.item.event),
            "durable": one.item.durable,
            "reason": one.reason[:200],
            "given_up": one.when,
        }
        for one in letters
        if one.receiver_id in known
    ]
    if rows:
        unit.connection.execute(sa.insert(dead_letters), rows)
        _bound(unit, {(one.receiver_id, one.item.durable) for one in letters})


def bury_owed(unit: UnitOfWork, now: float, *, reason: str, upto: int, receiver_id: int = 0) -> None:
    """Make dead letters of what is still owed up to a number: before the journal forgets it, or to one
    receiver that shall not get it any more."""
    journal = event_journal.c
    which = deliveries.c.seq <= upto
    if receiver_id:
        which = sa.and_(which, deliveries.c.receiver_id == receiver_id)
    owed = (
        sa.select(
            deliveries.c.receiver_id,
            journal.seq,
            journal.created,
            journal.kind,
            journal.callid,
            journal.body,
            journal.kind.in_([kind.__name__ for kind in DURABLE]),
            sa.literal(reason),
            sa.literal(now),
        )
        .join(event_journal, journal.seq == deliveries.c.seq)
        .where(which)
        .order_by(journal.seq)
    )
    receiver = sa.select(deliveries.c.receiver_id).where(which).distinct()
    whose = [int(one) for one in unit.connection.execute(receiver).scalars()]
    if whose:
        unit.connection.execute(sa.insert(dead_letters).from_select(_NAMES, owed))
        unit.connection.execute(sa.delete(deliveries).where(which))
        _bound(unit, {(one, True) for one in whose})


def _bound(unit: UnitOfWork, whose: set[tuple[int, bool]]) -> None:
    for receiver_id, durable in whose:
        same = sa.and_(_TABLE.receiver_id == receiver_id, _TABLE.durable.is_(durable))
        kept = DURABLE_KEPT if durable else LIVE_KEPT
        newest_gone = sa.select(_TABLE.id).where(same).order_by(_TABLE.id.desc()).limit(1).offset(kept)
        last = unit.connection.execute(newest_gone).scalar()
        if last is not None:
            unit.connection.execute(sa.delete(dead_letters).where(same, _TABLE.id <= last))


def delivered_again(unit: UnitOfWork, letter: int) -> None:
    """A dead letter has arrived after all."""
    unit.connection.execute(sa.delete(dead_letters).where(_TABLE.id == letter))


def given_up_again(unit: UnitOfWork, letter: int, reason: str, when: float) -> None:
    """A dead letter was sent again in vain."""
    changed = sa.update(dead_letters).where(_TABLE.id == letter)
    unit.connection.execute(changed.values(reason=reason[:200], given_up=when))


class DeadLetters:
    """Lists, reads and drops dead letters."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def counts(self) -> dict[int, int]:
        """How many each receiver has."""
        query = sa.select(_TABLE.receiver_id, sa.func.count()).group_by(_TABLE.receiver_id)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {row[0]: row[1] for row in rows}

    async def listed(self, receiver_id: int, limit: int) -> Sequence[DeadLetter]:
        """The newest of a receiver, the newest first."""
        query = sa.select(dead_letters).where(_TABLE.receiver_id == receiver_id)
        query = query.order_by(_TABLE.id.desc()).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [
            DeadLetter(row.id, row.seq, row.created, row.kind, row.callid, row.reason, row.given_up, row.body)
            for row in rows
        ]

    async def items(self, receiver_id: int, letter: int | None, now: float, limit: int) -> Sequence[Item]:
        """One dead letter or the oldest ones as items to be sent again, told now, in their order."""
        query = sa.select(_TABLE.id, _TABLE.kind, _TABLE.body).where(_TABLE.receiver_id == receiver_id)
        if letter is not None:
            query = query.where(_TABLE.id == letter)
        query = query.order_by(_TABLE.created, _TABLE.id).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        items = []
        for row in rows:
            item = item_of(from_json(row.kind, row.body), now)
            item.letter = row.id
            items.append(item)
        return items

    async def drop(self, receiver_id: int, letter: int | None) -> int:
        """Forget one or all; returns how many."""

        def work(unit: UnitOfWork) -> int:
            gone = sa.delete(dead_letters).where(_TABLE.receiver_id == receiver_id)
            if letter is not None:
                gone = gone.where(_TABLE.id == letter)
            return unit.connection.execute(gone).rowcount

        return await self._store.write("dead letters dropped", work)
