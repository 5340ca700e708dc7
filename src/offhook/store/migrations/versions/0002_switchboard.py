"""Trunks, routes, IVRs, groups, queues, conferences, paging and what they ask.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.add_column("cdr", sa.Column("fax", sa.Text(), nullable=False, server_default=""))
    op.add_column("cdr", sa.Column("fax_pages", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("call_intents", sa.Column("type", sa.Text(), nullable=False, server_default="Internal"))
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("outroute", sa.Text(), nullable=False),
        sa.Column("delay", sa.Integer(), nullable=False),
        sa.Column("strip", sa.Integer(), nullable=False),
        sa.Column("prepend", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("name", name=op.f("uq_callbacks_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "conferences",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("participantepassword", sa.Text(), nullable=False),
        sa.Column("moderatorpassword", sa.Text(), nullable=False),
        sa.Column("waitformoderator", sa.Boolean(), nullable=False),
        sa.Column("allowinvite", sa.Boolean(), nullable=False),
        sa.Column("musiconhold", sa.Boolean(), nullable=False),
        sa.Column("announcements", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_conferences")),
    )
    op.create_table(
        "disas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("responsetimeout", sa.Integer(), nullable=False),
        sa.Column("digittimeout", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disas")),
        sa.UniqueConstraint("name", name=op.f("uq_disas_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "inroutes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("desttype", sa.Text(), nullable=False),
        sa.Column("dest", sa.Text(), nullable=False),
        sa.Column("timecondition", sa.Text(), nullable=False),
        sa.Column("closed", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inroutes")),
        sa.UniqueConstraint("name", name=op.f("uq_inroutes_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "instant_conferences",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_instant_conferences")),
    )
    op.create_table(
        "ivrs",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ivrname", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("promptrepeat", sa.Integer(), nullable=False),
        sa.Column("responsetimeout", sa.Integer(), nullable=False),
        sa.Column("digittimeout", sa.Integer(), nullable=False),
        sa.Column("dialext", sa.Boolean(), nullable=False),
        sa.Column("dialoutboundroutes", sa.Boolean(), nullable=False),
        sa.Column("dialtocheckvoicemail", sa.Boolean(), nullable=False),
        sa.Column("key0", sa.Text(), nullable=False),
        sa.Column("key1", sa.Text(), nullable=False),
        sa.Column("key2", sa.Text(), nullable=False),
        sa.Column("key3", sa.Text(), nullable=False),
        sa.Column("key4", sa.Text(), nullable=False),
        sa.Column("key5", sa.Text(), nullable=False),
        sa.Column("key6", sa.Text(), nullable=False),
        sa.Column("key7", sa.Text(), nullable=False),
        sa.Column("key8", sa.Text(), nullable=False),
        sa.Column("key9", sa.Text(), nullable=False),
        sa.Column("keystar", sa.Text(), nullable=False),
        sa.Column("keyhash", sa.Text(), nullable=False),
        sa.Column("invalid", sa.Text(), nullable=False),
        sa.Column("timeout", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ivrs")),
    )
    op.create_table(
        "outroutes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("strip", sa.Text(), nullable=False),
        sa.Column("prepend", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("pinlist", sa.Text(), nullable=False),
        sa.Column("timecondition", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outroutes")),
        sa.UniqueConstraint("name", name=op.f("uq_outroutes_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "paginggroups",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("enabledialtoanswer", sa.Boolean(), nullable=False),
        sa.Column("multicastip", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_paginggroups")),
    )
    op.create_table(
        "pbx_settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pbx_settings")),
    )
    op.create_table(
        "pinlists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pinlists")),
        sa.UniqueConstraint("name", name=op.f("uq_pinlists_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "queues",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("queuename", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("ringstrategy", sa.Text(), nullable=False),
        sa.Column("failoveraction", sa.Text(), nullable=False),
        sa.Column("failoverdest", sa.Text(), nullable=False),
        sa.Column("agenttimeout", sa.Integer(), nullable=False),
        sa.Column("agentannounce", sa.Text(), nullable=False),
        sa.Column("wrapuptime", sa.Integer(), nullable=False),
        sa.Column("ringinuse", sa.Boolean(), nullable=False),
        sa.Column("retry", sa.Integer(), nullable=False),
        sa.Column("musiconhold", sa.Text(), nullable=False),
        sa.Column("maxwaittime", sa.Integer(), nullable=False),
        sa.Column("joinempty", sa.Boolean(), nullable=False),
        sa.Column("leavewhenempty", sa.Boolean(), nullable=False),
        sa.Column("joinannounce", sa.Text(), nullable=False),
        sa.Column("announcepos", sa.Boolean(), nullable=False),
        sa.Column("announcefreq", sa.Integer(), nullable=False),
        sa.Column("announceholdtime", sa.Boolean(), nullable=False),
        sa.Column("userannounce", sa.Text(), nullable=False),
        sa.Column("userannouncefreq", sa.Integer(), nullable=False),
        sa.Column("breakoutkey", sa.Text(), nullable=False),
        sa.Column("breakoutaction", sa.Text(), nullable=False),
        sa.Column("breakoutdest", sa.Text(), nullable=False),
        sa.Column("satisfactionsurvey", sa.Text(), nullable=False),
        sa.Column("idannouncement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_queues")),
    )
    op.create_table(
        "ringgroups",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ringstrategy", sa.Text(), nullable=False),
        sa.Column("ringtime", sa.Integer(), nullable=False),
        sa.Column("failover", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ringgroups")),
    )
    op.create_table(
        "timeconditions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("times", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeconditions")),
        sa.UniqueConstraint("name", name=op.f("uq_timeconditions_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "trunks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trunkname", sa.Text(), nullable=False),
        sa.Column("trunktype", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("authname", sa.Text(), nullable=False),
        sa.Column("fromuser", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("didsource", sa.Text(), nullable=False),
        sa.Column("callerid", sa.Text(), nullable=False),
        sa.Column("qualify", sa.Boolean(), nullable=False),
        sa.Column("maxchannels", sa.Integer(), nullable=False),
        sa.Column("status_monitor", sa.Boolean(), nullable=False),
        sa.Column("control_answering", sa.Boolean(), nullable=False),
        sa.Column("control_destination", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
        sa.UniqueConstraint("trunkname", name=op.f("uq_trunks_trunkname")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "agent_last_calls",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_agent_last_calls_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_agent_last_calls")),
    )
    op.create_table(
        "conference_moderators",
        sa.Column("conference", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conference"],
            ["conferences.number"],
            name=op.f("fk_conference_moderators_conference_conferences"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_conference_moderators_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conference", "number", name=op.f("pk_conference_moderators")),
    )
    op.create_table(
        "disa_outroutes",
        sa.Column("disa_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["disa_id"], ["disas.id"], name=op.f("fk_disa_outroutes_disa_id_disas"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["outroutes.id"],
            name=op.f("fk_disa_outroutes_route_id_outroutes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("disa_id", "route_id", name=op.f("pk_disa_outroutes")),
    )
    op.create_table(
        "inroute_trunks",
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["inroutes.id"],
            name=op.f("fk_inroute_trunks_route_id_inroutes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trunk_id"], ["trunks.id"], name=op.f("fk_inroute_trunks_trunk_id_trunks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("route_id", "trunk_id", name=op.f("pk_inroute_trunks")),
    )
    op.create_table(
        "instant_members",
        sa.Column("conference", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("moderator", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conference"],
            ["instant_conferences.number"],
            name=op.f("fk_instant_members_conference_instant_conferences"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conference", "number", name=op.f("pk_instant_members")),
    )
    op.create_table(
        "ivr_outroutes",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["ivrs.number"], name=op.f("fk_ivr_outroutes_number_ivrs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["outroutes.id"],
            name=op.f("fk_ivr_outroutes_route_id_outroutes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", "route_id", name=op.f("pk_ivr_outroutes")),
    )
    op.create_table(
        "outroute_extensions",
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_outroute_extensions_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["outroutes.id"],
            name=op.f("fk_outroute_extensions_route_id_outroutes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("route_id", "number", name=op.f("pk_outroute_extensions")),
    )
    op.create_table(
        "outroute_groups",
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["extension_groups.id"],
            name=op.f("fk_outroute_groups_group_id_extension_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["outroutes.id"],
            name=op.f("fk_outroute_groups_route_id_outroutes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("route_id", "group_id", name=op.f("pk_outroute_groups")),
    )
    op.create_table(
        "outroute_trunks",
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["route_id"],
            ["outroutes.id"],
            name=op.f("fk_outroute_trunks_route_id_outroutes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trunk_id"], ["trunks.id"], name=op.f("fk_outroute_trunks_trunk_id_trunks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("route_id", "trunk_id", name=op.f("pk_outroute_trunks")),
    )
    op.create_table(
        "paging_groups",
        sa.Column("paginggroup", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["extension_groups.id"],
            name=op.f("fk_paging_groups_group_id_extension_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["paginggroup"],
            ["paginggroups.number"],
            name=op.f("fk_paging_groups_paginggroup_paginggroups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("paginggroup", "group_id", name=op.f("pk_paging_groups")),
    )
    op.create_table(
        "paging_members",
        sa.Column("paginggroup", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_paging_members_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["paginggroup"],
            ["paginggroups.number"],
            name=op.f("fk_paging_members_paginggroup_paginggroups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("paginggroup", "number", name=op.f("pk_paging_members")),
    )
    op.create_table(
        "queue_agents",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("static", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_queue_agents_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["queue"], ["queues.number"], name=op.f("fk_queue_agents_queue_queues"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("queue", "number", "static", name=op.f("pk_queue_agents")),
    )
    op.create_table(
        "queue_pauses",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_queue_pauses_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["queue"], ["queues.number"], name=op.f("fk_queue_pauses_queue_queues"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("queue", "number", name=op.f("pk_queue_pauses")),
    )
    op.create_table(
        "ringgroup_members",
        sa.Column("ringgroup", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["extensions.number"],
            name=op.f("fk_ringgroup_members_number_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ringgroup"],
            ["ringgroups.number"],
            name=op.f("fk_ringgroup_members_ringgroup_ringgroups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ringgroup", "number", name=op.f("pk_ringgroup_members")),
    )
    op.create_table(
        "trunk_dods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["extension"],
            ["extensions.number"],
            name=op.f("fk_trunk_dods_extension_extensions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["extension_groups.id"],
            name=op.f("fk_trunk_dods_group_id_extension_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trunk_id"], ["trunks.id"], name=op.f("fk_trunk_dods_trunk_id_trunks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk_dods")),
    )
    op.create_index(op.f("ix_trunk_dods_trunk_id"), "trunk_dods", ["trunk_id"], unique=False)
