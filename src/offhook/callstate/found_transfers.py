"""What a snapshot tells of calls in which somebody transfers by keys, or holds by his phone. Pure.

A consultation by keys goes through a Local channel of the engine's own, for as long as it is one. Its halves
name the channel of who asks (`ConsultedBy`), and the first half is in the bridge where he talks with the
third party, whether he is there or has changed over. Who types a number, or holds, is the one of his bridge
whom nobody holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from offhook.callstate import changes, holding, transfers
from offhook.callstate.call import Call, KeyTransfer, Leg, LegState, Role, Seat, set_role, set_waiting
from offhook.callstate.entry import AmiEvent
from offhook.callstate.merge import age
from offhook.callstate.party import other_half
from offhook.callstate.step import Step


def without_gone(living: Mapping[str, AmiEvent]) -> dict[str, AmiEvent]:
    """The channels without those who left their consultation while the third party rang.

    The engine keeps them in its list until it has answered or not, though they have hung up.
    """
    asking = {event.get("ConsultedBy") for event in living.values()}

    def gone(event: AmiEvent) -> bool:
        return bool(event.get("Ended")) and not event.get("BridgeId") and event.get("Channel") in asking

    return {uniqueid: event for uniqueid, event in living.items() if not gone(event)}


def path(call: Call, living: Mapping[str, AmiEvent], before: str = "") -> tuple[str, str]:
    """What the youngest channel of a call runs through, of those older than `before` if that is given."""
    known = [key for key in call.legs if living[key].get("Path") and not (before and age(key) >= age(before))]
    kind, _, number = living[max(known, key=age)].get("Path", "").partition("|") if known else ("", "", "")
    return kind, number


def keys(step: Step, call: Call, living: Mapping[str, AmiEvent]) -> None:
    """Somebody types a number behind a transfer key, consults a third party, or holds by his phone."""
    halves = [key for key, leg in call.legs.items() if living[key].get("ConsultedBy") and _is_first(leg)]
    if not halves:
        _on_hold(step, call, living)
        return
    # the one of a consultation that became a talk of three may still be there
    local = call.legs[max(halves, key=age)]
    by = call.leg_of(living[local.uniqueid]["ConsultedBy"])
    seat = call.seat_of(by.uniqueid) if by is not None else None
    others = [
        one
        for one in call.seats
        if one is not seat
        and age(one.legs[0]) < age(local.uniqueid)
        and any(call.legs[key].bridge not in ("", local.bridge) for key in one.legs)
    ]
    if by is None or seat is None:
        _left(step, call, local, living)
    elif others:
        _consulting(step, call, seat, local, others, living)
    else:
        _on_hold(step, call, living)


def _is_first(leg: Leg) -> bool:
    return leg.channelid.endswith(";1")


def _consulting(
    step: Step, call: Call, seat: Seat, local: Leg, waiting: list[Seat], living: Mapping[str, AmiEvent]
) -> None:
    """The party of `seat` asks behind the Local channel `local`."""
    by = call.legs[seat.legs[0]]
    now, before = path(call, living), path(call, living, local.uniqueid)
    transfer = KeyTransfer(
        leg=by.uniqueid,
        role=seat.role,
        waiting=frozenset(key for one in waiting for key in one.legs),
        path=before,
        called=bool(local.bridge),
        there=local.bridge,
        away=not any(by.bridge == call.legs[key].bridge for one in waiting for key in one.legs),
    )
    third = transfers.targets(call, transfer)
    if not transfer.away or _answered(call, local, third, living):
        call = call.with_changed(seat, set_role(seat, Role.CALLER))
    elif any(one.status is not None for one in third):
        call = call.with_changed(seat, set_waiting(seat))
    call = replace(call.with_path(*before), key_transfer=transfer)
    holding.review(step, call.with_path(*now))


def _left(step: Step, call: Call, local: Leg, living: Mapping[str, AmiEvent]) -> None:
    """Who consulted has left it to those who waited: they are connected, or hear ringing."""
    third = tuple(one for one in call.seats if age(one.legs[0]) > age(local.uniqueid))
    if not _answered(call, local, third, living):
        step.save(transfers.hear_ringing(call))
    elif not third:
        changes.caller_answered(step, step.save(transfers.has_caller(call)))


def _answered(call: Call, local: Leg, third: tuple[Seat, ...], living: Mapping[str, AmiEvent]) -> bool:
    """Whether somebody or something has answered who asks: a machine may have, and call on for him."""
    if any(seat.talking for seat in third):
        return True
    second = call.leg_of(other_half(local.channelid))
    calls = second is not None and living[second.uniqueid].get("Application") == "Dial"
    return local.state is LegState.UP and not calls


def _on_hold(step: Step, call: Call, living: Mapping[str, AmiEvent]) -> None:
    """One of a talk types a number behind a transfer key, or his phone holds the others."""
    held = [seat for seat in call.seats if any(living[key].get("OnHold") for key in seat.legs)]
    bridges = {call.legs[key].bridge for seat in held for key in seat.legs} - {""}
    free = [
        seat
        for seat in call.seats
        if seat not in held and any(call.legs[key].bridge in bridges for key in seat.legs)
    ]
    if len(bridges) != 1 or len(free) != 1:
        return
    waiting = frozenset(key for seat in held for key in seat.legs)
    by = call.legs[free[0].legs[0]]
    if living[by.uniqueid].get("Holds"):
        holding.review(step, call.with_leg(replace(by, holds=waiting)))
        return
    transfer = KeyTransfer(
        leg=by.uniqueid, role=free[0].role, waiting=waiting, path=(call.path_kind, call.callpath)
    )
    holding.review(step, replace(call, key_transfer=transfer))
