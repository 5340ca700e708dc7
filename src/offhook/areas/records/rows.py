"""How a record is stored: its own row, and one for each number by which it is found."""

from __future__ import annotations

import dataclasses
import json

import sqlalchemy as sa

from offhook.areas.records.tables import cdr, cdr_parties
from offhook.ledger import CallRecord, parties


def insert_record(connection: sa.Connection, record: CallRecord) -> None:
    """Store a record that is not there yet."""
    connection.execute(sa.insert(cdr).values(**_columns(record)))
    if numbers := _parties(record):
        connection.execute(sa.insert(cdr_parties), numbers)


def _columns(record: CallRecord) -> dict[str, object]:
    values = {column.name: getattr(record, column.name) for column in cdr.columns}
    values["legs"] = json.dumps([dataclasses.asdict(leg) for leg in record.legs])
    return values


def _parties(record: CallRecord) -> list[dict[str, object]]:
    found = parties(
        direction=record.type,
        callfrom=record.callfrom,
        callto=record.callto,
        others=(record.dialled, record.didnumber),
        channels=(leg.channel for leg in record.legs),
    )
    return [
        {"number": number, "started": record.started, "callid": record.callid, "inside": inside}
        for number, inside in found.items()
    ]
