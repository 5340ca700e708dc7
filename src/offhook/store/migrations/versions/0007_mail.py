"""Mail that waits to be sent, alarms, the soft client's accounts, and boxes that have to be emptied.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=False),
        sa.Column("tried_until", sa.Float(), nullable=False),
        sa.Column("next_try", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_state_next_try", "mails", ["state", "next_try"])
    op.create_table(
        "mail_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mail", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail"], ["mails.id"], name=op.f("fk_mail_attachments_mail_mails"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attachments")),
        sa.UniqueConstraint("file", name=op.f("uq_mail_attachments_file")),
    )
    op.create_index(op.f("ix_mail_attachments_mail"), "mail_attachments", ["mail"])
    op.create_table(
        "alarms",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("last_at", sa.Float(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alarms")),
    )
    op.create_table(
        "alarm_mails",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mailed_at", sa.Float(), nullable=False),
        sa.Column("unmailed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alarm_mails")),
    )
    op.create_table(
        "softclient_accounts",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("enabled_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_softclient_accounts_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_softclient_accounts")),
    )
    for table, key, times in (
        ("softclient_links", "selector", "expires"),
        ("softclient_logins", "selector", "created_at"),
    ):
        op.create_table(
            table,
            sa.Column(key, sa.Text(), nullable=False),
            sa.Column("number", sa.Text(), nullable=False),
            sa.Column("secret_hash", sa.Text(), nullable=False),
            sa.Column(times, sa.Float(), nullable=False),
            sa.ForeignKeyConstraint(
                ["number"],
                ["softclient_accounts.number"],
                name=op.f(f"fk_{table}_number_softclient_accounts"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_number"), table, ["number"])
    op.create_table(
        "box_emptyings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box_emptyings")),
        sqlite_autoincrement=True,
    )
