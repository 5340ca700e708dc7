"""A conference in use. Pure; how it changes stands in `rooms`."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.callstate.model import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A conference in use. `inside` are its channels' uniqueids, the newest first."""

    number: str
    callid: str
    inside: tuple[str, ...] = ()
    moderators: frozenset[str] = frozenset()
    waits: frozenset[str] = frozenset()  # who waits for a moderator
    told: tuple[Member, ...] = ()  # who is inside, as it was told last
