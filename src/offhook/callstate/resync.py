"""Taking in the engine's own snapshot: after a (re)connection the picture is made right again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from offhook.callstate import changes, control, found, found_transfers, leaving, rooms
from offhook.callstate.call import Call, LegState, Role
from offhook.callstate.entry import (
    AmiEvent,
    apply_state,
    enter,
    follow_linkedid,
    state_in,
    take_contact,
)
from offhook.callstate.facts import Fact
from offhook.callstate.merge import age, resolve
from offhook.callstate.phase import UNDECIDED, Phase
from offhook.callstate.picture import Picture
from offhook.callstate.reasons import Reason
from offhook.callstate.step import Step

_WAITING = {
    ("offhook-invite", "WaitForCondition"): Phase.INVITED,
    ("offhook-incoming", "Wait"): Phase.DECIDING,
}
"""Context and application of a call from outside about which an application decides."""

_INVITED = "offhook-joined"
"""Where a phone goes on that has answered an invitation to a room: only this tells that it was called."""


def resync(
    picture: Picture,
    channels: Iterable[AmiEvent],
    contacts: Iterable[AmiEvent] | None,
    inside: Iterable[AmiEvent] = (),
    parked: Iterable[AmiEvent] = (),
) -> tuple[Picture, tuple[Fact, ...]]:
    """Bring the picture in line with a snapshot.

    `channels` are the CoreShowChannel events of CoreShowChannels, with further headers where they are known
    (`OnHold`, `Holds`, `ConsultedBy`, `Path`, `Ended`: `asterisk/details.py`), `contacts` the ContactList
    events of PJSIPShowContacts, `inside` the ConfbridgeList events of all conferences, `parked` the
    ParkedCall events of ParkedCalls, all taken over the connection that the following events come from.
    Calls that are gone get a BYE per party and CallEnded (without a CallFailed, as nobody knows how they
    went; an originated call that never had a channel has failed). Known calls that went on without us tell
    what has changed. Unknown calls are added silently. Of the first snapshot nothing is told. But where a
    call waits for an application and nobody knows whether it heard of that, Invite or Incoming is told,
    perhaps once more. `contacts` None means unknown: the registrations stay as they are (the engine has
    died, but its contacts live on).
    """
    step = Step(picture)
    living = found_transfers.without_gone({event.get("Uniqueid", ""): event for event in channels})
    _end_gone(step, living)
    _see_decided(step, living)
    _update_known(step, living)
    found.on_their_way(step, living)
    fresh = _add_unknown(step, living)
    for callid in fresh:
        _complete(step, callid, living)
        found.held(step, callid, living)
    found.parked(step, parked)
    rooms.take_in(step, inside)
    step.hush(set(fresh))
    _see_waiting(step, living)
    found.ears(step, living)
    if contacts is not None:
        _take_contacts(step, contacts, silent=not picture.synced)
    return step.finish(synced=picture.synced or contacts is not None)


def _end_gone(step: Step, living: Mapping[str, AmiEvent]) -> None:
    for call in list(step.calls.now.values()):
        rest = call
        for leg in call.legs.values():
            if leg.uniqueid not in living:
                rooms.forget(step, leg.uniqueid)
                rest = leaving.leave(step, rest, leg)
        if not call.legs:
            leaving.close(step, replace(call, failure=call.failure or Reason.PHONE_OFF))
        elif leaving.is_over(rest):
            leaving.close(step, rest, tell_failure=False)
        elif rest is not call:
            step.release(call.callid)


def _waits(living: Mapping[str, AmiEvent], call: Call) -> Phase | None:
    """Whether an application decides about a call, and on what."""
    channels = (living[uniqueid] for uniqueid in call.legs)
    found = (_WAITING.get((one.get("Context", ""), one.get("Application", ""))) for one in channels)
    return next((phase for phase in found if phase is not None), None)


def _see_decided(step: Step, living: Mapping[str, AmiEvent]) -> None:
    """Calls that we left undecided and that have gone on."""
    for call in list(step.calls.now.values()):
        if call.phase in UNDECIDED and _waits(living, call) is None:
            control.decide(step, call, "resync", "")


def _see_waiting(step: Step, living: Mapping[str, AmiEvent]) -> None:
    """Calls that wait for an application's word."""
    for call in list(step.calls.now.values()):
        phase = _waits(living, call)
        if phase is not None:
            control.ask(step, call, phase)


