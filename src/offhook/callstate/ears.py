"""Who breaks into a talk, and when the engine has to be told that the talk is another one.

The engine lets an ear be heard by a party and by whom that party talks with at that moment. It does not
follow when the party talks with somebody else, and it keeps the former one's channel, hung up, until the ear
lets go: so its end is not told either. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate.call import Call, Leg
from offhook.callstate.facts import PartnerChanged
from offhook.callstate.step import Step


def attach(step: Step, spied: str, ear: str) -> None:
    """The channel `ear` breaks in on the leg with the uniqueid `spied`."""
    call = step.calls.get(step.channels.get(spied) or "")
    if call is not None:
        step.save(call.with_leg(replace(call.legs[spied], ear=ear)))


def entered(step: Step, call: Call, bridge: str) -> None:
    """Somebody has entered a bridge: those who break in on a party there are to be heard by both."""
    together = [leg for leg in call.legs.values() if leg.bridge == bridge]
    for leg in together if len(together) > 1 else ():
        moved(step, call, leg)


def moved(step: Step, call: Call, leg: Leg) -> None:
    """A leg talks with another party, or with none."""
    if leg.ear:
        step.tell(PartnerChanged(call.callid, leg.ear))
