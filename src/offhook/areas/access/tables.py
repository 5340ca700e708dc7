"""Who may call the API: its settings, living tokens, and addresses that tried wrong passwords."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text, UniqueConstraint

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
    Column("account", Integer, nullable=False, server_default="0"),  # of api_accounts; 0: the contract's own
    Column("family", Text, nullable=False, server_default=""),  # token_hash of the login it descends from
)

api_accounts = Table(
    "api_accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", Text, nullable=False),
    Column("password", Text, nullable=False),  # as password_derived above
    Column("scopes", Text, nullable=False),  # read, control, configure, joined by commas
    Column("addresses", Text, nullable=False),  # IP addresses and networks joined by commas; empty: all
    Column("requestrate", Integer, nullable=False),  # requests per second; 0: that of the address alone
    Column("callrate", Integer, nullable=False),  # calls begun per minute; 0: that of the session alone
    Column("key_hash", Text, nullable=False, server_default=""),  # SHA-256 of its key: 256 random bits
    Column("key_created", Float, nullable=False, server_default="0"),  # seconds since the epoch
    UniqueConstraint("username"),
    sqlite_autoincrement=True,  # an id that comes back would give old tokens to a new account
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
