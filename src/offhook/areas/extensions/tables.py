"""Tables of the extensions and extension groups; column names are the contract's (spec 02-extension)."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from offhook.store.metadata import metadata

extensions = Table(
    "extensions",
    metadata,
    Column("number", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("callerid", Text, nullable=False),
    Column("registername", Text, nullable=False, unique=True),
    Column("ha1", Text, nullable=False),  # MD5(registername:realm:password), RFC 7616 section 3.4.2
    Column("registerpassword_shown", Text, nullable=False),  # opaque hex for extension/query
    Column("maxregistrations", Integer, nullable=False),
    Column("loginpassword_derived", Text, nullable=False),
    Column("loginpassword_shown", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("mobile", Text, nullable=False),
    Column("language", Text, nullable=False),  # empty: System Default
    Column("hasvoicemail", Boolean, nullable=False),
    Column("vmsecret", Text, nullable=False),
    Column("enablevmtoemail", Text, nullable=False),  # off, on, custom
    Column("alwaysforward", Boolean, nullable=False),
    Column("atransferto", Text, nullable=False),  # Voicemail, Extension, Mobile Number, Custom Number
    Column("atransferext", Text, nullable=False),
    Column("atransferprefix", Text, nullable=False),
    Column("atransfernum", Text, nullable=False),
    Column("noanswerforward", Boolean, nullable=False),
    Column("ntransferto", Text, nullable=False),
    Column("ntransferext", Text, nullable=False),
    Column("ntransferprefix", Text, nullable=False),
    Column("ntransfernum", Text, nullable=False),
    Column("busyforward", Boolean, nullable=False),
    Column("btransferto", Text, nullable=False),
    Column("btransferext", Text, nullable=False),
    Column("btransferprefix", Text, nullable=False),
    Column("btransfernum", Text, nullable=False),
    Column("ringsimultaneous", Boolean, nullable=False),
    Column("mobileprefix", Text, nullable=False),
    Column("enablemobile", Boolean, nullable=False),
    Column("allowbeingmonitored", Boolean, nullable=False),
    Column("monitormode", Text, nullable=False),  # Disabled, Extensive, Listen, Whisper, Barge-in
    Column("ringtimeout", Integer, nullable=False),  # seconds
    Column("maxduration", Text, nullable=False),  # seconds, "Follow System" or "Unlimited"
    Column("dnd", Boolean, nullable=False),
    Column("callrestriction", Boolean, nullable=False),
    Column("agentid", Text, nullable=False),  # empty: none
    Column("monitored", Boolean, nullable=False),  # gate of ExtensionStatus, spec 15 `gates`
)

extension_groups = Table(
    "extension_groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,  # an id that a client remembers must never come to mean another group
)

extension_group_members = Table(
    "extension_group_members",
    metadata,
    Column("group_id", ForeignKey("extension_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
