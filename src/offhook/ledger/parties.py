"""By which numbers a record is found. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from offhook.ledger.rows import extension_of

_GROUP = re.compile(r"(?P<group>[^()]*)\((?P<member>[0-9]{1,7})\)", re.ASCII)
_EXTENSION = re.compile(r"[0-9]{1,7}", re.ASCII)


def parties(
    *, direction: str, callfrom: str, callto: str, others: Iterable[str], channels: Iterable[str]
) -> dict[str, bool]:
    """Every number of a call; True for those that took part as numbers of the PBX.

    A number of the outside world may look like an extension: the caller of a call that came in and the callee
    of one that went out are none. `others` are what was dialled and the like; `channels` those of the legs.
    """
    found = dict.fromkeys((*others, callfrom, callto), False)
    group = _GROUP.fullmatch(callto)
    if group is not None:
        del found[callto]
        found |= {group["group"]: False, group["member"]: True}
    elif direction != "Outbound":
        found[callto] = True
    if direction != "Inbound":
        found[callfrom] = True
    found |= dict.fromkeys((extension_of(channel) for channel in channels), True)
    found.pop("", None)
    return {number: inside and bool(_EXTENSION.fullmatch(number)) for number, inside in found.items()}
