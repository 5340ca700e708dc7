"""Which events a stream or a subscription wants: of some kinds, about one extension. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from offhook.callstate.model import Member
from offhook.events.api import BootUp, ConfigChange, Event, NewCdr

_SPELT = {
    "Dtmf": "DTMF",
    "Transfer": "Tranfer",
    "Satisfaction": "satisfaction",
    "SmsSend": "sms-send",
    "UacstaCall": "uacstacall",
}
"""Kinds that the contract spells in its own way (spec 15-events, `wire`)."""

WIRE_KINDS = {kind.__name__: _SPELT.get(kind.__name__, kind.__name__) for kind in get_args(Event)}
"""How a kind of the journal is called on the wire."""

_BY_NAME = {spelt.casefold(): name for name in WIRE_KINDS for spelt in (name, WIRE_KINDS[name])}
_EXTENSION = re.compile(r"[0-9]{1,7}", re.ASCII)
_MEMBER = re.compile(r".*\((?P<member>[0-9]{1,7})\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Kinds as the journal calls them, none for all; an extension's number, empty for all events."""

    kinds: tuple[str, ...] = ()
    extension: str = ""

    def has(self, event: Event) -> bool:
        """Whether an event of a right kind is wanted."""
        return not self.extension or concerns(event, self.extension)


def wanted(kinds: Iterable[str], extension: str) -> Wanted:
    """What these kinds, in either spelling, and this extension mean.

    Raises ValueError, whose text says what is known.
    """
    names: dict[str, None] = {}
    for kind in (kind.strip() for kind in kinds):
        if not kind:
            continue
        name = _BY_NAME.get(kind.casefold())
        if name is None:
            raise ValueError(f"kinds must be some of {', '.join(sorted(WIRE_KINDS.values(), key=str.lower))}")
        names[name] = None
    extension = extension.strip()
    if extension and not _EXTENSION.fullmatch(extension):
        raise ValueError("extension must be a number of up to 7 digits")
    return Wanted(tuple(names), extension)


def concerns(event: Event, number: str) -> bool:
    """Whether an event names the extension `number`; a restart concerns everybody."""
    if isinstance(event, BootUp):
        return True
    if isinstance(event, NewCdr):
        group = _MEMBER.fullmatch(event.callto)
        return number in {event.callfrom, event.callto, group["member"] if group else ""}
    if isinstance(event, ConfigChange):
        return event.kind == "extension" and event.name == number
    if getattr(event, "extension", None) == number:
        return True
    members: tuple[Member, ...] = (*getattr(event, "members", ()), *getattr(event, "others", ()))
    return any(number in {member.number, member.from_number, member.to_number} for member in members)
