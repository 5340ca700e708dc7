"""What a ring group is: its settings with their rules."""

from __future__ import annotations

from offhook.areas.extensions.tables import extensions
from offhook.areas.objects.destinations import InOne, destination
from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.ringgroups.tables import ringgroup_members, ringgroups
from offhook.contract.errors import Errno
from offhook.contract.rules import choice, digits, integer, name_list, text

RING_ALL, RING_IN_ORDER = "Ring All", "Ring In Order"

KIND = Kind(
    key="ringgroups",
    word="ring group",
    table=ringgroups,
    target="ringgroup",
    numbers=range(6200, 6300),
    references=(InOne("failover"),),
    missing=Errno.NO_SUCH_RINGGROUP,
    fields=(
        Field(name="number", rule=digits(7)),
        Field(name="name", rule=text(max_len=31, forbidden=" !$()/#;,[]\"=<>&'`^%@{}|")),
        Field(name="ringstrategy", rule=choice((RING_ALL, RING_IN_ORDER)), default=RING_ALL),
        Field(name="ringtime", rule=integer(1, 600), default=30),
        Field(
            name="members",
            rule=name_list(),
            link=Links(
                owner=ringgroup_members.c.ringgroup,
                member=ringgroup_members.c.number,
                name=extensions.c.number,
                key=extensions.c.number,
                unknown=Errno.NO_SUCH_EXTENSION,
            ),
        ),
        Field(
            name="failover",
            rule=destination(),
            default="",
            cleared="",
            doc="where the call goes when no member answers; empty: it is hung up",
        ),
    ),
)
