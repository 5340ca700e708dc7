"""What receivers are owed: rows that stand until an event was delivered or given up."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from offhook.events.item import Item, item_of
from offhook.events.stored import from_json
from offhook.events.tables import deliveries, event_journal
from offhook.store.unit import Store, UnitOfWork


class Deliveries:
    """Reads and notes deliveries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def undelivered(self) -> Sequence[tuple[int, Item]]:
        """Everything that some receiver has not got, in order, with its receiver."""

        def work(connection: sa.Connection) -> list[tuple[int, Item]]:
            rows = connection.execute(
                sa.select(event_journal, deliveries.c.receiver_id)
                .join(deliveries, deliveries.c.seq == event_journal.c.seq)
                .order_by(event_journal.c.seq)
            )
            return [
                (row.receiver_id, item_of(from_json(row.kind, row.body), row.created, seq=row.seq))
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
