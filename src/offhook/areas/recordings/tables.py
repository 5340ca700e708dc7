"""Recordings: what the table knows of each."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from offhook.store.metadata import metadata

recordings = Table(
    "recordings",
    metadata,
    Column("name", Text, primary_key=True),  # as clients know it; the file lies where the name says
    Column("callid", Text, nullable=False),
    Column("started", Float, nullable=False),  # seconds since the epoch, UTC
    Column("caller", Text, nullable=False),
    Column("callee", Text, nullable=False),
    Column("type", Text, nullable=False),  # Internal, Inbound, Outbound
    Column("side", Text, nullable=False),  # whose channel was recorded: caller or callee
    Column("state", Text, nullable=False),  # begun, running, closed, missing
    Column("bytes", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("sha256", Text, nullable=False),
)
Index("ix_recordings_callid", recordings.c.callid)
Index("ix_recordings_state", recordings.c.state, recordings.c.started)
