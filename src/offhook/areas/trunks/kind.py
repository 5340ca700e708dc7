"""What a trunk is: its settings with their rules (spec 03-trunk)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.objects.errors import Conflict
from offhook.areas.objects.field import Field, Row, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.trunks.dods import DodLink
from offhook.areas.trunks.tables import trunks
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken, choice, integer, name_list, on_off, pattern, text

REGISTER, PEER, ACCOUNT = "register", "peer", "account"
TYPES = (REGISTER, PEER, ACCOUNT)
_NAME_BYTES = 48  # a channel's name has at most 79 bytes, and the trunk's stands in it
_NAME_FORBIDDEN = "!$()/#;,[]\\\"=<>&'`^%@{}|"
_ACCOUNT_FORBIDDEN = " ;&\"'\\<>`|"
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?", re.ASCII)


def host_rule() -> Rule[str]:
    """An IP address or a host name."""
    says = "an IP address or host name"

    def read(value: str) -> str:
        bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
        if re.fullmatch(r"[0-9.]+", bare, re.ASCII) or ":" in bare:
            try:
                # what stands behind % names an interface, and Python lets any character pass in it
                ipaddress.ip_address(bare.replace("%", "/"))
            except ValueError:
                raise RuleBroken(says) from None
            return bare
        if len(value) > 253 or not _HOST.fullmatch(value):
            raise RuleBroken(says)
        return value

    return Rule(says, read, {"type": "string", "maxLength": 253})


def name_rule() -> Rule[str]:
    """A trunk's name; it stands in the names of channels, whose length the engine bounds."""
    inner = text(max_len=31, forbidden=_NAME_FORBIDDEN)

    def read(value: str) -> str:
        name = inner.read(value.strip())
        if len(name.encode()) > _NAME_BYTES:
            raise RuleBroken(f"a name of at most {_NAME_BYTES} bytes in UTF-8")
        return name

    return Rule(inner.says, read, inner.schema)


NAME = name_rule()
TYPE = choice(TYPES)
HOST = host_rule()
PORT = integer(0, 65535)
ACCOUNT_TEXT = text(max_len=127, forbidden=_ACCOUNT_FORBIDDEN)
USERNAME = pattern(
    r"[^\s;&\"'\\<>`|@:\x00-\x20\x7f]{1,63}",
    says="at most 63 characters without space ; & \" ' \\ < > ` | @ :",
)
FROMUSER = text(max_len=63, forbidden=" :" + _NAME_FORBIDDEN)
# An account's name is that of a section and in a list of the engine's configuration.
_ACCOUNT_USER = re.compile(r"[A-Za-z0-9._~+*!=$-]+", re.ASCII)
DODS = name_list()
_FLAG = on_off()


def _check(connection: sa.Connection, step: Step) -> None:
    new, old = step.new, step.old
    if old is not None and new["trunktype"] != old["trunktype"]:
        raise ContractError(Errno.TRUNK_TYPE, "the kind of a trunk cannot be changed")
    needed: tuple[str, ...] = (
        ("host", "domain") if new["trunktype"] == PEER else ("username", "authname", "password")
    )
    if new["trunktype"] == REGISTER:
        needed += ("host", "domain")
    for name in needed:
        if not new[name]:
            raise ContractError(Errno.PARAMETER_EMPTY, f"{name} is missing or empty")
    if new["trunktype"] == ACCOUNT:
        _check_account(connection, new)


def _check_account(connection: sa.Connection, new: Row) -> None:
    """An account trunk registers with us: its names share one space with those of phones."""
    if not _ACCOUNT_USER.fullmatch(new["username"]) or new["username"].startswith("trunk-"):
        raise ContractError(
            Errno.TRUNK_USER, "an account's username has letters, digits and . _ ~ + * ! = $ -, not trunk-"
        )
    names = (new["username"], new["authname"])
    phone = sa.select(extensions.c.number).where(
        sa.or_(extensions.c.registername.in_(names), extensions.c.number.in_(names))
    )
    if registers_by(connection, names, but=new.get("id", -1)) or connection.execute(phone.limit(1)).first():
        raise Conflict(Errno.TRUNK_USER_IN_USE, "an extension or another trunk registers by this name")


def registers_by(connection: sa.Connection, names: Collection[str], but: int = -1) -> bool:
    """Whether the far end of a trunk, other than that with the id `but`, registers by one of `names`."""
    column = trunks.c
    query = sa.select(column.id).where(
        column.trunktype == ACCOUNT,
        column.id != but,
        sa.or_(column.username.in_(names), column.authname.in_(names)),
    )
    return connection.execute(query.limit(1)).first() is not None


KIND = Kind(
    key="trunks",
    word="trunk",
    table=trunks,
    identity="trunkname",
    numbered=False,
    target="trunk",
    parts=frozenset({"trunks", "dialplan"}),
    check=_check,
    limit=200,
    missing=Errno.NO_SUCH_TRUNK,
    taken=Errno.TRUNK_NAME_IN_USE,
    in_use=Errno.TRUNK_DELETE,
    full=Errno.TRUNK_LIMIT,
    fields=(
        Field(name="trunkname", rule=NAME, bad=Errno.TRUNK_NAME),
        Field(name="trunktype", rule=TYPE, bad=Errno.TRUNK_TYPE),
        Field(name="host", rule=HOST, default="", bad=Errno.TRUNK_HOST),
        Field(name="port", rule=PORT, default=5060, bad=Errno.TRUNK_PORT),
        Field(name="domain", rule=HOST, default="", bad=Errno.TRUNK_DOMAIN),
        Field(name="username", rule=USERNAME, default="", bad=Errno.TRUNK_USER),
        Field(name="authname", rule=ACCOUNT_TEXT, default="", bad=Errno.TRUNK_AUTH_NAME),
        Field(name="fromuser", rule=FROMUSER, default="", cleared="", bad=Errno.TRUNK_FROM),
        Field(
            name="password",
            rule=ACCOUNT_TEXT,
            default="",
            bad=Errno.TRUNK_PASSWORD,
            secret=True,
            sealed=True,
        ),
        Field(
            name="extensionsdod",
            rule=DODS,
            default=(),
            cleared=(),
            bad=Errno.DOD_FORM,
            link=DodLink(groups=False),
            doc="number-name-extension, several joined by commas",
        ),
        Field(
            name="extensionsgroupdod",
            rule=DODS,
            default=(),
            cleared=(),
            bad=Errno.DOD_FORM,
            link=DodLink(groups=True),
            doc="number-name-extension group, several joined by commas",
        ),
        Field(name="enabled", rule=_FLAG, default=True),
        Field(name="transport", rule=choice(("udp", "tcp", "tls")), default="udp"),
        Field(
            name="didsource",
            rule=choice(("auto", "requesturi", "to")),
            default="auto",
            doc="where the called number stands; auto: the request URI unless it only names our account",
        ),
        Field(
            name="callerid",
            rule=pattern(r"\+?[0-9]{1,31}", says="a number"),
            default="",
            cleared="",
            doc="shown on calls out for which no DOD is set; empty: the caller's own",
        ),
        Field(name="qualify", rule=_FLAG, default=True, doc="ask every 10 s whether the far end is there"),
        Field(name="maxchannels", rule=integer(0, 10000), default=0, doc="calls at once; 0: no limit"),
        Field(name="status_monitor", rule=_FLAG, default=True),
        Field(name="control_answering", rule=_FLAG, default=False),
        Field(name="control_destination", rule=_FLAG, default=False),
        Field(name="record", rule=_FLAG, default=False, doc="record calls over it"),
    ),
)
