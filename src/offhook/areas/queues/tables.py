"""Tables of the queues; column names are the contract's (spec 07-queue)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Table, Text, column, false, table

from offhook.store.metadata import metadata

queues = Table(
    "queues",
    metadata,
    Column("number", Text, primary_key=True),
    Column("queuename", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("ringstrategy", Text, nullable=False),
    Column("failoveraction", Text, nullable=False),
    Column("failoverdest", Text, nullable=False),
    Column("agenttimeout", Integer, nullable=False),  # this and the following: seconds
    Column("agentannounce", Text, nullable=False),
    Column("wrapuptime", Integer, nullable=False),
    Column("ringinuse", Boolean, nullable=False),
    Column("retry", Integer, nullable=False),
    Column("musiconhold", Text, nullable=False),
    Column("maxwaittime", Integer, nullable=False),
    Column("joinempty", Boolean, nullable=False),
    Column("leavewhenempty", Boolean, nullable=False),
    Column("joinannounce", Text, nullable=False),
    Column("announcepos", Boolean, nullable=False),
    Column("announcefreq", Integer, nullable=False),
    Column("announceholdtime", Boolean, nullable=False),
    Column("userannounce", Text, nullable=False),
    Column("userannouncefreq", Integer, nullable=False),
    Column("breakoutkey", Text, nullable=False),
    Column("breakoutaction", Text, nullable=False),
    Column("breakoutdest", Text, nullable=False),
    Column("satisfactionsurvey", Text, nullable=False),
    Column("idannouncement", Text, nullable=False),
    Column("record", Boolean, nullable=False, server_default=false()),
)

queue_agents = Table(
    "queue_agents",
    metadata,
    Column("queue", ForeignKey("queues.number", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("static", Boolean, primary_key=True),
    Column("position", Integer, nullable=False),
)

queue_pauses = Table(
    "queue_pauses",
    metadata,
    Column("queue", ForeignKey("queues.number", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
)

agent_last_calls = Table(
    "agent_last_calls",
    metadata,
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("ended", Float, nullable=False),  # of the last call from a queue; seconds since the epoch, UTC
)

wrapups = table("v_wrapups", column("queue"), column("number"))
"""A view: who wraps up a call at this moment, and for which queue (views.sql)."""
