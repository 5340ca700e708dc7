"""An event on its way: what the journal, all receivers' workers and the feeds share of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.events.api import BootUp, CallStatus, Event, ExtensionStatus, NewCdr, Satisfaction, UacstaCall
from offhook.events.dialect import Dialect
from offhook.events.encoding import encode

DURABLE = (NewCdr, Satisfaction)
"""Kinds that are repeated until delivered or expired; all others are live and tried a few times."""


@dataclass(slots=True, eq=False)
class Item:
    """One event, with its number in the journal once that has it (0 before).

    `keys` are what it stays in order with, `lane` the call among them that it does not name, `behind` what it
    also comes after, without holding up what comes later; `owed` the receivers that have to get it if it is
    durable, `early` those for whom it was settled before it had a number, with the reason if it was given up;
    `body` its facts as the journal will have them, until it has; `letter` the dead letter that it is sent
    again from; `sent`: it was handed to workers; `stored`: it is in a transaction, committed or not (for the
    store's writer only); `told` when it was told, on the monotonic clock, 0 if it was read from the store.
    """

    event: Event
    keys: tuple[str, ...]
    created: float
    seq: int = 0
    owed: tuple[int, ...] = ()
    early: list[tuple[int, str]] = field(default_factory=list)
    body: str = ""
    sent: bool = False
    stored: bool = False
    behind: tuple[str, ...] = ()
    letter: int = 0
    lane: str = ""
    told: float = 0.0
    _bodies: dict[tuple[Dialect, str], list[bytes]] = field(default_factory=dict)

    @property
    def durable(self) -> bool:
        """Whether it must not be lost."""
        return isinstance(self.event, DURABLE)

    @property
    def kind(self) -> str:
        """Its kind, as the journal names it."""
        return type(self.event).__name__

    @property
    def callid(self) -> str:
        """The call that it tells of, empty for none."""
        return str(getattr(self.event, "callid", ""))

    def bodies(self, dialect: Dialect, sn: str) -> list[bytes]:
        """What is sent in a dialect; written once for all receivers."""
        known = self._bodies.get((dialect, sn))
        if known is None:
            known = self._bodies[dialect, sn] = encode(self.event, dialect, sn)
        return known


def item_of(
    event: Event,
    created: float,
    *,
    seq: int = 0,
    lane: str = "",
    owed: tuple[int, ...] = (),
    told: float = 0.0,
) -> Item:
    """An event as an item. `lane` is the call in whose order an event without a callid belongs."""
    keys = _keys(event)
    behind: tuple[str, ...] = ()
    if lane and lane not in keys:
        keys = (*keys, lane)
    if isinstance(event, NewCdr):
        # the last word on a call: the states of its extensions have no callid, and come before it
        behind = tuple(f"ext {number}" for number in (event.callfrom, event.callto) if number)
    return Item(event, keys, created, seq, owed, behind=behind, lane=lane, told=told)


def _keys(event: Event) -> tuple[str, ...]:
    match event:
        case BootUp():
            return ()  # it waits for nothing and holds up nothing
        case CallStatus(callid=callid):
            return (callid, *(f"ext {m.number}" for m in event.members if m.number))
        case ExtensionStatus(extension=extension) | UacstaCall(extension=extension):
            return (f"ext {extension}",)
        case _:
            callid = getattr(event, "callid", "")
            return (callid,) if callid else (type(event).__name__,)
