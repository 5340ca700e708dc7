"""What the PBX says of itself."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from offhook.store.metadata import metadata

identity = Table(
    "identity",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("sn", Text, nullable=False),  # 12 digits, made once
    Column("devicename", Text, nullable=False),
    Column("firmwarever", Text, nullable=False),
)
