"""Tables of voicemail: settings of a box that the contract does not have, and which messages were mailed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("extension", ForeignKey("extensions.number", ondelete="CASCADE"), nullable=False, unique=True),
    Column("greeting", Text, nullable=False),  # a prompt; empty: the one recorded by phone, or the engine's
    Column("greetingbusy", Text, nullable=False),  # empty: as `greeting`
    Column("address", Text, nullable=False),  # for enablevmtoemail custom
    Column("deletemailed", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

voicemail_seen = Table(
    "voicemail_seen",
    metadata,
    Column("mailbox", Text, primary_key=True),
    Column("msg_id", Text, primary_key=True),  # the engine's, never given twice
    Column("state", Text, nullable=False),  # see offhook.areas.voicemail.mailing.State
    Column("since", Float, nullable=False),  # seconds since the epoch
)
