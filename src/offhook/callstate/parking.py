"""Parking: a party waits in a slot until somebody takes it out, or the time is over and it goes back."""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate import leaving
from offhook.callstate.call import Call, Leg, Role
from offhook.callstate.changes import make_caller
from offhook.callstate.holding import review
from offhook.callstate.step import Step
from offhook.callstate.transfers import waits


def park(step: Step, call: Call, leg: Leg) -> None:
    """A party is put into a slot, where it hears music."""
    seat = call.seat_of(leg.uniqueid)
    if leg.parked or seat is None:
        return
    if seat.role is not Role.CALLER:
        call = make_caller(call, seat)
    review(
        step,
        replace(call, caller=seat.member, key_transfer=None, consultation=None).with_leg(
            replace(leg, parked=True)
        ),
    )


def take_out(step: Step, call: Call, leg: Leg) -> Call:
    """Somebody takes the party out; the join of the two calls tells it."""
    return step.save(leaving.move_on(step, call.with_leg(replace(leg, parked=False))))


def give_back(step: Step, call: Call, leg: Leg) -> None:
    """The time is over: who parked the call is rung."""
    if leg.parked:
        step.save(waits(leaving.move_on(step, call.with_leg(replace(leg, parked=False)))))
