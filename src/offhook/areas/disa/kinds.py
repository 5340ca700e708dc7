"""What DISA and callbacks are: their settings with their rules."""

from __future__ import annotations

from offhook.areas.disa.tables import callbacks, disa_outroutes, disas
from offhook.areas.objects.destinations import InOne, destination
from offhook.areas.objects.field import Field, Named
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.routes.kinds import ROUTE_NAME
from offhook.areas.routes.tables import outroutes
from offhook.contract.errors import Errno
from offhook.contract.rules import digits, integer, name_list, pattern

_BAD = Errno.PARAMETER_EMPTY

DISAS = Kind(
    key="disa",
    word="DISA",
    table=disas,
    identity="name",
    numbered=False,
    target="disa",
    fields=(
        Field(name="name", rule=ROUTE_NAME),
        Field(
            name="password",
            rule=pattern(r"[0-9]{4,31}", says="4 to 31 digits"),
            secret=True,
            doc="asked before anything can be dialled",
        ),
        Field(name="responsetimeout", rule=integer(1, 60), default=10),
        Field(name="digittimeout", rule=integer(1, 60), default=5),
        Field(
            name="outroutes",
            rule=name_list(),
            default=(),
            cleared=(),
            link=Links(
                owner=disa_outroutes.c.disa_id,
                member=disa_outroutes.c.route_id,
                name=outroutes.c.name,
                key=outroutes.c.id,
                unknown=_BAD,
            ),
            doc="the outbound routes that may be used; empty: none, only numbers of the PBX",
        ),
    ),
)

CALLBACKS = Kind(
    key="callbacks",
    word="callback",
    table=callbacks,
    identity="name",
    numbered=False,
    target="callback",
    references=(InOne("destination"), Named("outroute", "outroute")),
    fields=(
        Field(name="name", rule=ROUTE_NAME),
        Field(name="outroute", rule=ROUTE_NAME, doc="over which the caller is called back"),
        Field(name="delay", rule=integer(1, 60), default=5, doc="seconds between the call and ours"),
        Field(name="strip", rule=integer(0, 20), default=0, doc="digits cut from the caller's number"),
        Field(name="prepend", rule=digits(20), default="", cleared=""),
        Field(name="destination", rule=destination(), doc="where the caller is put through"),
    ),
)
