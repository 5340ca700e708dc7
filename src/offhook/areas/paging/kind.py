"""What a paging group is: its settings with their rules (spec 08-paging)."""

from __future__ import annotations

import ipaddress
import re

import sqlalchemy as sa

from offhook.areas.conferences.kind import yes_no
from offhook.areas.extensions.tables import extension_groups, extensions
from offhook.areas.objects.field import Field, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.paging.tables import paging_groups, paging_members, paginggroups
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken, choice, digits, name_list, text

MULTICAST = "multicast"
TYPE = choice(("paging", "intercom", MULTICAST))
NAME = text(max_len=63)
NUMBER = digits(7)
FLAG = yes_no()
MEMBERS = name_list()
_MOST = 200
_IPV4 = re.compile(r"(?P<host>[0-9.]+)(?P<bare>)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_IPV6 = re.compile(r"\[(?P<host>[0-9A-Fa-f:]+)\](?::(?P<port>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:]+)", re.ASCII)


def check_address(text: str) -> None:
    """Raises RuleBroken for what is no multicast address, with or without a port."""
    says = "an IPv4 or IPv6 multicast address, optionally with :port"
    match = (_IPV6 if text.count(":") > 1 else _IPV4).fullmatch(text)
    if match is None or not 1 <= int(match["port"] or 1) <= 65535:
        raise RuleBroken(says)
    try:
        address = ipaddress.ip_address(match["host"] or match["bare"])
    except ValueError:
        raise RuleBroken(says) from None
    if not address.is_multicast:
        raise RuleBroken(says)


def multicast_rule() -> Rule[str]:
    """A multicast address, kept as it was sent."""

    def read(value: str) -> str:
        bare = value.strip()
        check_address(bare)
        return bare

    return Rule("a multicast address", read, {"type": "string", "maxLength": 63})


ADDRESS = multicast_rule()


def _check(_connection: sa.Connection, step: Step) -> None:
    new = step.new
    if new["type"] == MULTICAST:
        if not new["multicastip"]:
            raise ContractError(Errno.PARAMETER_EMPTY, "multicastip is missing or empty")
        return
    if not new["member"] and not new["membergroup"]:
        raise ContractError(Errno.PARAMETER_EMPTY, "member or membergroup is needed")
    if len(new["member"]) > _MOST:
        raise ContractError(Errno.PAGING_MEMBERS_LIMIT, f"a paging group has at most {_MOST} members")


KIND = Kind(
    key="paginggroups",
    word="paging group",
    table=paginggroups,
    target="paging",
    numbers=range(6300, 6400),
    check=_check,
    limit=500,
    missing=Errno.NO_SUCH_PAGING,
    taken=Errno.PAGING_NUMBER_IN_USE,
    in_use=Errno.PAGING_FAILED,
    full=Errno.PAGING_LIMIT,
    fields=(
        Field(name="number", rule=NUMBER, bad=Errno.PAGING_NAME),
        Field(name="name", rule=NAME, bad=Errno.PAGING_NAME),
        Field(name="type", rule=TYPE, default="paging", bad=Errno.PAGING_NAME),
        Field(
            name="member",
            rule=MEMBERS,
            default=(),
            cleared=(),
            bad=Errno.NO_SUCH_PAGING_MEMBER,
            link=Links(
                owner=paging_members.c.paginggroup,
                member=paging_members.c.number,
                name=extensions.c.number,
                key=extensions.c.number,
                unknown=Errno.NO_SUCH_PAGING_MEMBER,
            ),
        ),
        Field(
            name="membergroup",
            rule=MEMBERS,
            default=(),
            cleared=(),
            bad=Errno.NO_SUCH_PAGING_MEMBER,
            link=Links(
                owner=paging_groups.c.paginggroup,
                member=paging_groups.c.group_id,
                name=extension_groups.c.name,
                key=extension_groups.c.id,
                unknown=Errno.NO_SUCH_PAGING_MEMBER,
            ),
        ),
        Field(name="enabledialtoanswer", rule=FLAG, default=False, bad=Errno.PAGING_NAME),
        Field(name="multicastip", rule=ADDRESS, default="", cleared="", bad=Errno.PAGING_NAME),
    ),
)
