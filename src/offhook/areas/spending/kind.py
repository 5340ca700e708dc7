"""What a limit of calls to the outside is: its settings with their rules."""

from __future__ import annotations

from offhook.areas.extensions.tables import extension_groups, extensions
from offhook.areas.objects.field import Field, Named
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.routes.kinds import ROUTE_NAME
from offhook.areas.spending.tables import (
    calllimit_extensions,
    calllimit_groups,
    calllimit_trunks,
    calllimits,
)
from offhook.areas.trunks.tables import trunks
from offhook.contract.errors import Errno
from offhook.contract.rules import Rule, RuleBroken, integer, name_list, on_off, split_list

_BAD = Errno.PARAMETER_EMPTY
_FLAG = on_off()
_MOST_PREFIXES = 250


def prefixes_rule() -> Rule[str]:
    """The beginnings of international numbers, without + or 00, joined by commas."""
    says = f"at most {_MOST_PREFIXES} beginnings of international numbers, such as 49,4318, without + and 00"

    def read(value: str) -> str:
        prefixes = list(dict.fromkeys(split_list(value)))
        if not 0 < len(prefixes) <= _MOST_PREFIXES:
            raise RuleBroken(says)
        if not all(one.isascii() and one.isdigit() and one[0] != "0" and len(one) <= 15 for one in prefixes):
            raise RuleBroken(says)
        return ",".join(prefixes)

    return Rule(says, read, {"type": "string"})


_PREFIXES = prefixes_rule()

CALLLIMITS = Kind(
    key="calllimits",
    word="limit of calls out",
    table=calllimits,
    identity="name",
    numbered=False,
    target="calllimit",
    references=(Named("timecondition", "timecondition"),),
    limit=500,
    fields=(
        Field(name="name", rule=ROUTE_NAME),
        Field(
            name="extensions",
            rule=name_list(),
            default=(),
            cleared=(),
            link=Links(
                owner=calllimit_extensions.c.limit_id,
                member=calllimit_extensions.c.number,
                name=extensions.c.number,
                key=extensions.c.number,
                unknown=_BAD,
            ),
            doc="each has the limit for itself",
        ),
        Field(
            name="extensionsgroup",
            rule=name_list(),
            default=(),
            cleared=(),
            link=Links(
                owner=calllimit_groups.c.limit_id,
                member=calllimit_groups.c.group_id,
                name=extension_groups.c.name,
                key=extension_groups.c.id,
                unknown=_BAD,
            ),
            doc="each member has the limit for itself",
        ),
        Field(
            name="trunks",
            rule=name_list(),
            default=(),
            cleared=(),
            link=Links(
                owner=calllimit_trunks.c.limit_id,
                member=calllimit_trunks.c.trunk_id,
                name=trunks.c.trunkname,
                key=trunks.c.id,
                unknown=_BAD,
            ),
            doc="each has the limit for itself; calls that come in are not counted",
        ),
        Field(
            name="others",
            rule=_FLAG,
            default=False,
            doc="also for all extensions, DISAs, IVRs and callbacks that no limit of this time names",
        ),
        Field(
            name="timecondition",
            rule=ROUTE_NAME,
            default="",
            cleared="",
            doc="when it holds, such as at night; empty: always",
        ),
        Field(name="barred", rule=_FLAG, default=False, doc="no calls to the outside at all"),
        Field(name="calls", rule=integer(0, 1_000_000), default=0, doc="calls in a day; 0: no limit"),
        Field(name="minutes", rule=integer(0, 1_000_000), default=0, doc="minutes in a day; 0: no limit"),
        Field(name="simultaneous", rule=integer(0, 10000), default=0, doc="calls at once; 0: no limit"),
        Field(
            name="allow",
            rule=_PREFIXES,
            default="",
            cleared="",
            doc="beginnings of the international numbers that may be called, such as 49,43,41; empty: all",
        ),
        Field(
            name="deny",
            rule=_PREFIXES,
            default="",
            cleared="",
            doc="beginnings of those that may not, even if `allow` has them, such as 49900",
        ),
    ),
)
