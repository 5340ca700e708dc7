"""Tables of time conditions and PIN lists."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from offhook.store.metadata import metadata

timeconditions = Table(
    "timeconditions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("times", Text, nullable=False),  # see offhook.areas.schedules.times
    sqlite_autoincrement=True,
)

pinlists = Table(
    "pinlists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("pins", Text, nullable=False),  # joined by commas
    sqlite_autoincrement=True,
)
