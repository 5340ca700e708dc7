"""Tables of DISA and callback."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

disas = Table(
    "disas",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("responsetimeout", Integer, nullable=False),  # seconds
    Column("digittimeout", Integer, nullable=False),  # seconds
    sqlite_autoincrement=True,
)

disa_outroutes = Table(
    "disa_outroutes",
    metadata,
    Column("disa_id", ForeignKey("disas.id", ondelete="CASCADE"), primary_key=True),
    Column("route_id", ForeignKey("outroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("outroute", Text, nullable=False),  # name of the outbound route
    Column("delay", Integer, nullable=False),  # seconds
    Column("strip", Integer, nullable=False),
    Column("prepend", Text, nullable=False),
    Column("destination", Text, nullable=False),
    sqlite_autoincrement=True,
)
