"""What inbound and outbound routes are: their settings with their rules (spec 04-routes)."""

from __future__ import annotations

import sqlalchemy as sa

from offhook.areas.extensions.tables import extension_groups, extensions
from offhook.areas.objects.destinations import (
    HANGUP,
    INROUTE_DESTINATIONS,
    NAME,
    InOne,
    InTwo,
    destination,
    well_formed,
)
from offhook.areas.objects.field import Field, Named, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.routes.patterns import pattern_rule, split_range
from offhook.areas.routes.tables import (
    inroute_trunks,
    inroutes,
    outroute_extensions,
    outroute_groups,
    outroute_trunks,
    outroutes,
)
from offhook.areas.trunks.tables import trunks
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken, choice, digits, integer, name_list, on_off, text


def name_rule() -> Rule[str]:
    """A name that destinations can name: without any kind of space."""
    says = "a name without space and : ! $ ( ) / # ; , [ ] \\ \" = < > & ' ` ^ % @ { } |"

    def read(value: str) -> str:
        if not NAME.fullmatch(value):
            raise RuleBroken(says)
        return value

    return Rule(says, read, {"type": "string", "maxLength": 63})


ROUTE_NAME = name_rule()
DID = pattern_rule(ranges=True)
CALLER_ID = pattern_rule(ranges=True)
DESTTYPE = choice(INROUTE_DESTINATIONS)
DEST = text(max_len=63)
PREFIX = pattern_rule(wide=True)
STRIP = digits(7)
PREPEND = digits(20)
_FLAG = on_off()


def _check_inroute(_connection: sa.Connection, step: Step) -> None:
    new = step.new
    if step.changes("desttype", beside="dest") and new["desttype"] != HANGUP:
        raise ContractError(Errno.DESTINATION, "a new desttype needs a dest")
    if new["desttype"] == HANGUP:
        new["dest"] = ""
    elif not new["dest"]:
        raise ContractError(Errno.PARAMETER_EMPTY, "dest is missing or empty")
    if not well_formed(new["desttype"], new["dest"]):
        raise ContractError(Errno.DESTINATION, f"this cannot be the dest of an {new['desttype']}")
    if new["desttype"] == "extrange" and (numbers := split_range(new["did"])) is not None:
        first, last = (int(end) for end in new["dest"].split("-"))
        if numbers[1] - numbers[0] != last - first:
            raise ContractError(Errno.DESTINATION, "did and dest have to be ranges of the same length")


def _check_outroute(_connection: sa.Connection, step: Step) -> None:
    if not step.new["extensions"] and not step.new["extensionsgroup"]:
        raise ContractError(Errno.PARAMETER_EMPTY, "extensions or extensionsgroup is needed")


def _trunks(owner: sa.Column[int], member: sa.Column[int], unknown: Errno) -> Links:
    return Links(owner=owner, member=member, name=trunks.c.trunkname, key=trunks.c.id, unknown=unknown)


INROUTES = Kind(
    key="inroutes",
    word="inbound route",
    table=inroutes,
    identity="name",
    numbered=False,
    parts=frozenset({"dialplan"}),
    references=(InTwo("desttype", "dest"), InOne("closed"), Named("timecondition", "timecondition")),
    check=_check_inroute,
    limit=500,
    missing=Errno.NO_SUCH_INROUTE,
    taken=Errno.INROUTE_EXISTS,
    dangling=Errno.DESTINATION,
    in_use=Errno.INROUTE_DELETE,
    full=Errno.INROUTE_LIMIT,
    fields=(
        Field(name="name", rule=ROUTE_NAME, bad=Errno.INROUTE_NAME),
        Field(name="did", rule=DID, default="", cleared="", bad=Errno.DID_PATTERN),
        Field(name="caller_id", rule=CALLER_ID, default="", cleared="", bad=Errno.CALLERID_PATTERN),
        Field(
            name="trunks",
            rule=name_list(),
            bad=Errno.INROUTE_TRUNK,
            link=_trunks(inroute_trunks.c.route_id, inroute_trunks.c.trunk_id, Errno.INROUTE_TRUNK),
        ),
        Field(name="desttype", rule=DESTTYPE, bad=Errno.DESTINATION_TYPE),
        Field(name="dest", rule=DEST, default="", bad=Errno.DESTINATION),
        Field(name="timecondition", rule=ROUTE_NAME, default="", cleared="", bad=Errno.DESTINATION),
        Field(
            name="closed",
            rule=destination(),
            default="",
            cleared="",
            bad=Errno.DESTINATION,
            doc="the destination outside the time condition; empty: hang up",
        ),
        Field(name="enabled", rule=_FLAG, default=True),
    ),
)

OUTROUTES = Kind(
    key="outroutes",
    word="outbound route",
    table=outroutes,
    identity="name",
    numbered=False,
    target="outroute",
    parts=frozenset({"dialplan"}),
    references=(Named("timecondition", "timecondition"), Named("pinlist", "pinlist")),
    check=_check_outroute,
    limit=500,
    missing=Errno.NO_SUCH_OUTROUTE,
    taken=Errno.OUTROUTE_EXISTS,
    dangling=Errno.OUTROUTE_NAME,
    in_use=Errno.OUTROUTE_DELETE,
    full=Errno.OUTROUTE_LIMIT,
    order=("priority",),
    fields=(
        Field(name="name", rule=ROUTE_NAME, bad=Errno.OUTROUTE_NAME),
        Field(name="prefix", rule=PREFIX, bad=Errno.DIAL_PATTERN),
        Field(name="strip", rule=STRIP, default="", cleared="", bad=Errno.STRIP_COUNT),
        Field(name="prepend", rule=PREPEND, default="", cleared="", bad=Errno.PREPEND),
        Field(
            name="trunks",
            rule=name_list(),
            bad=Errno.OUTROUTE_TRUNK,
            link=_trunks(outroute_trunks.c.route_id, outroute_trunks.c.trunk_id, Errno.OUTROUTE_TRUNK),
        ),
        Field(
            name="extensions",
            rule=name_list(),
            default=(),
            cleared=(),
            bad=Errno.OUTROUTE_EXTENSION,
            link=Links(
                owner=outroute_extensions.c.route_id,
                member=outroute_extensions.c.number,
                name=extensions.c.number,
                key=extensions.c.number,
                unknown=Errno.OUTROUTE_EXTENSION,
            ),
        ),
        Field(
            name="extensionsgroup",
            rule=name_list(),
            default=(),
            cleared=(),
            bad=Errno.OUTROUTE_GROUP,
            link=Links(
                owner=outroute_groups.c.route_id,
                member=outroute_groups.c.group_id,
                name=extension_groups.c.name,
                key=extension_groups.c.id,
                unknown=Errno.OUTROUTE_GROUP,
            ),
        ),
        Field(
            name="priority",
            rule=integer(0, 9999),
            default=100,
            doc="of several routes that fit and are allowed, that with the lowest is taken",
        ),
        Field(name="password", rule=digits(31), default="", cleared="", secret=True),
        Field(name="pinlist", rule=ROUTE_NAME, default="", cleared=""),
        Field(name="timecondition", rule=ROUTE_NAME, default="", cleared=""),
        Field(name="enabled", rule=_FLAG, default=True),
    ),
)
