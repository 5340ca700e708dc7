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
        "api_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_derived", sa.Text(), nullable=False),
        sa.Column("report_method", sa.Text(), nullable=False),
        sa.Column("event_port", sa.Integer(), nullable=False),
        sa.Column("weak_passwords", sa.Boolean(), nullable=False),
        sa.Column("max_extensions", sa.Integer(), nullable=False),
        sa.Column("max_extension_groups", sa.Integer(), nullable=False),
        sa.Column("max_contacts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_settings")),
    )
    op.create_table(
        "call_intents",
        sa.Column("callid", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("callee", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("callid", name=op.f("pk_call_intents")),
    )
    op.create_table(
        "cdr",
        sa.Column("callid", sa.Text(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("callfrom", sa.Text(), nullable=False),
        sa.Column("callto", sa.Text(), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("call_seconds", sa.Integer(), nullable=False),
        sa.Column("talk_seconds", sa.Integer(), nullable=False),
        sa.Column("source_trunk", sa.Text(), nullable=False),
        sa.Column("destination_trunk", sa.Text(), nullable=False),
        sa.Column("pincode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("didnumber", sa.Text(), nullable=False),
        sa.Column("agent_ring_seconds", sa.Integer(), nullable=False),
        sa.Column("legs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("callid", name=op.f("pk_cdr")),
    )
    op.create_index("ix_cdr_started", "cdr", ["started"], unique=False)
    op.create_table(
        "cel_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("offset", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cel_position")),
    )
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
        "event_journal",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("callid", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_journal")),
        sqlite_autoincrement=True,
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
        "identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sn", sa.Text(), nullable=False),
        sa.Column("devicename", sa.Text(), nullable=False),
        sa.Column("firmwarever", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
    )
    op.create_table(
        "login_failures",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last", sa.Float(), nullable=False),
        sa.Column("locked_until", sa.Float(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_login_failures")),
    )
    op.create_table(
        "receivers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("answers", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivers")),
    )
    op.create_index("uq_receivers_target", "receivers", ["scheme", "host", "port", "path"], unique=True)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("refresh_hash", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_sessions_refresh_hash")),
    )
    op.create_table(
        "store_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_state")),
    )
    op.create_table(
        "deliveries",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receivers.id"],
            name=op.f("fk_deliveries_receiver_id_receivers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["seq"], ["event_journal.seq"], name=op.f("fk_deliveries_seq_event_journal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", "receiver_id", name=op.f("pk_deliveries")),
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
    op.create_table(
        "receiver_sessions",
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("receiver_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receivers.id"],
            name=op.f("fk_receiver_sessions_receiver_id_receivers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_receiver_sessions")),
    )
