"""Company contacts; column names are the contract's (spec 01-system-contacts)."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from offhook.store.metadata import metadata

FIELDS = (
    "firstname",
    "lastname",
    "email",
    "company",
    "businessnum",
    "businessnum2",
    "businessfax",
    "mobile",
    "mobile2",
    "homenum",
    "homenum2",
    "homefax",
    "othernum",
    "zipcode",
    "street",
    "city",
    "state",
    "country",
)
"""All fields but the id, in the order in which companycontacts/query shows them."""

company_contacts = Table(
    "company_contacts",
    metadata,
    Column("id", Integer, primary_key=True),
    *(Column(name, Text, nullable=False) for name in FIELDS),
    sqlite_autoincrement=True,  # an id that a client remembers must never come to mean another contact
)
