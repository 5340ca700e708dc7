"""Who was passed on into a room by the key of an attended transfer enters it with his own channel.

The engine leaves him behind the Local channel of the consultation, whose translator takes his packets for
late ones of the stream before, when they are numbered lower: he would not be heard (docs/adr/0003).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.tasks import Background, woken

log = logging.getLogger(__name__)

_CONTEXT = "offhook-passed-on"
_TRIES, _ARRIVAL_SECONDS = 3, 1.0
"""The engine loses a redirect that comes while it still moves the channel from bridge to bridge."""


class PassedOn:
    """Hears of transfers, and leads into rooms; each as a task of its own.

    `let_go` ends the recording of a channel. It raises SwitchError.
    """

    def __init__(self, switch: Switch, let_go: Callable[[str], Awaitable[None]]) -> None:
        self._switch = switch
        self._let_go = let_go
        self._tasks = Background()
        self._consulted: dict[
            str, str
        ] = {}  # the near halves of Local channels, and the bridge that each is in
        self._arrivals: dict[str, asyncio.Event] = {}  # by channel, of those who are led into a room

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take the transfers out of a batch of events."""
        for event in events:
            channel = event.get("Channel", "")
            match event.get("Event"):
                case "BridgeEnter" if channel.startswith("Local/") and channel.endswith(";1"):
                    self._consulted[channel] = event.get("BridgeUniqueid", "")
                case "ConfbridgeJoin":
                    self._arrived(channel)
                case "Hangup":
                    self._arrived(channel)
                    self._consulted.pop(channel, None)
                case "AttendedTransfer":
                    self._transferred(event)

    def _arrived(self, channel: str) -> None:
        if arrival := self._arrivals.get(channel):
            arrival.set()

    def _transferred(self, event: Mapping[str, str]) -> None:
        # TransferTargetChannel is missing when the bridges have become one already
        bridges = {event.get("SecondBridgeUniqueid"), event.get("DestBridgeUniqueid")}
        targets = [channel for channel, bridge in self._consulted.items() if bridge in bridges]
        party = event.get("TransfereeChannel", "")
        if event.get("Result") == "Success" and party.startswith("PJSIP/") and targets:
            self._tasks.begin(self._lead(party, f"{targets[-1].removesuffix(';1')};2"))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()

    async def _lead(self, party: str, other_half: str) -> None:
        """Send a channel into the room in which its half of the consultation is, if it is in one."""
        try:
            room = await self._switch.getvar(other_half, "OFFHOOK_ROOM")
            if not room:
                return
            inside = await self._switch.items(actions.ConfbridgeList(conference=room))
            if other_half in {one.get("Channel", "") for one in inside}:
                await self._let_go(other_half)
                await self._redirect(party, room)
        except SwitchError as failure:
            log.info("conferences: %s stays where the transfer has put it: %s", party, failure)

    async def _redirect(self, party: str, room: str) -> None:
        arrival = self._arrivals[party] = asyncio.Event()
        try:
            for _ in range(_TRIES):
                await self._switch.redirect(party, (_CONTEXT, room))
                await woken(arrival, _ARRIVAL_SECONDS)
                if arrival.is_set():
                    return
            log.warning("conferences: %s could not be led into room %s", party, room)
        finally:
            del self._arrivals[party]