def _update_known(step: Step, living: Mapping[str, AmiEvent]) -> None:
    for uniqueid in [uniqueid for uniqueid in living if uniqueid in step.channels.now]:
        follow_linkedid(step, step.channels.now[uniqueid], living[uniqueid].get("Linkedid", ""))
    for uniqueid in sorted(living, key=age, reverse=True):  # who is called before who calls
        callid = step.channels.get(uniqueid)
        if callid is not None:
            call = step.calls.now[callid]
            apply_state(step, call, call.legs[uniqueid], state_in(living[uniqueid]))


def _add_unknown(step: Step, living: Mapping[str, AmiEvent]) -> list[str]:
    """Let the channels in that the picture lacks; gives the ids of calls that are new altogether."""
    fresh: dict[str, None] = {}
    for uniqueid, event in sorted(living.items(), key=_first_leg_first):
        if step.channels.get(uniqueid) is not None:
            continue
        linkedid = resolve(step.joined.now, event.get("Linkedid", ""))
        if step.calls.get(linkedid) is None:
            fresh[linkedid] = None
        enter(step, _as_newchannel(event))
    return [callid for callid in fresh if step.calls.get(callid)]


def _first_leg_first(item: tuple[str, AmiEvent]) -> tuple[bool, tuple[int, int, str]]:
    uniqueid, event = item
    return uniqueid != event.get("Linkedid"), age(uniqueid)


def _as_newchannel(event: AmiEvent) -> AmiEvent:
    """A calling leg enters as one that calls, whatever its state is by now.

    One that the PBX has called and that goes on by itself says so in its account code, and so does the leg of
    a carrier; a leg that it calls in its turn has the same code.
    """
    code = event.get("AccountCode", "").partition("~")[0]
    if code.startswith("out|"):
        return {**event, "CalledOut": code}
    if (
        event.get("Application") in found.DIALLED
        or event.get("Context") == _INVITED
        or event.get("ChannelStateDesc") != LegState.UP
    ):
        return event
    if code.startswith("called|"):
        return {**event, "CalledOut": code}
    return {**event, "ChannelStateDesc": LegState.RING.value}


def _complete(step: Step, callid: str, living: Mapping[str, AmiEvent]) -> None:
    """What a snapshot does not say outright of a call that was found running."""
    call = step.calls.now[callid]
    for uniqueid, leg in call.legs.items():
        bridge = living[uniqueid].get("BridgeId", "")
        call = call.with_leg(replace(leg, state=state_in(living[uniqueid]) or leg.state, bridge=bridge))
    callers = [seat for seat in call.seats if seat.role is Role.CALLER]
    if not callers and len(call.seats) > 1:  # a call whose first channel, a Local one, is optimised away
        call = changes.make_caller(call, call.seats[0])
    call = step.save(call.with_path(*found_transfers.path(call, living)))
    if callers:
        leg = call.legs[callers[0].legs[0]]
        application = living[leg.uniqueid].get("Application")
        if leg.state is LegState.UP and application not in (*found.DIALLED, "Dial", ""):
            changes.caller_answered(step, call)


def _take_contacts(step: Step, contacts: Iterable[AmiEvent], *, silent: bool) -> None:
    for extension, phones in list(step.phones.now.items()):
        step.phones.put(extension, replace(phones, contacts=(), silent=()))
        step.touch(extension)
    for event in contacts:
        take_contact(
            step, event.get("Endpoint", ""), event.get("Uri", ""), event.get("Status", ""), listed=True
        )
    if silent:
        step.learn_all()
