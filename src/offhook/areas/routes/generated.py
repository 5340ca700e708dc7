"""The routes as dialplan: patterns are matched by the engine itself, the most specific first. Pure.

Everything that stands here has passed its rule; what would not fit is left out all the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from offhook.areas.objects.destinations import split, well_formed
from offhook.areas.objects.field import Row
from offhook.areas.routes.patterns import check, dialplan_exten, expand, split_range
from offhook.areas.schedules.times import spans

log = logging.getLogger(__name__)
_ANY = ("_[0-9a-zA-Z*#+]!", "s")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*[A-Za-z0-9]", re.ASCII)


def routes_text(
    trunks: Sequence[Row],
    inroutes: Sequence[Row],
    outroutes: Sequence[Row],
    conditions: Sequence[Row],
    zone: str = "UTC",
) -> str:
    """The contexts of all routes and of the time conditions that they ask; these are in `zone`, an IANA name.

    The engine itself knows the machine's zone only, whatever its environment says (docs/adr/0003).
    """
    times = {row["name"]: row["id"] for row in conditions}
    outs = {row["name"]: row["id"] for row in outroutes}
    text = "".join(_time(row, zone) for row in conditions)
    text += "".join(_inroute(row, times, outs) for row in inroutes if row["enabled"])
    text += _accounts(trunks)
    text += "".join(_trunk(row, inroutes) for row in trunks if row["enabled"])
    return text + _outroutes([row for row in outroutes if row["enabled"]], times)


def _time(row: Row, zone: str) -> str:
    lines = ["exten => s,1,NoOp()"]
    for holds, fields in spans(row["times"]):
        lines.append(f" same => n,GotoIfTime({fields},{zone}?{'open' if holds else 'closed'})")
    lines += [" same => n(closed),Return(0)", " same => n(open),Return(1)"]
    return f"[offhook-time-{row['id']}]\n" + "\n".join(lines) + "\n"


def _accounts(trunks: Sequence[Row]) -> str:
    """What carriers call beside numbers: the names of our own accounts with them."""
    names = {row["username"]: None for row in trunks if row["enabled"]}
    return "[offhook-accounts]\n" + "".join(
        f"exten => {name},1,Goto(offhook-inbound,{name},1)\n"
        for name in names
        if _ACCOUNT.fullmatch(name) and not name.isdigit()
    )


def _trunk(trunk: Row, inroutes: Sequence[Row]) -> str:
    lines: dict[str, str] = {}
    for route in inroutes:
        if not route["enabled"] or trunk["trunkname"] not in route["trunks"]:
            continue
        for exten in _extens(route):
            if exten in lines:
                log.warning("routes: %s never matches: another inbound route has the same", route["name"])
            lines.setdefault(exten, f"exten => {exten},1,Goto(offhook-inroute-{route['id']},s,1)")
    return f"[offhook-inroutes-{trunk['id']}]\n" + "".join(f"{line}\n" for line in lines.values())


def _extens(route: Row) -> list[str]:
    called: tuple[str, ...] = (
        _ANY if not route["did"] else tuple(dialplan_exten(one) for one in expand(route["did"]))
    )
    callers: tuple[str, ...] = ("",)
    if route["caller_id"]:
        callers = tuple(f"/{dialplan_exten(one)}" for one in expand(route["caller_id"]))
    return [exten + caller for exten in called for caller in callers]


def _inroute(row: Row, times: Mapping[str, int], outs: Mapping[str, int]) -> str:
    lines = ["exten => s,1,NoOp()"]
    if row["timecondition"] in times:
        lines.append(f" same => n,Gosub(offhook-time-{times[row['timecondition']]},s,1)")
        lines.append(' same => n,GotoIf($["${GOSUB_RETVAL}" != "1"]?closed)')
    numbers = split_range(row["did"])
    lines.append(f" same => n,Set(DID_FIRST={numbers[0] if numbers else ''})")
    lines += _to(row["desttype"], row["dest"], outs)
    kind, name = split(row["closed"]) if row["closed"] else ("hangup", "")
    closed = _to(kind, name, outs)
    lines.append(closed[0].replace(" n,", " n(closed),", 1))
    lines += closed[1:]
    return f"[offhook-inroute-{row['id']}]\n" + "\n".join(lines) + "\n"


def _to(kind: str, name: str, outs: Mapping[str, int]) -> list[str]:
    if not well_formed(kind, name):
        return [" same => n,Goto(offhook-failed,unknown,1)"]
    if kind == "outroute":
        if name not in outs:
            return [" same => n,Goto(offhook-failed,unknown,1)"]
        return [
            f" same => n,Set(ROUTE={outs[name]})",
            " same => n,Set(OUT=${DID})",
            " same => n,Goto(offhook-outroute,s,1)",
        ]
    return [f" same => n,Set(DEST={name})", f" same => n,Goto(offhook-to,{kind},1)"]


def _outroutes(rows: Sequence[Row], times: Mapping[str, int]) -> str:
    lines = ["[offhook-outroutes]", "exten => s,1,NoOp()"]
    contexts = ""
    for row in rows:
        if check(row["prefix"], wide=True) is not None:
            continue
        context = f"offhook-outroute-{row['id']}"
        lines.append(f" same => n,GosubIf(${{DIALPLAN_EXISTS({context},${{OUT}},1)}}?{context},s,1)")
        lines.append(' same => n,ExecIf($["${ROUTE}" != ""]?Return())')
        contexts += _outroute(row, context, times)
    return "\n".join([*lines, " same => n,Return()"]) + "\n" + contexts


def _outroute(row: Row, context: str, times: Mapping[str, int]) -> str:
    right = f"${{REALTIME_FIELD(offhook_outrights,entry,{row['id']}-${{OFFHOOK_RIGHT}},route)}}"
    lines = [
        f"exten => {dialplan_exten(row['prefix'])},1,NoOp()",
        "exten => s,1,Set(FITS=1)",
        f' same => n,GotoIf($["{right}" = ""]?no)',
    ]
    if row["timecondition"] in times:
        lines.append(f" same => n,Gosub(offhook-time-{times[row['timecondition']]},s,1)")
        lines.append(' same => n,GotoIf($["${GOSUB_RETVAL}" != "1"]?no)')
    lines += [f" same => n,Set(ROUTE={row['id']})", " same => n(no),Return()"]
    return f"[{context}]\n" + "\n".join(lines) + "\n"
