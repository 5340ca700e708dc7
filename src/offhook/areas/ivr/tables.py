"""Tables of the IVRs; column names are the contract's (spec 06-ivr). Destinations are texts such as
`queue 6700`, empty where a key does nothing."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

KEYS = {**{f"key{digit}": str(digit) for digit in range(10)}, "keystar": "*", "keyhash": "#"}
"""The columns of the keys, and what the caller presses."""

ivrs = Table(
    "ivrs",
    metadata,
    Column("number", Text, primary_key=True),
    Column("ivrname", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("promptrepeat", Integer, nullable=False),
    Column("responsetimeout", Integer, nullable=False),  # seconds
    Column("digittimeout", Integer, nullable=False),  # seconds
    Column("dialext", Boolean, nullable=False),
    Column("dialoutboundroutes", Boolean, nullable=False),
    Column("dialtocheckvoicemail", Boolean, nullable=False),
    *(Column(name, Text, nullable=False) for name in KEYS),
    Column("invalid", Text, nullable=False),
    Column("timeout", Text, nullable=False),
)

ivr_outroutes = Table(
    "ivr_outroutes",
    metadata,
    Column("number", ForeignKey("ivrs.number", ondelete="CASCADE"), primary_key=True),
    Column("route_id", ForeignKey("outroutes.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
