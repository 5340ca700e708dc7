"""The picture: every call, channel and registration at one moment. Immutable; `fold` makes the next one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from offhook.callstate.call import Call
from offhook.callstate.layers import Layers
from offhook.callstate.merge import resolve
from offhook.callstate.model import ExtensionState, ExtensionWord, Member, MemberStatus
from offhook.callstate.presence import Phones, state_of
from offhook.callstate.room import Room

__all__ = ["Call", "Picture", "expect"]

_WORDS = {
    ExtensionState.UNREGISTERED: ExtensionWord.UNAVAILABLE,
    ExtensionState.REGISTERED: ExtensionWord.REGISTERED,
    ExtensionState.RINGING: ExtensionWord.RINGING,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is known about running calls; read it freely, it never changes."""

    # Running calls by callid.
    calls: Layers[Call] = field(default_factory=Layers)
    # The callid of each channel, by uniqueid.
    channels: Layers[str] = field(default_factory=Layers)
    # The uniqueid of each channel, by its name.
    names: Layers[str] = field(default_factory=Layers)
    # The uniqueids of each extension's channels.
    lines: Layers[tuple[str, ...]] = field(default_factory=Layers)
    # The registrations of each extension.
    phones: Layers[Phones] = field(default_factory=Layers)
    # Extensions that left a call (its callid): their state is told when that call ends or goes on.
    owed: Layers[str] = field(default_factory=Layers)
    # Conferences in use, by number.
    rooms: Layers[Room] = field(default_factory=Layers)
    # Calls whose parties have come back from a hold by a transfer key: told unless the transfer goes on.
    unheld: Layers[None] = field(default_factory=Layers)
    # Callids that ended by a join, with the one that survives.
    joined: Layers[str] = field(default_factory=Layers)
    # Ids of channels and calls that ended lately: late events of theirs revive nothing.
    ended: Layers[None] = field(default_factory=Layers)
    # Whether a snapshot of the engine has been taken in.
    synced: bool = False

    def call(self, callid: str) -> Call | None:
        """The running call with this id; None when there is none (any more)."""
        return self.calls.get(resolve(self.joined, callid))

    def by_channel(self, channelid: str) -> Call | None:
        """The running call that has a member with this channelid."""
        uniqueid = self.names.get(channelid)
        call = self.calls.get(self.channels[uniqueid]) if uniqueid is not None else None
        if call is None or all(seat.member.channelid != channelid for seat in call.seats):
            return None
        return call

    def calls_of(self, extension: str) -> tuple[Call, ...]:
        """The running calls in which an extension is a member, the oldest first."""
        callids = dict.fromkeys(self.channels[uniqueid] for uniqueid in self.lines.get(extension, ()))
        calls = (self.calls[callid] for callid in callids)
        return tuple(call for call in calls if any(member.number == extension for member in call.members))

    def status_word(self, extension: str) -> ExtensionWord:
        """The status of an extension for extension/list and extension/query (spec 02-extension).

        Hold when its calls are all on hold. Malfunction and Idle belong to analogue lines and never come.
        """
        state = self.state_of(extension)
        if state is ExtensionState.BUSY:
            mine = [m for call in self.calls_of(extension) for m in call.members if m.number == extension]
            held = bool(mine) and all(member.status is MemberStatus.HOLD for member in mine)
            return ExtensionWord.HOLD if held else ExtensionWord.BUSY
        return _WORDS[state]

    def state_of(self, extension: str) -> ExtensionState:
        """The state of an extension as ExtensionStatus tells it."""
        uniqueids = self.lines.get(extension, ())
        legs = [self.calls[self.channels[uniqueid]].legs[uniqueid].state for uniqueid in uniqueids]
        return state_of(legs, self.phones.get(extension, Phones()))

    def address_of(self, extension: str) -> str:
        """The address from which an extension is registered; empty when it is not."""
        return self.phones.get(extension, Phones()).address


def expect(
    picture: Picture,
    callid: str,
    caller: str,
    callee: str,
    *,
    first: Member | None = None,
    called: bool = False,
    quiet: bool = False,
    invited_to: str = "",
) -> Picture:
    """Announce a call that is about to be originated, before the action is sent.

    `caller` is who is rung first, `callee` the number it is then connected with. `called`: nobody calls but
    the PBX itself (an IVR, a prompt); who is rung first is the callee. `first` is who is rung first as
    CallFailed shows it before it has a channel, needed where it is no extension that calls. `quiet`: an ear
    in another call, which is told to nobody. `invited_to`: the conference into which `callee` is called.

    From here on the call ends with exactly one CallEnded: by its channels, by a failed OriginateResponse, by
    `abandon`, or by the next `resync`. A callid that is known already is left as it is.
    """
    if callid in picture.calls or callid in picture.ended:
        return picture
    call = Call(
        callid=callid,
        expected="" if called else caller,
        expected_callee=callee,
        first=first,
        calling_back=not called,
        called=called,
        quiet=quiet,
        invited_to=invited_to,
    )
    calls = picture.calls.successor()
    calls.put(callid, call)
    return replace(picture, calls=calls)
