"""Tables of the routes; column names are the contract's (spec 04-routes)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

inroutes = Table(
    "inroutes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("did", Text, nullable=False),
    Column("caller_id", Text, nullable=False),
    Column("desttype", Text, nullable=False),
    Column("dest", Text, nullable=False),
    Column("timecondition", Text, nullable=False),  # a time condition's name; outside it: `closed`
    Column("closed", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

inroute_trunks = Table(
    "inroute_trunks",
    metadata,
    Column("route_id", ForeignKey("inroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

outroutes = Table(
    "outroutes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("strip", Text, nullable=False),  # digits or empty, as the contract shows it
    Column("prepend", Text, nullable=False),
    Column("priority", Integer, nullable=False),  # the lowest that fits is taken
    Column("password", Text, nullable=False),
    Column("pinlist", Text, nullable=False),
    Column("timecondition", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

outroute_trunks = Table(
    "outroute_trunks",
    metadata,
    Column("route_id", ForeignKey("outroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

outroute_extensions = Table(
    "outroute_extensions",
    metadata,
    Column("route_id", ForeignKey("outroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

outroute_groups = Table(
    "outroute_groups",
    metadata,
    Column("route_id", ForeignKey("outroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("extension_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
