"""Phones that put the others of their call on hold, and take them back."""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate.call import Call, Leg
from offhook.callstate.changes import reviewed, tell_talking
from offhook.callstate.step import Step


def hold(step: Step, call: Call, leg: Leg) -> Call:
    """A phone puts the others of its call on hold."""
    others = frozenset(key for key in call.legs if key != leg.uniqueid)
    return review(step, call.with_leg(replace(leg, holds=others)))


def unhold(step: Step, call: Call, leg: Leg) -> Call:
    """A phone takes those back that it held."""
    return review(step, call.with_leg(replace(leg, holds=frozenset())))


def review(step: Step, call: Call) -> Call:
    """Tell who is held now, if that has changed: whoever held a party may have left the call since."""
    changed = reviewed(call)
    return step.save(call) if changed is call else tell_talking(step, changed, everyone=True)
