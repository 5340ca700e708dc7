"""Who may call the API: its settings, living tokens, and addresses that tried wrong passwords."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from offhook.store.metadata import metadata

api_settings = Table(
    "api_settings",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("enabled", Boolean, nullable=False),
    Column("username", Text, nullable=False),
    Column("password_derived", Text, nullable=False),  # scrypt of the MD5 that clients send (decision 12)
    Column("report_method", Text, nullable=False),  # HTTP or TCP
    Column("event_port", Integer, nullable=False),  # 0: the one of the command line
    Column("weak_passwords", Boolean, nullable=False),  # relaxes the strong-password rules everywhere
    Column("max_extensions", Integer, nullable=False),
    Column("max_extension_groups", Integer, nullable=False),
    Column("max_contacts", Integer, nullable=False),
    Column("download_addresses", Text, nullable=False, server_default=""),  # beside the application's own
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),  # SHA-256 of the token: it has 128 random bits of its own
    Column("refresh_hash", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("version", Text, nullable=False),  # of the login, for heartbeats that name none
    Column("created", Float, nullable=False),  # seconds since the epoch
    Column("used", Float, nullable=False),  # last accepted request, written at most each minute
    Column("ended", Text, nullable=False),  # empty while alive, else logout, refresh or restart
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("address", Text, primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("last", Float, nullable=False),
    Column("locked_until", Float, nullable=False),  # 0 when not locked
    Column("protocol", Text, nullable=False),
    Column("port", Integer, nullable=False),
)
