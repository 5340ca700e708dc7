"""Limits of calls to the outside. What was used of them is in the engine's own database.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "calllimits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("others", sa.Boolean(), nullable=False),
        sa.Column("timecondition", sa.Text(), nullable=False),
        sa.Column("barred", sa.Boolean(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("simultaneous", sa.Integer(), nullable=False),
        sa.Column("allow", sa.Text(), nullable=False),
        sa.Column("deny", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calllimits")),
        sa.UniqueConstraint("name", name=op.f("uq_calllimits_name")),
        sqlite_autoincrement=True,
    )
    for table, member, kind, target in (
        ("calllimit_extensions", "number", sa.Text(), "extensions.number"),
        ("calllimit_groups", "group_id", sa.Integer(), "extension_groups.id"),
        ("calllimit_trunks", "trunk_id", sa.Integer(), "trunks.id"),
    ):
        op.create_table(
            table,
            sa.Column("limit_id", sa.Integer(), nullable=False),
            sa.Column(member, kind, nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(
                ["limit_id"],
                ["calllimits.id"],
                name=op.f(f"fk_{table}_limit_id_calllimits"),
                ondelete="CASCADE",
            ),
            sa.ForeignKeyConstraint(
                [member],
                [target],
                name=op.f(f"fk_{table}_{member}_{target.partition('.')[0]}"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("limit_id", member, name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_{member}"), table, [member])
