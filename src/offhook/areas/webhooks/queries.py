"""What the store knows of webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from offhook.areas.webhooks.model import Progress, State
from offhook.areas.webhooks.tables import webhook_states, webhooks
from offhook.events.tables import event_journal
from offhook.store.unit import UnitOfWork

_S = webhook_states.c


def add_missing_states(unit: UnitOfWork, position: int) -> None:
    """Have new webhooks begin behind `position`."""
    known = sa.select(_S.webhook_id)
    new = unit.connection.execute(sa.select(webhooks.c.id).where(webhooks.c.id.not_in(known))).scalars().all()
    for identity in new:
        unit.connection.execute(
            sa.insert(webhook_states).values(
                webhook_id=identity,
                position=position,
                state=State.ACTIVE,
                failing_since=0.0,
                answer="",
                old_secret="",  # nosec B106  # there is none yet
                old_until=0.0,
            )
        )


def all_webhooks(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """All webhooks with their states, in the order in which they were made."""
    query = sa.select(webhooks, webhook_states).join(webhook_states, _S.webhook_id == webhooks.c.id)
    return connection.execute(query.order_by(webhooks.c.id)).mappings().all()


def progress_of(row: sa.RowMapping) -> Progress:
    """The progress that a row has."""
    return Progress(row["position"], State(row["state"]), row["failing_since"], row["answer"])


def write_progress(unit: UnitOfWork, progress: Mapping[int, Progress]) -> None:
    """Store how far webhooks have come."""
    for identity, one in progress.items():
        unit.connection.execute(
            sa.update(webhook_states)
            .where(_S.webhook_id == identity)
            .values(
                position=one.position,
                state=one.state,
                failing_since=one.failing_since,
                answer=one.answer,
            )
        )


def rotate(unit: UnitOfWork, identity: int, secret: str, old_until: float) -> None:
    """Replace the secret (sealed); the one before is kept until a time."""
    row = webhooks.c.id == identity
    old = unit.connection.execute(sa.select(webhooks.c.secret).where(row)).scalar_one()
    unit.connection.execute(sa.update(webhooks).where(row).values(secret=secret))
    unit.connection.execute(
        sa.update(webhook_states).where(_S.webhook_id == identity).values(old_secret=old, old_until=old_until)
    )


def position_at(connection: sa.Connection, at: float, last: int) -> int:
    """The position before the first event from a time on (seconds since the epoch)."""
    first = sa.select(sa.func.min(event_journal.c.seq)).where(event_journal.c.created >= at)
    found = connection.execute(first).scalar()
    return last if found is None else int(found) - 1
