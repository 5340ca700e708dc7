"""What has to survive a crash: targets, the journal, what is owed, what was given up."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text

from offhook.store.metadata import metadata

receivers = Table(
    "receivers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("answers", Boolean, nullable=False),  # has answered 200 once, and is held to it since
    Column("updated", Float, nullable=False),  # last login or heartbeat, seconds since the epoch
    Column("position", Integer, nullable=False, server_default="0"),  # up to here it was served
)
Index("uq_receivers_target", *(receivers.c[name] for name in ("scheme", "host", "port", "path")), unique=True)

receiver_sessions = Table(
    "receiver_sessions",
    metadata,
    Column("session", Text, primary_key=True),
    Column("receiver_id", ForeignKey("receivers.id", ondelete="CASCADE"), nullable=False),
)

event_journal = Table(
    "event_journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("created", Float, nullable=False),  # seconds since the epoch
    Column("kind", Text, nullable=False),
    Column("callid", Text, nullable=False),
    Column("body", Text, nullable=False),  # the event's facts as JSON, free of dialect
    Column("lane", Text, nullable=False, server_default=""),  # another call in whose order it stands
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", ForeignKey("event_journal.seq", ondelete="CASCADE"), primary_key=True),
    Column("receiver_id", ForeignKey("receivers.id", ondelete="CASCADE"), primary_key=True),
)
Index("ix_deliveries_receiver_id", deliveries.c.receiver_id, deliveries.c.seq)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("receiver_id", ForeignKey("receivers.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),  # in the journal, which may have forgotten it
    Column("created", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("callid", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("durable", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_up", Float, nullable=False),  # seconds since the epoch
    sqlite_autoincrement=True,
)
Index("ix_dead_letters_receiver_id", dead_letters.c.receiver_id, dead_letters.c.durable, dead_letters.c.id)
