"""Settings of the PBX as a whole, by name; what is not here is at its default."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from offhook.store.metadata import metadata

pbx_settings = Table(
    "pbx_settings",
    metadata,
    Column("name", Text, primary_key=True),  # <section>.<setting>, such as parking.timeout
    Column("value", Text, nullable=False),
)
