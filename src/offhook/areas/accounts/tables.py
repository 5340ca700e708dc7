"""Console accounts; passwords are kept derived only."""

from __future__ import annotations

from sqlalchemy import Column, Float, Table, Text

from offhook.store.metadata import metadata

console_accounts = Table(
    "console_accounts",
    metadata,
    Column("username", Text, primary_key=True),
    Column("password_derived", Text, nullable=False),
    Column("created", Float, nullable=False),  # seconds since the epoch
)
