"""What the store remembers about itself."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from offhook.store.metadata import metadata

store_state = Table(
    "store_state",
    metadata,
    Column("name", Text, primary_key=True),  # "views": hash of the views' text
    Column("value", Text, nullable=False),
)
