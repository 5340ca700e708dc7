"""Voicemail: what the engine does not keep of it.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("greetingbusy", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("deletemailed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extension"],
            ["extensions.number"],
            name=op.f("fk_mailboxes_extension_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("extension", name=op.f("uq_mailboxes_extension")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "voicemail_seen",
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("msg_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "msg_id", name=op.f("pk_voicemail_seen")),
    )
