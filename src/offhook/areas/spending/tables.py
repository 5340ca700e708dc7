"""Tables of the limits of calls out. What was used of them is counted by the engine (`dialplan.conf`)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

calllimits = Table(
    "calllimits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("others", Boolean, nullable=False),
    Column("timecondition", Text, nullable=False),  # empty: always
    Column("barred", Boolean, nullable=False),
    Column("calls", Integer, nullable=False),  # in a day; 0: no limit, as of the next two
    Column("minutes", Integer, nullable=False),  # in a day
    Column("simultaneous", Integer, nullable=False),
    Column("allow", Text, nullable=False),  # prefixes of the international number, joined by commas
    Column("deny", Text, nullable=False),
    sqlite_autoincrement=True,
)

calllimit_extensions = Table(
    "calllimit_extensions",
    metadata,
    Column("limit_id", ForeignKey("calllimits.id", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

calllimit_groups = Table(
    "calllimit_groups",
    metadata,
    Column("limit_id", ForeignKey("calllimits.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("extension_groups.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

calllimit_trunks = Table(
    "calllimit_trunks",
    metadata,
    Column("limit_id", ForeignKey("calllimits.id", ondelete="CASCADE"), primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)
