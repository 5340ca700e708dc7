"""What is or was wrong, and what of it was mailed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from offhook.store.metadata import metadata

alarms = Table(
    "alarms",
    metadata,
    Column("key", Text, primary_key=True),  # kind, or kind:subject
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("active", Boolean, nullable=False),  # still so
    Column("since", Float, nullable=False),  # seconds since the epoch: when `active` became what it is
    Column("last_at", Float, nullable=False),
    Column("count", Integer, nullable=False),  # how often it was raised in all
)

alarm_mails = Table(
    "alarm_mails",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("mailed_at", Float, nullable=False),
    Column("unmailed", Integer, nullable=False),  # news of this kind since then
)
