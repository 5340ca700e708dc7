"""Tables of the conference rooms; column names are the contract's (spec 05-conference)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, false

from offhook.store.metadata import metadata

conferences = Table(
    "conferences",
    metadata,
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("participantepassword", Text, nullable=False),
    Column("moderatorpassword", Text, nullable=False),
    Column("waitformoderator", Boolean, nullable=False),
    Column("allowinvite", Boolean, nullable=False),
    Column("musiconhold", Boolean, nullable=False),
    Column("announcements", Boolean, nullable=False),
    Column("record", Boolean, nullable=False, server_default=false()),
)

conference_moderators = Table(
    "conference_moderators",
    metadata,
    Column("conference", ForeignKey("conferences.number", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

instant_conferences = Table(
    "instant_conferences",
    metadata,
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

instant_members = Table(
    "instant_members",
    metadata,
    Column("conference", ForeignKey("instant_conferences.number", ondelete="CASCADE"), primary_key=True),
    Column("number", Text, primary_key=True),  # of an extension or from outside
    Column("moderator", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
)
