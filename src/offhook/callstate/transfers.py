"""A call is passed on, by keys, by the phone itself or by the API: who is passed on is the caller then.

What the engine does by keys is told by a hold without a class of music (a phone's own hold names one), by the
way of the channel from bridge to bridge, and at last by BlindTransfer or AttendedTransfer.
"""

from __future__ import annotations

from dataclasses import replace

from offhook.callstate import leaving
from offhook.callstate.call import (
    Call,
    KeyTransfer,
    Leg,
    Role,
    Seat,
    set_role,
    set_talking,
    set_waiting,
)
from offhook.callstate.changes import make_caller, next_attempt, reviewed, tell_all, tell_talking
from offhook.callstate.facts import Transfer
from offhook.callstate.holding import review
from offhook.callstate.step import Step

# By keys --------------------------------------------------------------------------------------------


def key_hold(step: Step, call: Call, leg: Leg) -> None:
    """A transfer key was pressed: the others wait. Within a transfer a change-over begins."""
    transfer = call.key_transfer
    if transfer is not None:
        if transfer.leg == leg.uniqueid:
            step.save(replace(call, key_transfer=replace(transfer, changing=bool(transfer.there))))
        return
    seat = call.seat_of(leg.uniqueid)
    waiting = frozenset(key for one in call.seats if one is not seat and one.talking for key in one.legs)
    if seat is None or not seat.talking or not waiting:
        return
    _tell(step, call)
    path = call.path_kind, call.callpath
    begun = KeyTransfer(leg=leg.uniqueid, role=seat.role, waiting=waiting, path=path)
    review(step, replace(call, key_transfer=begun))


def key_unhold(step: Step, call: Call) -> None:
    """The others are taken back: the transfer is over, or it never came to one."""
    transfer = call.key_transfer
    if transfer is None:
        return
    if transfer.home:
        come_back(step, call)
    elif not transfer.called:
        # BlindTransfer follows at once if a number was typed: a talk that lasts no moment is not told
        step.unheld.put(call.callid, None)


def key_moved(step: Step, call: Call, bridge: str) -> None:
    """Who transfers has entered a bridge: that of the transfer, that of the others, or the same again."""
    transfer = call.key_transfer
    if transfer is None:
        return
    if not transfer.there:
        step.save(replace(call, key_transfer=replace(transfer, called=True, there=bridge)))
    elif (bridge == transfer.there) is transfer.away:
        return
    elif transfer.changing:
        over = replace(transfer, away=not transfer.away, changing=False)
        review(step, replace(call, key_transfer=over))
    else:
        # told by the unhold, or soon; the talk of all three begins in the same way
        step.save(replace(call, key_transfer=replace(transfer, home=True)))
        step.unheld.put(call.callid, None)


def come_back(step: Step, call: Call) -> None:
    """The transfer is over without a transfer; whom it was for has gone or is about to."""
    transfer = call.key_transfer
    step.unheld.drop(call.callid)
    if transfer is None:
        return
    going = [key for seat in targets(call, transfer) for key in seat.legs if key not in call.leaving]
    call = leaving.move_on(step, replace(call, leaving=(*call.leaving, *going)))
    call = replace(_restored(call, transfer), key_transfer=None).with_path(*transfer.path)
    tell_talking(step, reviewed(call))


def targets(call: Call, transfer: KeyTransfer) -> tuple[Seat, ...]:
    """Whom a transfer is for: who is neither the one who transfers nor waits for its end."""
    known = transfer.waiting | {transfer.leg}
    return tuple(seat for seat in call.seats if not known & set(seat.legs))


def _restored(call: Call, transfer: KeyTransfer) -> Call:
    """Who transferred stands on the side where he was before."""
    seat = call.seat_of(transfer.leg)
    return call if seat is None else call.with_changed(seat, set_role(set_talking(seat), transfer.role))


# Done -----------------------------------------------------------------------------------------------


def blind(step: Step, call: Call, leg: Leg, *, by_key: bool) -> None:
    """The call was transferred at once: who did it is out, the others call on."""
    if call.seat_of(leg.uniqueid) is None:
        return
    if by_key and call.key_transfer is None:
        _tell(step, call)
    step.unheld.drop(call.callid)
    step.save(waits(_out(step, replace(call, key_transfer=None), leg)))


def threeway(step: Step, call: Call) -> None:
    """All of a transfer talk together now."""
    step.unheld.drop(call.callid)
    if call.key_transfer is not None:
        restored = replace(_restored(call, call.key_transfer), key_transfer=None)
        tell_talking(step, reviewed(restored))


def complete(step: Step, call: Call, *, surely: bool = False) -> None:
    """Who transferred has left his transfer: the others are connected, or hear its ringing.

    Without a party that was called he may have talked with a machine, or with nobody any more; `surely` says
    that the others have his place now.
    """
    transfer = call.key_transfer
    if transfer is None or not transfer.called:
        return
    called = targets(call, transfer)
    step.unheld.drop(call.callid)
    call = step.save(replace(call, key_transfer=None))
    if not any(transfer.waiting & set(seat.legs) for seat in call.seats) or not (called or surely):
        return  # a talk of two like any other
    call = _out(step, call.with_path(call.path_kind, call.callpath), call.legs[transfer.leg])
    for key in (key for seat in called for key in seat.legs):
        call = call.with_leg(replace(call.legs[key], attempt=call.attempt + 1))  # that of `waits`
    if not called or any(seat.talking for seat in called):
        tell_talking(step, reviewed(has_caller(call)))
    else:
        tell_all(step, waits(call))


def by_phone(step: Step, call: Call, leg: Leg, other: Call, second: Leg) -> None:
    """A phone puts its two calls together (REFER with Replaces): its legs leave both, which are joined then.

    Its partner in the first call is the caller of what remains.
    """
    step.save(has_caller(_out(step, call, leg)))
    step.save(replace(_out(step, other, second), caller=None))


def waits(call: Call) -> Call:
    """Those who are left call on and hear ringing, as in a call that begins anew."""
    return hear_ringing(next_attempt(call))


def hear_ringing(call: Call) -> Call:
    """Nobody has answered those who are left."""
    for seat in call.seats:
        if seat.talking:
            call = call.with_changed(seat, set_waiting(seat))
    return has_caller(replace(call, answered=False, connected=False))


def has_caller(call: Call) -> Call:
    """The call with a caller: where the one who called has left, it is who was there first."""
    callers = [seat for seat in call.seats if seat.role is Role.CALLER]
    if callers:
        return replace(call, caller=callers[0].member)
    return make_caller(call, call.seats[0]) if call.seats else call


def _tell(step: Step, call: Call) -> None:
    members = tuple(replace(member, status=None, callpath="") for member in call.members)
    step.tell(Transfer(call.callid, members))


def _out(step: Step, call: Call, leg: Leg) -> Call:
    """Who has transferred is out of the call, whenever the end of his channel is told."""
    if leg.uniqueid not in call.leaving:
        call = replace(call, leaving=(*call.leaving, leg.uniqueid))
    return leaving.move_on(step, step.save(call))
