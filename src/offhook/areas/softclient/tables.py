"""The soft client's accounts, the links by which one gets in, and the logins that came of them."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Table, Text

from offhook.store.metadata import metadata

softclient_accounts = Table(
    "softclient_accounts",
    metadata,
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("enabled_at", Float, nullable=False),  # seconds since the epoch, as all times here
)

softclient_links = Table(
    "softclient_links",
    metadata,
    Column("selector", Text, primary_key=True),  # the half of a link that is no secret
    Column(
        "number", ForeignKey("softclient_accounts.number", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("secret_hash", Text, nullable=False),  # SHA-256 of the other half, 256 bits of chance
    Column("expires", Float, nullable=False),
)

softclient_logins = Table(
    "softclient_logins",
    metadata,
    Column("selector", Text, primary_key=True),
    Column(
        "number", ForeignKey("softclient_accounts.number", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
