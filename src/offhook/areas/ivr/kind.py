"""What an IVR is: its settings with their rules (spec 06-ivr)."""

from __future__ import annotations

from offhook.areas.ivr.tables import KEYS, ivr_outroutes, ivrs
from offhook.areas.objects.destinations import InOne, destination
from offhook.areas.objects.field import Field, Named
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.routes.tables import outroutes
from offhook.contract.errors import Errno
from offhook.contract.rules import digits, integer, name_list, on_off, pattern, text

DEFAULT_PROMPT = "[Default]"
NAME = text(max_len=31, forbidden=" !$()/#;,[]\"=<>&'`^%@{}|")
REPEAT = integer(1, 5)
SECONDS = integer(1, 10)
FLAG = on_off()
PROMPT = pattern(r"\[Default\]|[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", says="[Default] or the name of a prompt")
_BAD = Errno.IVR_CONFIG


def _destination(name: str, doc: str) -> Field:
    return Field(name=name, rule=destination(), default="", cleared="", bad=_BAD, doc=doc)


KIND = Kind(
    key="ivrs",
    word="IVR",
    table=ivrs,
    target="ivr",
    numbers=range(6500, 6600),
    parts=frozenset({"dialplan"}),
    references=(
        Named("prompt", "prompt", (DEFAULT_PROMPT, "")),
        *(InOne(name) for name in (*KEYS, "invalid", "timeout")),
    ),
    missing=Errno.NO_SUCH_IVR,
    taken=_BAD,
    dangling=_BAD,
    in_use=_BAD,
    full=_BAD,
    fields=(
        Field(name="number", rule=digits(7), bad=_BAD),
        Field(name="ivrname", rule=NAME, bad=_BAD),
        Field(name="prompt", rule=PROMPT, default=DEFAULT_PROMPT, cleared=DEFAULT_PROMPT, bad=_BAD),
        Field(name="promptrepeat", rule=REPEAT, default=3, bad=_BAD),
        Field(name="responsetimeout", rule=SECONDS, default=3, bad=_BAD),
        Field(name="digittimeout", rule=SECONDS, default=3, bad=_BAD),
        Field(name="dialext", rule=FLAG, default=True, bad=_BAD),
        Field(name="dialoutboundroutes", rule=FLAG, default=False, bad=_BAD),
        Field(name="dialtocheckvoicemail", rule=FLAG, default=False, bad=_BAD),
        Field(
            name="outroutes",
            rule=name_list(),
            default=(),
            cleared=(),
            bad=_BAD,
            link=Links(
                owner=ivr_outroutes.c.number,
                member=ivr_outroutes.c.route_id,
                name=outroutes.c.name,
                key=outroutes.c.id,
                unknown=_BAD,
            ),
            doc="the outbound routes that callers may use where dialoutboundroutes is on; empty: all",
        ),
        *(_destination(name, f"where {key} leads") for name, key in KEYS.items()),
        _destination("invalid", "where a wrong key leads; empty: the prompt is played again"),
        _destination("timeout", "where the call goes when nothing was pressed; empty: it is hung up"),
    ),
)
