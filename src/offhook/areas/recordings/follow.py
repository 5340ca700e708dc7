"""Follows which channels are recorded, so that a recording goes on with its call, once.

The dialplan begins recordings. When the channel that it records leaves (an attended transfer, a call that is
taken out of a slot), the call is recorded on from here, into a file of its own; and when two recorded calls
become one, the older recording goes on alone.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence

from offhook import logs
from offhook.areas.control.live import LiveCalls
from offhook.areas.recordings.files import read_name
from offhook.areas.recordings.service import Recordings
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.callstate.call import Call, Leg, LegState
from offhook.tasks import Background

log = logging.getLogger(__name__)

_MOVES = frozenset({"BridgeEnter", "Hangup", "AttendedTransfer"})
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z]", re.ASCII)
_NUMBER_MAX = 32
_PACKETS_SECONDS = 0.06


class Follower:
    """The recorded channels of this moment. `may_begin` tells whether anything may be recorded now;
    `recorded_calls` the calls without a record yet in which the dialplan has begun a recording."""

    def __init__(
        self,
        switch: Switch,
        live: LiveCalls,
        recordings: Recordings,
        *,
        may_begin: Callable[[], bool],
        recorded_calls: Callable[[], Mapping[str, str]],
        stamp: Callable[[], str],
    ) -> None:
        self._switch = switch
        self._live = live
        self._recordings = recordings
        self._may_begin = may_begin
        self._recorded_calls = recorded_calls
        self._stamp = stamp
        self.channels: dict[str, str] = {}
        """The channels that are recorded, oldest recording first, and its name."""
        self._paused: dict[str, str] = {}  # as `channels`, of recordings that are paused
        self._peers: dict[str, str] = {}  # whom a recorded channel talks with, by channel
        self._watched: dict[str, str] = {}  # callids, and the name of a recording of that call
        self._tasks = Background()
        self._busy: set[str] = set()

    def on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        """Hear what the engine tells; the picture has heard it before."""
        moved = False
        for event in logs.each(events):
            channel = event.get("Channel", "")
            if event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookRecording":
                self._told(channel, event.get("Linkedid", ""), event.get("Name", ""), event.get("State", ""))
            elif event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookRecordPause":
                self._run(self._pause(event.get("Linkedid", "")))
            elif event.get("Event") in _MOVES:
                moved = True
                if event.get("Event") == "Hangup":
                    self.channels.pop(channel, None)
                    self._paused.pop(channel, None)
                    self._peers.pop(channel, None)
        if moved and self._watched:
            self._look()

    def _told(self, channel: str, callid: str, name: str, state: str) -> None:
        if state == "running":
            self._paused.pop(channel, None)
            self.channels[channel] = name
            self._watched[callid] = name
        else:
            # until somebody goes on by the key nobody records this call
            self.channels.pop(channel, None)
            self._paused[channel] = name
            self._watched.pop(callid, None)

    async def on_connected(self) -> None:
        """Find the recorded channels again after a time without the engine's events."""
        found: dict[str, str] = {}
        self._paused = {}
        self._watched = dict(self._recorded_calls())
        for row in await self._switch.items(actions.CoreShowChannels()):
            channel, callid = row.get("Channel", ""), row.get("Linkedid", "")
            if not channel.startswith("PJSIP/") or callid not in self._watched:
                continue
            try:
                name = await self._switch.getvar(channel, "OFFHOOK_RECORDING")
                paused = name and await self._switch.getvar(channel, "OFFHOOK_REC_PAUSED")
            except SwitchError:
                continue
            if paused:
                self._watched.pop(callid, None)
                self._paused[channel] = f"{name}.wav"
            elif name:
                found[channel] = f"{name}.wav"
        self.channels = found
        self._look()

    async def let_go(self, channel: str) -> None:
        """End the recording of a channel, if there is one: its party will be recorded on its own channel.

        Raises SwitchError.
        """
        if channel in self.channels:
            await self._stop(channel)
            await self._switch.setvar(channel, "GROUP(recording)", "")

    async def stop_all(self) -> None:
        """End all recordings that run; their calls go on and are not recorded any more."""
        self._watched.clear()
        for channel in list(self.channels):
            await self._stop(channel)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()

    def _look(self) -> None:
        for callid, name in list(self._watched.items()):
            with logs.of_call(callid):
                self._look_at(callid, name)

    def _look_at(self, callid: str, name: str) -> None:
        call = self._live.picture.call(callid)
        if call is None:
            self._watched.pop(callid, None)
            return
        running = [one for one in self.channels if any(leg.channelid == one for leg in call.legs.values())]
        for channel in running[1:]:
            self._run(self._stop(channel))
        if running and (peer := _peer(call, running[0])):
            before = self._peers.setdefault(running[0], peer)
            self._peers[running[0]] = peer
            if before != peer:
                self._run(self._refresh(running[0]))
        talking = _talking(call)
        if not running and talking and call.callid not in self._busy and self._may_begin():
            self._busy.add(call.callid)
            self._run(self._go_on(call, talking, name))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.begin(work)

    async def _refresh(self, channel: str) -> None:
        """Begin the recording of a channel anew, behind what there is, as it hears somebody else from now on.

        The engine's own translator would take the packets of a second stream for late ones of the first, and
        what they say would not be recorded, for minutes maybe (measured on 22.10.1).
        """
        name = self.channels.get(channel, "")
        try:
            await self._switch.act(actions.StopMixMonitor(channel=channel))
            # the translator goes with the first packet after that
            await asyncio.sleep(_PACKETS_SECONDS)
            if self.channels.get(channel) != name:
                return  # paused or over meanwhile
            await self._write(channel, name)
        except (SwitchError, ValueError) as failure:
            log.warning("recordings: %s may lack a side: %s", name, failure)

    async def _write(self, channel: str, name: str) -> None:
        """Have the engine write a channel into the files of a recording, behind what these have."""
        said, heard = self._recordings.files.raw(name)
        await self._switch.act(actions.MixMonitor(channel=channel, said=str(said), heard=str(heard)))

    async def _stop(self, channel: str) -> None:
        name = self.channels.pop(channel, "")
        log.info("recordings: %s ends before its call", name)
        try:
            await self._switch.act(actions.StopMixMonitor(channel=channel))
            await self._switch.setvar(channel, "OFFHOOK_RECORDING", "")
        except SwitchError as failure:
            log.info("recordings: %s: %s", name, failure)

    async def _pause(self, callid: str) -> None:
        """Pause the recording of a call, or go on with it: the key was pressed on a channel beside it."""
        call = self._live.picture.call(callid)
        legs = () if call is None else tuple(leg.channelid for leg in call.legs.values())
        try:
            for channel in legs:
                if name := self.channels.get(channel, ""):
                    await self._switch.act(actions.StopMixMonitor(channel=channel))
                    await self._switch.setvar(channel, "OFFHOOK_REC_PAUSED", "1")
                    self._told(channel, callid, name, "paused")
                elif name := self._paused.get(channel, ""):
                    await self._write(channel, name)
                    await self._switch.setvar(channel, "OFFHOOK_REC_PAUSED", "")
                    self._told(channel, callid, name, "running")
        except SwitchError as failure:
            log.warning("recordings: %s cannot be paused: %s", callid, failure)

    async def _go_on(self, call: Call, talking: tuple[Leg, Leg], earlier: str) -> None:
        """Record a call on, on a channel that is still in it."""
        try:
            parts = read_name(earlier)
            channel = talking[1].channelid
            numbers = [_number(call, leg) for leg in talking]
            kind = parts.type if parts is not None else "Internal"
            name = f"{self._stamp()}-{call.callid}-{numbers[0]}-{numbers[1]}-{kind}.wav"
            await self._recordings.begin_in_call(name, call.callid)
            stem = name.removesuffix(".wav")
            try:
                await self._switch.setvar(channel, "OFFHOOK_RECORDING", stem)
                await self._switch.setvar(channel, "GROUP(recording)", call.callid)
                await self._write(channel, name)
            except SwitchError as failure:
                log.warning("recordings: %s cannot go on: %s", call.callid, failure)
                await self._recordings.withdraw(name)
                return
            self.channels[channel] = name
        except Exception:
            log.exception("recordings: %s cannot go on", call.callid)
        finally:
            self._busy.discard(call.callid)


def _talking(call: Call) -> tuple[Leg, Leg] | None:
    """Two parties of a call that are in one bridge."""
    by_bridge: dict[str, Leg] = {}
    for leg in call.legs.values():
        if leg.party is None or leg.state is not LegState.UP or not leg.bridge or leg.parked:
            continue
        if (other := by_bridge.get(leg.bridge)) is not None:
            return other, leg
        by_bridge[leg.bridge] = leg
    return None


def _peer(call: Call, channel: str) -> str:
    """The party in the bridge of a channel; empty when it is alone or not with one other."""
    own = next((leg for leg in call.legs.values() if leg.channelid == channel), None)
    if own is None or not own.bridge:
        return ""
    others = [leg for leg in call.legs.values() if leg is not own and leg.bridge == own.bridge and leg.party]
    return others[0].uniqueid if len(others) == 1 else ""


def _number(call: Call, leg: Leg) -> str:
    """The number of a party as it stands in a name."""
    member = next((seat.member for seat in call.seats if leg.uniqueid in seat.legs), None)
    number = "" if member is None else member.number or member.from_number
    return _NOT_IN_A_NAME.sub("", number)[:_NUMBER_MAX] or "unknown"
