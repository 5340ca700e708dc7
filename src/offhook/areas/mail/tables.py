"""Mail that waits, was sent or could not be sent."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from offhook.store.metadata import metadata

mails = Table(
    "mails",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),  # the same at every try
    Column("kind", Text, nullable=False),  # voicemail, fax, alarm, softclient
    Column("reference", Text, nullable=False),  # what it is about, for who queued it
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),  # or what it is written from, see Mailer.on_sending
    Column("state", Text, nullable=False),  # see offhook.areas.mail.model.State
    Column("attempts", Integer, nullable=False),
    Column("queued_at", Float, nullable=False),  # seconds since the epoch, as all times here
    Column("tried_until", Float, nullable=False),
    Column("next_try", Float, nullable=False),
    Column("finished_at", Float),
    Column("answer", Text, nullable=False),  # what the server said last
    Index("ix_mails_state_next_try", "state", "next_try"),
    sqlite_autoincrement=True,
)

mail_attachments = Table(
    "mail_attachments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mail", ForeignKey("mails.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("file", Text, nullable=False, unique=True),  # in the spool
)
