"""The live picture of every call, kept up to date from the engine's events; what changes is told on.

The folding is pure (`offhook.callstate`); here are only the one variable that holds the picture and the
order in which facts leave: a call's record may be released only after its last CallStatus.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from offhook import logs
from offhook.callstate import abandon, expect, fold, resync, settle
from offhook.callstate.facts import CallEnded, Deserted, Fact, PartnerChanged, PhaseChanged, RoomChanged
from offhook.callstate.model import ExtensionWord, Member
from offhook.callstate.picture import Picture
from offhook.events.api import ConferenceStatus, Event

log = logging.getLogger(__name__)


class Snapshot(Protocol):
    """What the engine says of itself at one moment."""

    @property
    def channels(self) -> Iterable[Mapping[str, str]]:
        """CoreShowChannel events."""

    @property
    def contacts(self) -> Iterable[Mapping[str, str]]:
        """ContactList events."""

    @property
    def rooms(self) -> Iterable[Mapping[str, str]]:
        """ConfbridgeList events."""

    @property
    def parked(self) -> Iterable[Mapping[str, str]]:
        """ParkedCall events."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    """Somebody waits for the picture to look so; with a callid, what does not touch that call is no news."""

    condition: Callable[[Picture], bool]
    callid: str
    done: asyncio.Future[None]


class LiveCalls:
    """Holds the picture. `publish` gets every event for the world and the call in whose order it belongs;
    `call_ended` the id of each call that ended; `room_name` tells what a conference is called; `deserted`
    gets the channels that ring for a call in which nobody is left, `partner_changed` an ear whose party talks
    with somebody else.

    Runs in the event loop's thread only; nothing here waits but `until`.
    """

    def __init__(
        self,
        publish: Callable[[Event, str], None],
        call_ended: Callable[[str], None],
        room_name: Callable[[str], str] = str,
        deserted: Callable[[Sequence[str]], None] = lambda _channels: None,
        partner_changed: Callable[[str], None] = lambda _ear: None,
    ) -> None:
        self.picture = Picture()
        self._publish = publish
        self._call_ended = call_ended
        self._room_name = room_name
        self._deserted = deserted
        self._partner_changed = partner_changed
        self._waits: dict[_Wait, None] = {}

    def calls_of(self, number: str) -> Sequence[tuple[str, tuple[Member, ...]]]:
        """The running calls of an extension: callid and members of each."""
        return [(call.callid, call.members) for call in self.picture.calls_of(number)]

    def state_of(self, number: str) -> ExtensionWord:
        """The state of an extension as extension/list tells it."""
        return self.picture.status_word(number)

    @contextlib.contextmanager
    def watching(
        self, condition: Callable[[Picture], bool], *, callid: str = ""
    ) -> Iterator[asyncio.Future[None]]:
        """Look at every picture from now to the end of the block; the future is done once `condition` held.

        With `callid` only when something is told of that call, which bounds the cost where many wait at once.
        """
        wait = _Wait(condition, callid, asyncio.get_running_loop().create_future())
        if condition(self.picture):
            wait.done.set_result(None)
        self._waits[wait] = None
        try:
            yield wait.done
        finally:
            del self._waits[wait]

    async def until(self, condition: Callable[[Picture], bool], seconds: float) -> bool:
        """Wait until the picture fulfils `condition`, at most so long; tells whether it does."""
        with self.watching(condition) as done:
            try:
                async with asyncio.timeout(seconds):
                    await done
            except TimeoutError:
                return False
        return True

    def _wake(self, told: Iterable[Fact]) -> None:
        if not self._waits:
            return
        news = {"", *(getattr(fact, "callid", "") for fact in told)}
        for wait in self._waits:
            if wait.callid in news and not wait.done.done() and wait.condition(self.picture):
                wait.done.set_result(None)

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in events of the engine, in their order."""
        for event in logs.each(events):
            try:
                self.picture, facts = fold(self.picture, event)
            except Exception:
                # One event that we misread must not stop the calls of all others; the next
                # resynchronisation puts right what it left wrong.
                log.exception("an engine event could not be folded: %s", event.get("Event", ""))
                continue
            self._tell(facts, event.get("Linkedid", ""))

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Bring the picture in line with the engine after a (re)connection."""
        self.picture, facts = resync(
            self.picture, snapshot.channels, snapshot.contacts, snapshot.rooms, snapshot.parked
        )
        self._tell(facts)

    def on_engine_gone(self) -> None:
        """The engine has died, and all calls with it; what is registered stands in its own store."""
        self.picture, facts = resync(self.picture, (), None)
        self._tell(facts)

    def callid_of(self, channelid: str) -> str:
        """The id of the running call that has a leg with this channelid; empty when there is none."""
        call = self.picture.by_channel(channelid)
        return call.callid if call is not None else ""

    def expect(
        self,
        callid: str,
        caller: str,
        callee: str,
        *,
        first: Member | None = None,
        called: bool = False,
        quiet: bool = False,
        invited_to: str = "",
    ) -> None:
        """Announce a call that is about to be originated; see `offhook.callstate.expect`."""
        self.picture = expect(
            self.picture,
            callid,
            caller,
            callee,
            first=first,
            called=called,
            quiet=quiet,
            invited_to=invited_to,
        )

    def abandon(self, callid: str, reason: str = "") -> None:
        """End a call that was announced and never reached the engine; a reason is told by CallFailed."""
        self.picture, facts = abandon(self.picture, callid, reason)
        self._tell(facts)

    def end_unseen(self, callid: str) -> None:
        """End a call of whose end the engine's events cannot tell, as there is no link; it is over."""
        call = self.picture.call(callid)
        legs = tuple(call.legs.values()) if call is not None else ()
        self.on_events(
            {"Event": "Hangup", "Channel": leg.channelid, "Uniqueid": leg.uniqueid, "Linkedid": callid}
            for leg in legs
        )

    def about_to_hang_up(self, channelid: str) -> None:
        """Note that we end this leg: the engine may tell the other leg's end before it tells of our wish."""
        call = self.picture.by_channel(channelid)
        leg = next((leg for leg in call.legs.values() if leg.channelid == channelid), None) if call else None
        if call is not None and leg is not None:
            wish = {"Event": "SoftHangupRequest", "Channel": channelid, "ByApplication": "yes"}
            self.on_events([{**wish, "Uniqueid": leg.uniqueid, "Linkedid": call.callid}])

    def settle(self) -> None:
        """Tell what was held back for the end of a call that goes on after all; call it when events pause."""
        self.picture, facts = settle(self.picture)
        self._tell(facts)

    def _tell(self, facts: Iterable[Fact], callid: str = "") -> None:
        """Tell facts; the states of extensions among them keep their place in the order of the call."""
        told = tuple(facts)
        lane = next((known for fact in told if (known := getattr(fact, "callid", ""))), callid)
        for fact in told:
            lane = getattr(fact, "callid", lane)
            with logs.of_call(lane):
                self._tell_one(fact, lane)
        self._wake(told)

    def _tell_one(self, fact: Fact, lane: str) -> None:
        match fact:
            case CallEnded(callid=callid):
                self._call_ended(callid)
            case PhaseChanged():
                log.info("call %s: %s -> %s -> %s", fact.callid, fact.old, fact.event, fact.new)
            case Deserted(channels=channels):
                self._deserted(channels)
            case PartnerChanged(ear=ear):
                self._partner_changed(ear)
            case RoomChanged(callid=callid, number=number, members=members):
                name = self._room_name(number)
                self._publish(ConferenceStatus(callid, number, name, members), fact.because)
            case _:
                self._publish(fact, lane)
