"""Call records, and what is needed to make each of them exactly once."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, Table, Text

from offhook.store.metadata import metadata

cdr = Table(
    "cdr",
    metadata,
    Column("callid", Text, primary_key=True),
    Column("started", Float, nullable=False),  # seconds since the epoch, UTC
    Column("callfrom", Text, nullable=False),
    Column("callto", Text, nullable=False),
    Column("dialled", Text, nullable=False),
    Column("call_seconds", Integer, nullable=False),
    Column("talk_seconds", Integer, nullable=False),
    Column("source_trunk", Text, nullable=False),
    Column("destination_trunk", Text, nullable=False),
    Column("pincode", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("recording", Text, nullable=False),
    Column("didnumber", Text, nullable=False),
    Column("agent_ring_seconds", Integer, nullable=False),
    Column("legs", Text, nullable=False),  # JSON: every channel with its party and times
    Column(
        "fax", Text, nullable=False, server_default=""
    ),  # name of the file of a fax that came, or began to
    Column("fax_pages", Integer, nullable=False, server_default="0"),  # of a whole fax
)
Index("ix_cdr_started", cdr.c.started, cdr.c.callid)

cdr_parties = Table(
    "cdr_parties",
    metadata,
    Column("number", Text, primary_key=True),
    Column("started", Float, primary_key=True),  # of the record
    Column("callid", Text, primary_key=True),
    Column("inside", Boolean, nullable=False),  # as a number of the PBX
    sqlite_with_rowid=False,
)
Index("ix_cdr_parties_callid", cdr_parties.c.callid)

call_intents = Table(
    "call_intents",
    metadata,
    Column("callid", Text, primary_key=True),
    Column("caller", Text, nullable=False),
    Column("callee", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("type", Text, nullable=False, server_default="Internal"),  # if no trunk hears of the call
)

cel_position = Table(
    "cel_position",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("file", Text, nullable=False),  # device and inode of the file being read
    Column("offset", Integer, nullable=False),  # no row of an open call lies before it
)
