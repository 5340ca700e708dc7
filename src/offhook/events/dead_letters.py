"""Events that a receiver will not get by itself: kept with the reason, bounded, re-sendable."""

from __future__ import annotations

import sqlalchemy as sa

from offhook.events.item import DURABLE
from offhook.events.tables import dead_letters, deliveries, event_journal
from offhook.store.unit import UnitOfWork

EXPIRED = "expired"


def bury_owed(unit: UnitOfWork, upto: int, now: float) -> None:
    """Make dead letters of what is still owed up to this number, before the journal forgets it."""
    journal = event_journal.c
    owed = (
        sa.select(
            deliveries.c.receiver_id,
            journal.seq,
            journal.created,
            journal.kind,
            journal.callid,
            journal.body,
            journal.kind.in_([kind.__name__ for kind in DURABLE]),
            sa.literal(EXPIRED),
            sa.literal(now),
        )
        .join(event_journal, journal.seq == deliveries.c.seq)
        .where(deliveries.c.seq <= upto)
    )
    names = ["receiver_id", "seq", "created", "kind", "callid", "body", "durable", "reason", "given_up"]
    unit.connection.execute(sa.insert(dead_letters).from_select(names, owed))
