"""Addresses that are banned or were not long ago, and those where phones of ours are."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from offhook.store.metadata import metadata

bans = Table(
    "bans",
    metadata,
    Column("address", Text, primary_key=True),  # an IPv4 address, or the /64 network of an IPv6 one
    Column("since", Float, nullable=False),  # seconds since the epoch: when the last ban began
    Column("until", Float, nullable=False),  # when it ends
    Column("times", Integer, nullable=False),  # bans in a row, by which they grow
    Column("proven", Boolean, nullable=False),  # that the address is the sender's own, as it was a connection
    Column("reason", Text, nullable=False),
)

phone_addresses = Table(
    "phone_addresses",
    metadata,
    Column("address", Text, primary_key=True),  # as above
    Column("seen", Float, nullable=False),  # a right password from there, to a day
)
