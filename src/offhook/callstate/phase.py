"""What an application does with a call at the moment: the states of live control and how they follow.

    idle ─ hold ─► held ─ back ─► idle
    idle ─ consult ─► consulting ─ answered ─► consulted ◄─ swap ─► swapped
    consulting, consulted, swapped ─ back, completed, joined ─► idle
    idle ─ invite ─► invited ─ accept, timeout ─► idle; ─ refuse ─► refused
    idle ─ incoming ─► deciding ─ moved, timeout ─► idle
    idle, held ─ park ─► parked ─ back ─► idle

What moves a call is told by the engine, never assumed: the dialplan of `areas/control` reports each arrival.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where a call stands."""

    IDLE = "idle"
    INVITED = "invited"  # a call from outside waits until an application lets it in (Invite)
    REFUSED = "refused"  # an application has turned it away; the end
    DECIDING = "deciding"  # an application says where a call from outside goes (Incoming)
    HELD = "held"  # one party hears music, the other waits in silence
    CONSULTING = "consulting"  # one party waits while another calls a third
    CONSULTED = "consulted"  # who transfers talks with the third party
    SWAPPED = "swapped"  # who transfers talks with the first party again, the third waits
    PARKED = "parked"


NEXT: Mapping[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.INVITED, Phase.DECIDING, Phase.HELD, Phase.CONSULTING, Phase.PARKED}),
    Phase.INVITED: frozenset({Phase.IDLE, Phase.REFUSED, Phase.DECIDING}),
    Phase.REFUSED: frozenset(),
    Phase.DECIDING: frozenset({Phase.IDLE}),
    Phase.HELD: frozenset({Phase.IDLE, Phase.CONSULTING, Phase.PARKED}),
    Phase.CONSULTING: frozenset({Phase.IDLE, Phase.CONSULTED, Phase.HELD, Phase.PARKED}),
    Phase.CONSULTED: frozenset({Phase.IDLE, Phase.SWAPPED, Phase.PARKED}),
    Phase.SWAPPED: frozenset({Phase.IDLE, Phase.CONSULTED, Phase.PARKED}),
    Phase.PARKED: frozenset({Phase.IDLE}),
}
"""Which phase may follow which."""

UNDECIDED = frozenset({Phase.INVITED, Phase.REFUSED, Phase.DECIDING})
"""The phases of a call that is not in the PBX yet: nobody hears of it but by Invite and Incoming."""

THIRD = frozenset({Phase.CONSULTING, Phase.CONSULTED, Phase.SWAPPED})
"""The phases in which a third party is consulted."""
