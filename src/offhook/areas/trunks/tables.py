"""Tables of the trunks; column names are the contract's (spec 03-trunk)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, false

from offhook.store.metadata import metadata

trunks = Table(
    "trunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trunkname", Text, nullable=False, unique=True),
    Column("trunktype", Text, nullable=False),  # register, peer, account
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("domain", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("authname", Text, nullable=False),
    Column("fromuser", Text, nullable=False),
    Column("password", Text, nullable=False),  # sealed, see offhook.store.vault
    Column("enabled", Boolean, nullable=False),
    Column("transport", Text, nullable=False),  # udp, tcp, tls
    Column("didsource", Text, nullable=False),  # auto, requesturi, to
    Column("callerid", Text, nullable=False),  # shown where no DOD applies; empty: the caller's own
    Column("qualify", Boolean, nullable=False),
    Column("maxchannels", Integer, nullable=False),  # 0: no limit
    Column("status_monitor", Boolean, nullable=False),  # gate of CallStatus, spec 15 `gates`
    Column("control_answering", Boolean, nullable=False),  # gate of Invite
    Column("control_destination", Boolean, nullable=False),  # gate of Incoming
    Column("record", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,  # an id that a client remembers must never come to mean another trunk
)

trunk_dods = Table(
    "trunk_dods",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trunk_id", ForeignKey("trunks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("extension", ForeignKey("extensions.number", ondelete="CASCADE"), nullable=True),
    Column("group_id", ForeignKey("extension_groups.id", ondelete="CASCADE"), nullable=True),
)
