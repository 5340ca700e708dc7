"""Events that must not be lost: stored with the fact they tell, kept until every receiver has them.

The row's number is the event's place in the journal. What is stored is free of dialect, so that it is
encoded for the dialect that a receiver has when it is delivered.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from offhook.events.api import Event, NewCdr
from offhook.events.tables import deliveries, event_journal
from offhook.store.unit import Store, UnitOfWork

KEEP_SECONDS = 72 * 3600.0

DURABLE = (NewCdr,)
"""Kinds that are repeated until delivered or expired; all others are live and end with the process."""


def to_json(event: NewCdr) -> str:
    """A durable event as stored."""
    return json.dumps(dataclasses.asdict(event), ensure_ascii=False)


def from_json(kind: str, body: str) -> Event:
    """The event of a stored row. Raises ValueError for a kind that is not durable."""
    if kind != "NewCdr":
        raise ValueError(f"{kind} is not kept in the journal")
    return NewCdr(**json.loads(body))


@dataclasses.dataclass(frozen=True, slots=True)
class Undelivered:
    """A stored event that one receiver has not got yet."""

    seq: int
    receiver_id: int
    created: float
    event: Event


def append(unit: UnitOfWork, event: NewCdr, created: float, receivers: Iterable[int]) -> int:
    """Store an event and who has to get it; returns its number."""
    row = unit.connection.execute(
        sa.insert(event_journal).values(
            created=created, kind=type(event).__name__, callid=event.callid, body=to_json(event)
        )
    )
    key = row.inserted_primary_key
    seq = int(key[0]) if key else 0
    owed = [{"seq": seq, "receiver_id": receiver} for receiver in receivers]
    if owed:
        unit.connection.execute(sa.insert(deliveries), owed)
    return seq


class Journal:
    """Reads and thins the journal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def undelivered(self) -> Sequence[Undelivered]:
        """Everything that some receiver has not got, in order."""

        def work(connection: sa.Connection) -> list[Undelivered]:
            rows = connection.execute(
                sa.select(event_journal, deliveries.c.receiver_id)
                .join(deliveries, deliveries.c.seq == event_journal.c.seq)
                .order_by(event_journal.c.seq)
            )
            return [
                Undelivered(row.seq, row.receiver_id, row.created, from_json(row.kind, row.body))
                for row in rows
            ]

        return await self._store.read(work)

    async def delivered(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Note that receivers have got events: pairs of number and receiver."""

        def work(unit: UnitOfWork) -> None:
            for seq, receiver in pairs:
                unit.connection.execute(
                    sa.delete(deliveries).where(deliveries.c.seq == seq, deliveries.c.receiver_id == receiver)
                )

        await self._store.write("events delivered", work)

    async def thin(self, now: float) -> None:
        """Forget what is older than KEEP_SECONDS, delivered or not."""

        def work(unit: UnitOfWork) -> None:
            unit.connection.execute(
                sa.delete(event_journal).where(event_journal.c.created < now - KEEP_SECONDS)
            )

        await self._store.write("journal thinned", work)
