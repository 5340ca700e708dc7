"""Subscriptions of webhooks, and how far each has come."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # joined by commas, empty for all
    Column("extension", Text, nullable=False),  # empty for all
    Column("verify", Boolean, nullable=False),  # whether the certificate is looked at
    Column("secret", Text, nullable=False),  # sealed
    sqlite_autoincrement=True,  # the id is a part of what receivers know deliveries by
)

webhook_states = Table(
    "webhook_states",
    metadata,
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),  # number in the journal up to which all was delivered
    Column("state", Text, nullable=False),  # active, paused or failed
    Column("failing_since", Float, nullable=False),  # seconds since the epoch, 0 when all is well
    Column("answer", Text, nullable=False),  # what the receiver said last
    Column("old_secret", Text, nullable=False),  # sealed; the one before, while both are used
    Column("old_until", Float, nullable=False),
)
