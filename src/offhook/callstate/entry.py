"""Where an event belongs: finding its channel and call, letting new channels in, joining calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from offhook.callstate import changes, control
from offhook.callstate.call import Call, Leg, LegState
from offhook.callstate.merge import merge, older, resolve
from offhook.callstate.model import Member, PartyKind
from offhook.callstate.party import (
    PartyType,
    invitation_of,
    is_own_call,
    is_quiet,
    number_rung_by,
    party_of_channel,
    party_of_endpoint,
)
from offhook.callstate.presence import Phones
from offhook.callstate.step import Step, Table

AmiEvent: TypeAlias = Mapping[str, str]

_STATES = {state.value: state for state in LegState}
_UNKNOWN = "<unknown>"
_TECHNOLOGIES = ("PJSIP/", "Local/")  # announcers, recorders and the like have no call


def find(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """The call and leg an event speaks of; follows a changed linkedid by joining the calls."""
    uniqueid = event.get(prefix + "Uniqueid", "")
    callid = step.channels.get(uniqueid)
    if callid is None:
        return None
    linkedid = event.get(prefix + "Linkedid", "")
    if linkedid and linkedid != callid:
        callid = follow_linkedid(step, callid, linkedid)
    call = step.calls.now[callid]
    return call, call.legs[uniqueid]


def find_or_enter(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """As `find`; a channel whose Newchannel was lost enters now."""
    return find(step, event, prefix) or enter(step, event, prefix)


def enter(step: Step, event: AmiEvent, prefix: str = "") -> tuple[Call, Leg] | None:
    """A channel that is not known yet joins its call; None if it or its call has ended already."""
    uniqueid = event.get(prefix + "Uniqueid", "")
    callid = resolve(step.joined.now, event.get(prefix + "Linkedid", ""))
    channelid = event.get(prefix + "Channel", "")
    if not _may_enter(step, uniqueid, callid, channelid):
        return None
    state = state_in(event, prefix) or LegState.DOWN
    dialled = state is not LegState.RING
    call = step.calls.get(callid) or Call(callid=callid)
    if uniqueid == callid:
        call = _opened_by(call, channelid, dialled)
    leg = Leg(
        uniqueid=uniqueid,
        channelid=channelid,
        party=party_of_channel(channelid),
        state=LegState.DOWN if dialled else state,
        dialled=dialled,
        attempt=call.attempt,
        added=event.get(prefix + "Linkedid", "") != callid,
    )
    call = changes.join(step, call, leg, _member(event, prefix, leg))
    apply_state(step, call, leg, state)
    call = step.calls.now[callid]
    return call, call.legs[uniqueid]


def _may_enter(step: Step, uniqueid: str, callid: str, channelid: str) -> bool:
    if not uniqueid or not callid or uniqueid in step.ended.now:
        return False
    # the first channel's id is the call's too, so a running call may well stand among the ended ids
    if callid in step.ended.now and callid not in step.calls.now:
        return False
    return channelid.startswith(_TECHNOLOGIES)


def _opened_by(call: Call, channelid: str, dialled: bool) -> Call:
    """The call's first channel: one that the PBX dials belongs to a call that it sets up for the caller."""
    called, quiet = call.called or is_own_call(channelid), call.quiet or is_quiet(channelid)
    expected = call.expected or number_rung_by(channelid)
    calling_back = not called and (call.calling_back or (dialled and not call.legs))
    call = replace(call, expected=expected, calling_back=calling_back, called=called, quiet=quiet)
    room, number = invitation_of(channelid)
    if not room:
        return call
    return replace(call.with_path("conference", room), invited_to=room, expected_callee=number)


def _member(event: AmiEvent, prefix: str, leg: Leg) -> Member:
    """The member for a new channel; numbers of an outbound one come at DialBegin or in a snapshot."""
    if leg.party is None or leg.party.type is PartyType.EXTENSION:
        number = leg.party.name if leg.party else ""
        return Member(kind=PartyKind.EXT, number=number, channelid=leg.channelid)
    if leg.dialled:
        _, calling, called = (*event.get("CalledOut", "").split("|"), "", "")[:3]
        return Member(
            kind=PartyKind.OUTBOUND,
            from_number=calling,
            to_number=called,
            trunk=leg.party.name,
            channelid=leg.channelid,
        )
    return Member(
        kind=PartyKind.INBOUND,
        from_number=known(event.get(prefix + "CallerIDNum", "")),
        to_number=known(event.get(prefix + "Exten", "")),
        trunk=leg.party.name,
        channelid=leg.channelid,
    )


def follow_linkedid(step: Step, callid: str, linkedid: str) -> str:
    """A channel of one call carries the linkedid of another: the two are one now. Gives its callid.

    The older id survives, the other ends here while its members go on. A linkedid of no running call
    becomes a second name of this one.
    """
    other = resolve(step.joined.now, linkedid)
    if not other or other == callid:
        return callid
    if step.calls.get(other) is None:
        step.joined.put(other, callid)
        return callid
    survivor = older(callid, other)
    absorbed = other if survivor == callid else callid
    step.joined = Table(merge(step.joined.now, callid, other))
    changes.absorb(step, step.calls.now[survivor], step.calls.now[absorbed])
    return survivor


def put_through(step: Step, taker: tuple[Call, Leg], callid: str) -> Call:
    """Somebody has taken a call that rang or waited elsewhere: his own call and that one are one now.

    Whether the engine has told yet that he was answered does not matter. Gives the call that survives.
    """
    call, leg = taker
    call = call.with_leg(replace(leg, state=LegState.UP))
    step.save(replace(call, joining=True))
    return step.calls.now[follow_linkedid(step, call.callid, callid)]


def apply_state(step: Step, call: Call, leg: Leg, state: LegState | None) -> None:
    """Bring a leg forward to a state; a step back (a late event) is ignored."""
    if state is LegState.RINGING and leg.state is LegState.DOWN:
        control.tell_waiting(step, changes.ring(step, call, leg))
    elif state is LegState.UP and leg.state is not LegState.UP:
        control.tell_waiting(step, control.answered(step, changes.answer(step, call, leg), leg))


def take_contact(step: Step, endpoint: str, uri: str, status: str, *, listed: bool = False) -> None:
    """One registration came, changed or went, or is `listed`; those of other endpoints are ignored."""
    party = party_of_endpoint(endpoint)
    if party is None or party.type is not PartyType.EXTENSION or not uri:
        return
    known = step.phones.get(party.name) or Phones()
    take = known.with_listed if listed else known.with_contact
    step.phones.put(party.name, take(uri, status))
    step.touch(party.name)


def known(value: str) -> str:
    """A number as told by the engine, empty where it says that it knows none."""
    return "" if value == _UNKNOWN else value


def state_in(event: AmiEvent, prefix: str = "") -> LegState | None:
    """The channel's state in an event; None for states that no rule needs."""
    return _STATES.get(event.get(prefix + "ChannelStateDesc", ""))
