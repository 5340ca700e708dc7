"""All tables of the first version.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "company_contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("firstname", sa.Text(), nullable=False),
        sa.Column("lastname", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("businessnum", sa.Text(), nullable=False),
        sa.Column("businessnum2", sa.Text(), nullable=False),
        sa.Column("businessfax", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("mobile2", sa.Text(), nullable=False),
        sa.Column("homenum", sa.Text(), nullable=False),
        sa.Column("homenum2", sa.Text(), nullable=False),
        sa.Column("homefax", sa.Text(), nullable=False),
        sa.Column("othernum", sa.Text(), nullable=False),
        sa.Column("zipcode", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_contacts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "console_accounts",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_derived", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_console_accounts")),
    )
    op.create_table(
        "extension_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_extension_groups_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "extensions",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("callerid", sa.Text(), nullable=False),
        sa.Column("registername", sa.Text(), nullable=False),
        sa.Column("ha1", sa.Text(), nullable=False),
        sa.Column("registerpassword_shown", sa.Text(), nullable=False),
        sa.Column("maxregistrations", sa.Integer(), nullable=False),
        sa.Column("loginpassword_derived", sa.Text(), nullable=False),
        sa.Column("loginpassword_shown", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("hasvoicemail", sa.Boolean(), nullable=False),
        sa.Column("vmsecret", sa.Text(), nullable=False),
        sa.Column("enablevmtoemail", sa.Text(), nullable=False),
        sa.Column("alwaysforward", sa.Boolean(), nullable=False),
        sa.Column("atransferto", sa.Text(), nullable=False),
        sa.Column("atransferext", sa.Text(), nullable=False),
        sa.Column("atransferprefix", sa.Text(), nullable=False),
        sa.Column("atransfernum", sa.Text(), nullable=False),
        sa.Column("noanswerforward", sa.Boolean(), nullable=False),
        sa.Column("ntransferto", sa.Text(), nullable=False),
        sa.Column("ntransferext", sa.Text(), nullable=False),
        sa.Column("ntransferprefix", sa.Text(), nullable=False),
        sa.Column("ntransfernum", sa.Text(), nullable=False),
        sa.Column("busyforward", sa.Boolean(), nullable=False),
        sa.Column("btransferto", sa.Text(), nullable=False),
        sa.Column("btransferext", sa.Text(), nullable=False),
        sa.Column("btransferprefix", sa.Text(), nullable=False),
        sa.Column("btransfernum", sa.Text(), nullable=False),
        sa.Column("ringsimultaneous", sa.Boolean(), nullable=False),
        sa.Column("mobileprefix", sa.Text(), nullable=False),
        sa.Column("enablemobile", sa.Boolean(), nullable=False),
        sa.Column("allowbeingmonitored", sa.Boolean(), nullable=False),
        sa.Column("monitormode", sa.Text(), nullable=False),
        sa.Column("ringtimeout", sa.Integer(), nullable=False),
        sa.Column("maxduration", sa.Text(), nullable=False),
        sa.Column("dnd", sa.Boolean(), nullable=False),
        sa.Column("callrestriction", sa.Boolean(), nullable=False),
        sa.Column("agentid", sa.Text(), nullable=False),
        sa.Column("monitored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_extensions")),
        sa.UniqueConstraint("registername", name=op.f("uq_extensions_registername")),
    )
    op.create_table(
        "store_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_state")),
    )
    op.create_table(
        "extension_group_members",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["extension_groups.id"],
            name=op.f("fk_extension_group_members_group_id_extension_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_extension_group_members_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "number", name=op.f("pk_extension_group_members")),
    )
