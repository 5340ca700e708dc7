"""Wake-up calls and their journal.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "wakeups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("repeatinterval", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("begun", sa.Float(), nullable=False),
        sa.Column("callid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_wakeups_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wakeups")),
        sa.UniqueConstraint(
            "number", "time", "type", "weekdays", name=op.f("uq_wakeups_number_time_type_weekdays")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_wakeups_at"), "wakeups", ["at"], unique=False)
    op.create_table(
        "wakeup_journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wakeupid", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("ring", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("begun", sa.Float(), nullable=True),
        sa.Column("answered", sa.Float(), nullable=True),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("callid", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wakeup_journal")),
    )
    op.create_index(op.f("ix_wakeup_journal_at"), "wakeup_journal", ["at"], unique=False)
    op.create_index(op.f("ix_wakeup_journal_number"), "wakeup_journal", ["number"], unique=False)
    op.create_index(op.f("ix_wakeup_journal_callid"), "wakeup_journal", ["callid"], unique=False)
