"""Tables of the ring groups."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

ringgroups = Table(
    "ringgroups",
    metadata,
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("ringstrategy", Text, nullable=False),  # Ring All, Ring In Order
    Column("ringtime", Integer, nullable=False),  # seconds, of each member where they ring in order
    Column("failover", Text, nullable=False),  # a destination such as `queue 6700`
)

ringgroup_members = Table(
    "ringgroup_members",
    metadata,
    Column("ringgroup", ForeignKey("ringgroups.number", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
