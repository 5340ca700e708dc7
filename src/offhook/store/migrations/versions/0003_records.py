"""Call records that can be searched, addresses that may download.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GROUP = re.compile(r"([^()]*)\(([0-9]{1,7})\)", re.ASCII)
_CHANNEL = re.compile(r"PJSIP/([0-9]{1,7})w?-[0-9a-fA-F]{8}", re.ASCII)
_EXTENSION = re.compile(r"[0-9]{1,7}", re.ASCII)
_BATCH = 5000


def upgrade() -> None:
    """Create the tables."""
    op.add_column(
        "api_settings", sa.Column("download_addresses", sa.Text(), nullable=False, server_default="")
    )
    op.drop_index("ix_cdr_started", table_name="cdr")
    op.create_index("ix_cdr_started", "cdr", ["started", "callid"], unique=False)
    op.create_table(
        "cdr_parties",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("callid", sa.Text(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", "started", "callid", name=op.f("pk_cdr_parties")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cdr_parties_callid", "cdr_parties", ["callid"], unique=False)
    _fill_parties(op.get_bind())


def _fill_parties(connection: sa.Connection) -> None:
    select = sa.text(
        "SELECT callid, started, type, callfrom, callto, dialled, didnumber, legs FROM cdr "
        "WHERE (started, callid) > (:started, :callid) ORDER BY started, callid LIMIT :batch"
    )
    insert = sa.text("INSERT INTO cdr_parties VALUES (:number, :started, :callid, :inside)")
    place = {"started": -1.0, "callid": "", "batch": _BATCH}
    while rows := connection.execute(select, place).all():
        values = [
            {"number": number, "started": row.started, "callid": row.callid, "inside": inside}
            for row in rows
            for number, inside in _parties(row)
        ]
        if values:
            connection.execute(insert, values)
        place |= {"started": rows[-1].started, "callid": rows[-1].callid}


def _parties(row: sa.Row[tuple[str, ...]]) -> Iterator[tuple[str, bool]]:
    """The numbers of a record, and whether they took part as numbers of the PBX."""
    found = dict.fromkeys((row.dialled, row.didnumber, row.callfrom, row.callto), False)
    group = _GROUP.fullmatch(row.callto)
    if group is not None:
        del found[row.callto]
        found |= {group[1]: False, group[2]: True}
    elif row.type != "Outbound":
        found[row.callto] = True
    if row.type != "Inbound":
        found[row.callfrom] = True
    for leg in json.loads(row.legs or "[]"):
        if match := _CHANNEL.fullmatch(leg["channel"]):
            found[match[1]] = True
    found.pop("", None)
    for number, inside in found.items():
        yield number, inside and bool(_EXTENSION.fullmatch(number))
