"""The live picture of every call, kept up to date from the engine's events; what changes is told on.

The folding is pure (`offhook.callstate`); here are only the one variable that holds the picture and the
order in which facts leave: a call's record may be released only after its last CallStatus.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from offhook.callstate import abandon, expect, fold, resync, settle
from offhook.callstate.facts import CallEnded, Fact
from offhook.callstate.picture import Picture
from offhook.events.api import Event

log = logging.getLogger(__name__)


class Snapshot(Protocol):
    """What the engine says of itself at one moment."""

    @property
    def channels(self) -> Iterable[Mapping[str, str]]:
        """CoreShowChannel events."""

    @property
    def contacts(self) -> Iterable[Mapping[str, str]]:
        """ContactList events."""


class LiveCalls:
    """Holds the picture. `publish` gets every event for the world and the call in whose order it belongs;
    `call_ended` the id of each call that ended.

    Runs in the event loop's thread only; nothing here waits.
    """

    def __init__(self, publish: Callable[[Event, str], None], call_ended: Callable[[str], None]) -> None:
        self.picture = Picture()
        self._publish = publish
        self._call_ended = call_ended

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in events of the engine, in their order."""
        for event in events:
            try:
                self.picture, facts = fold(self.picture, event)
            except Exception:
                # One event that we misread must not stop the calls of all others; the next
                # resynchronisation puts right what it left wrong.
                log.exception("an engine event could not be folded: %s", event.get("Event", ""))
                continue
            self._tell(facts)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Bring the picture in line with the engine after a (re)connection."""
        self.picture, facts = resync(self.picture, snapshot.channels, snapshot.contacts)
        self._tell(facts)

    def on_engine_gone(self) -> None:
        """The engine has died, and all calls with it; what is registered stands in its own store."""
        self.picture, facts = resync(self.picture, (), None)
        self._tell(facts)

    def expect(self, callid: str, caller: str, callee: str) -> None:
        """Announce a call that is about to be originated."""
        self.picture = expect(self.picture, callid, caller, callee)

    def abandon(self, callid: str, reason: str = "") -> None:
        """End a call that was announced and never reached the engine; a reason is told by CallFailed."""
        self.picture, facts = abandon(self.picture, callid, reason)
        self._tell(facts)

    def about_to_hang_up(self, channelid: str) -> None:
        """Note that we end this leg: the engine may tell the other leg's end before it tells of our wish."""
        call = self.picture.by_channel(channelid)
        leg = next((leg for leg in call.legs.values() if leg.channelid == channelid), None) if call else None
        if call is not None and leg is not None:
            wish = {"Event": "SoftHangupRequest", "Channel": channelid}
            self.on_events([{**wish, "Uniqueid": leg.uniqueid, "Linkedid": call.callid}])

    def settle(self) -> None:
        """Tell what was held back for the end of a call that goes on after all; call it when events pause."""
        self.picture, facts = settle(self.picture)
        self._tell(facts)

    def _tell(self, facts: Iterable[Fact]) -> None:
        told = tuple(facts)
        lane = next((callid for fact in told if (callid := getattr(fact, "callid", ""))), "")
        for fact in told:
            lane = getattr(fact, "callid", lane)
            if isinstance(fact, CallEnded):
                self._call_ended(fact.callid)
            else:
                self._publish(fact, lane)
