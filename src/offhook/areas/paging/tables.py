"""Tables of the paging groups; column names are the contract's (spec 08-paging)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

paginggroups = Table(
    "paginggroups",
    metadata,
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),  # paging, intercom, multicast
    Column("enabledialtoanswer", Boolean, nullable=False),
    Column("multicastip", Text, nullable=False),
)

paging_members = Table(
    "paging_members",
    metadata,
    Column("paginggroup", ForeignKey("paginggroups.number", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

paging_groups = Table(
    "paging_groups",
    metadata,
    Column("paginggroup", ForeignKey("paginggroups.number", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("extension_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
