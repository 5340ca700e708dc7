"""One step from a picture to the next: collects changes and facts, then freezes them.

Facts of calls come first, then the states of the
extensions that the step touched, then what closes a call (CallFailed, CallEnded), as spec 15 `sequences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from offhook.callstate.call import Call, Leg, Seat
from offhook.callstate.facts import CallEnded, CallFailed, ExtensionStatus, Fact
from offhook.callstate.layers import Layers
from offhook.callstate.model import ExtensionState
from offhook.callstate.party import PartyType
from offhook.callstate.picture import Picture
from offhook.callstate.presence import Phones, state_of, worth_telling
from offhook.callstate.room import Room

V = TypeVar("V")

_REMEMBERED = 2048  # ended ids kept, so that a late or doubled event revives nothing


class Table(Generic[V]):
    """A part of the picture in the making; a successor is made when it is first written to."""

    def __init__(self, content: Mapping[str, V]) -> None:
        self.now = content if isinstance(content, Layers) else Layers(content)
        self._base = self.now

    def get(self, key: str) -> V | None:
        """The value of a key, None without one."""
        return self.now.get(key)

    def put(self, key: str, value: V) -> None:
        """Set a key."""
        self._own().put(key, value)

    def drop(self, key: str) -> None:
        """Take a key away; an unknown one is no error."""
        if key in self.now:
            self._own().drop(key)

    def _own(self) -> Layers[V]:
        if self.now is self._base:
            self.now = self._base.successor()
        return self.now


class Step:
    """The change in the making. `finish` gives the new picture and the facts in their order."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.calls: Table[Call] = Table(picture.calls)
        self.channels: Table[str] = Table(picture.channels)
        self.names: Table[str] = Table(picture.names)
        self.lines: Table[tuple[str, ...]] = Table(picture.lines)
        self.phones: Table[Phones] = Table(picture.phones)
        self.owed: Table[str] = Table(picture.owed)
        self.rooms: Table[Room] = Table(picture.rooms)
        self.unheld: Table[None] = Table(picture.unheld)
        self.joined: Table[str] = Table(picture.joined)
        self.ended: Table[None] = Table(picture.ended)
        self.facts: list[Fact] = []
        self.closing: list[Fact] = []
        self._touched: dict[str, None] = {}

    def finish(self, *, synced: bool | None = None) -> tuple[Picture, tuple[Fact, ...]]:
        """Freeze the step."""
        for extension in self._touched:
            self.tell_extension(extension)
        picture = Picture(
            calls=self.calls.now,
            channels=self.channels.now,
            names=self.names.now,
            lines=self.lines.now,
            phones=self.phones.now,
            owed=self.owed.now,
            rooms=self.rooms.now,
            unheld=self.unheld.now,
            joined=self.joined.now,
            ended=self.ended.now,
            synced=self.picture.synced if synced is None else synced,
        )
        return picture, (*self.facts, *self.closing)

    def save(self, call: Call) -> Call:
        """Put a changed call into the picture."""
        self.calls.put(call.callid, call)
        return call

    def tell(self, fact: Fact) -> None:
        """Add a fact of a call."""
        self.facts.append(fact)

    def hush(self, callids: set[str]) -> None:
        """Take back what was told of these calls: they were found, not begun."""
        self.facts = [
            fact for fact in self.facts if isinstance(fact, ExtensionStatus) or fact.callid not in callids
        ]

    # Channels ---------------------------------------------------------------------------------------

    def attach(self, call: Call, leg: Leg) -> Call:
        """Add a new leg to a call and to the indexes."""
        self.channels.put(leg.uniqueid, call.callid)
        self.names.put(leg.channelid, leg.uniqueid)
        if leg.party is not None and leg.party.type is PartyType.EXTENSION:
            known = self.lines.get(leg.party.name) or ()
            self.lines.put(leg.party.name, (*known, leg.uniqueid))
            self.touch(leg.party.name)
        return self.save(call.with_leg(leg))

    def detach(self, call: Call, leg: Leg) -> Call:
        """Take a leg that has ended out of its call and the indexes."""
        self.channels.drop(leg.uniqueid)
        self._forget_name(leg)
        self.remember(leg.uniqueid)
        if leg.party is not None and leg.party.type is PartyType.EXTENSION:
            rest = tuple(key for key in self.lines.get(leg.party.name) or () if key != leg.uniqueid)
            if rest:
                self.lines.put(leg.party.name, rest)
            else:
                self.lines.drop(leg.party.name)
            self.touch(leg.party.name)
        return self.save(call.without_leg(leg.uniqueid))

    def rename(self, call: Call, leg: Leg, channelid: str) -> Call:
        """A leg goes by another channel name."""
        self._forget_name(leg)
        self.names.put(channelid, leg.uniqueid)
        return call.with_leg(replace(leg, channelid=channelid))

    def _forget_name(self, leg: Leg) -> None:
        if self.names.get(leg.channelid) == leg.uniqueid:
            self.names.drop(leg.channelid)

    def remember(self, ended: str) -> None:
        """Keep an ended id for a while; the oldest half goes when there are too many."""
        if len(self.ended.now) >= _REMEMBERED:
            newest = list(self.ended.now)[_REMEMBERED // 2 :]
            self.ended = Table(dict.fromkeys(newest))
        self.ended.put(ended, None)

    # Extensions -------------------------------------------------------------------------------------

    def touch(self, extension: str) -> None:
        """Look at an extension's state at the end of the step."""
        self._touched[extension] = None

    def owe(self, seat: Seat, callid: str) -> None:
        """An extension has left a call: tell its state when the call ends or goes on without it."""
        if seat.party.type is PartyType.EXTENSION:
            self.owed.put(seat.party.name, callid)

    def release(self, callid: str) -> None:
        """Tell the states that were held back for this call."""
        if not self.owed.now:
            return
        for extension in [name for name, waiting in self.owed.now.items() if waiting == callid]:
            self.owed.drop(extension)
            self.tell_extension(extension)

    def tell_extension(self, extension: str) -> None:
        """Tell an extension's state if it is news and not held back."""
        phones = self.phones.get(extension) or Phones()
        state = self.state(extension)
        if extension in self.owed.now:
            if state not in (ExtensionState.BUSY, ExtensionState.RINGING):
                return
            if state is not phones.told:
                self.owed.drop(extension)
        if worth_telling(phones, state):
            address = "" if state is ExtensionState.UNREGISTERED else phones.address
            self.tell(ExtensionStatus(extension, state, address))
        self.learn(extension)

    def learn(self, extension: str) -> None:
        """Take an extension's present state as told."""
        phones = self.phones.get(extension) or Phones()
        known = replace(phones, told=self.state(extension), told_address=phones.address)
        if known != phones:
            self.phones.put(extension, known)

    def learn_all(self) -> None:
        """Take the state of every extension that the step touched as told."""
        for extension in self._touched:
            self.learn(extension)
        self._touched.clear()

    def state(self, extension: str) -> ExtensionState:
        """The present state of an extension."""
        legs = []
        for uniqueid in self.lines.get(extension) or ():
            call = self.calls.now[self.channels.now[uniqueid]]
            legs.append(call.legs[uniqueid].state)
        return state_of(legs, self.phones.get(extension) or Phones())

    # The end ----------------------------------------------------------------------------------------

    def end(self, call: Call, failed: CallFailed | None) -> None:
        """The call is over: its last facts, and it vanishes."""
        self.calls.drop(call.callid)
        self.unheld.drop(call.callid)
        self.remember(call.callid)
        for absorbed in [key for key, survivor in self.joined.now.items() if survivor == call.callid]:
            self.joined.drop(absorbed)
        self.release(call.callid)
        if failed is not None:
            self.closing.append(failed)
        self.closing.append(CallEnded(call.callid))
