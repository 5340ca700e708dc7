"""Boxes that a check-out has ordered to be emptied: the engine does that, after the commit."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table, Text

from offhook.store.metadata import metadata

box_emptyings = Table(
    "box_emptyings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Text, nullable=False),
    Column("ordered_at", Float, nullable=False),  # seconds since the epoch; later messages stay
    sqlite_autoincrement=True,
)
