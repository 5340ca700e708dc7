"""A webhook as its worker knows it, and what it sends. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from offhook.contract.feed import moment
from offhook.events.feed import GAP, FeedItem

FAIL_SECONDS = 72 * 3600.0
"""For so long a receiver may fail; then nothing is sent until an operator says so."""

ALARM_SECONDS = 600.0
"""After so long of failing people are told."""

_NEW_CHANCE_SECONDS = 3600.0
_PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)


class State(StrEnum):
    """Whether deliveries go on."""

    ACTIVE = "active"
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Settings:
    """What of a webhook makes a worker begin anew when it changes. `keys` sign, the newest first; after
    `old_until` (seconds since the epoch) only the first."""

    id: int
    name: str
    url: str
    kinds: str
    extension: str
    verify: bool
    keys: tuple[bytes, ...] = field(repr=False)
    old_until: float = 0.0

    def keys_at(self, now: float) -> Sequence[bytes]:
        """What a delivery is signed with now."""
        return self.keys if now < self.old_until else self.keys[:1]


@dataclass(slots=True)
class Progress:
    """How far a webhook has come; what is stored of it."""

    position: int
    state: State = State.ACTIVE
    failing_since: float = 0.0
    answer: str = ""


def failing_before(progress: Progress, now: float) -> float:
    """For how many seconds a receiver had been failing when its worker begins; 0 when it was well.

    An hour is left to it at least: the PBX may have been off, or the clock was set, and nobody has tried it.
    """
    if not progress.failing_since:
        return 0.0
    return min(max(0.0, now - progress.failing_since), FAIL_SECONDS - _NEW_CHANCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: the id by which a receiver knows it again, and its body."""

    identity: str
    body: bytes


def delivery_of(webhook: int, item: FeedItem) -> Delivery:
    """What is sent of an event; the id is the same at each try, and no other event's ever after."""
    # with the time: numbers may be given again where a backup was restored
    identity = f"evt_{webhook}_{item.id}_{int(item.at * 1000)}"
    if item.kind == GAP:
        identity = f"gap_{webhook}_{item.id}"
    head = json.dumps({"id": str(item.id), "type": item.kind, "timestamp": moment(item.at)})
    return Delivery(identity, head[:-1].encode() + b', "data": ' + item.data + b"}")


def pause_after(tries: int, asked: float, spread: float) -> float:
    """Seconds until the next try after so many; `asked` is what the receiver asked for, `spread` is from 0 to
    1 and keeps receivers that failed together from being tried together."""
    own = _PAUSES[min(tries, len(_PAUSES)) - 1] * (0.8 + 0.4 * spread)
    return max(own, min(asked, _PAUSES[-1]))
