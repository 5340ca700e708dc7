"""Several accounts of the API, each with its scopes.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("requestrate", sa.Integer(), nullable=False),
        sa.Column("callrate", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False, server_default=""),
        sa.Column("key_created", sa.Float(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_api_accounts_username")),
        sqlite_autoincrement=True,
    )
    op.add_column("sessions", sa.Column("account", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("family", sa.Text(), nullable=False, server_default=""))
