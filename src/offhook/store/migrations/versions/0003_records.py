"""Call records that can be searched, one-time links for downloads.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.add_column(
        "api_settings", sa.Column("download_addresses", sa.Text(), nullable=False, server_default="")
    )
