"""Holding and muting parties of a talk (spec 13-call: hold, unhold, mute, unmute)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from offhook.areas.control.legs import (
    NORMAL_CLEARING,
    OPTIMISING_SECONDS,
    engine_answers,
    extension_of,
    find_leg,
    require_arrival,
    require_phase,
    talking_with,
)
from offhook.areas.control.live import LiveCalls
from offhook.asterisk.switch import EngineRefused, Switch
from offhook.callstate import Call, Picture
from offhook.callstate.call import Leg, Role
from offhook.callstate.phase import Phase
from offhook.contract.errors import ContractError, Errno

PEER = "OFFHOOK_PEER"
"""The channel that ends with this one while the two are not joined (dialplan, `offhook-alone`)."""

TALK = "OFFHOOK_TALK"
"""The channel with which this one is to talk."""


def queue_caller(call: Call, *legs: Leg) -> Leg | None:
    """Who of these legs has called the queue through which the call runs; None when it runs through none."""
    if call.path_kind != "queue":
        return None
    for leg in legs:
        seat = call.seat_of(leg.uniqueid)
        if seat is not None and seat.role is Role.CALLER:
            return leg
    return None


class Talks:
    """Holds, takes back, mutes."""

    def __init__(self, switch: Switch, live: LiveCalls) -> None:
        self._switch = switch
        self._live = live

    async def hold(self, channelid: str) -> str:
        """Let one party of a talk hear music; returns the callid. A party that is held stays so.

        Raises ContractError 10007, 10015, 10102, 10103, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        if leg.held:
            return call.callid
        require_phase(call, Phase.IDLE, Phase.HELD)
        other = talking_with(call, leg)
        with engine_answers():
            await self.settle(call, leg, other)
            if other.held:  # it waits alone already
                await self._switch.redirect(leg.channelid, ("offhook-held", "s"))
            else:
                await self.tie(leg, other)
                silent = (other.channelid, "offhook-silent", "s")
                await self._switch.redirect(leg.channelid, ("offhook-held", "s"), silent)
        await require_arrival(self._live, call.callid, leg, lambda now: now.legs[leg.uniqueid].held)
        return call.callid

    async def unhold(self, channelid: str) -> str:
        """Take a held party back into the talk; returns the callid. One that is not held stays as it is.

        Raises ContractError 10007, 10015, 10102, 10103, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        if not leg.held:
            return call.callid
        require_phase(call, Phase.HELD)
        other = talking_with(call, leg)
        with engine_answers():
            if other.held:
                await self._switch.redirect(leg.channelid, ("offhook-silent", "s"))
            else:
                await self._join(call, other, leg)
        await require_arrival(self._live, call.callid, leg, lambda now: not now.legs[leg.uniqueid].held)
        return call.callid

    async def mute(self, channelids: Sequence[str], *, on: bool) -> str:
        """Let nobody hear these extensions in their calls, or let them be heard again.

        Returns the callid of the first. All of them are checked before any is muted. Raises ContractError
        10007, 10015, 10103 (also for the channel of a trunk), 30002.
        """
        found = [find_leg(self._live.picture, channelid) for channelid in channelids]
        for call, leg in found:
            if extension_of(leg) is None:
                raise ContractError(Errno.NO_SUCH_CHANNEL, "only an extension can be muted")
            seat = call.seat_of(leg.uniqueid)
            if seat is None or not seat.talking:
                raise ContractError(Errno.CALL_NOT_CONNECTED)
        with engine_answers():
            for _, leg in found:
                await self._switch.mute(leg.channelid, "in", on=on)
        return found[0][0].callid

    async def tie(self, one: Leg, other: Leg) -> None:
        """While two are apart, the end of either ends the other."""
        await self._switch.setvar(one.channelid, PEER, other.channelid)
        await self._switch.setvar(other.channelid, PEER, one.channelid)

    async def settle(self, call: Call, one: Leg, other: Leg) -> None:
        """Wait until two legs share a bridge: those of an extension with several phones take a moment."""

        def together(picture: Picture) -> bool:
            now = picture.call(call.callid)
            legs = (now.legs.get(one.uniqueid), now.legs.get(other.uniqueid)) if now else (None, None)
            if legs[0] is None or legs[1] is None:
                return True
            return legs[0].bridge == legs[1].bridge or legs[0].held or legs[1].held

        await self._live.until(together, OPTIMISING_SECONDS)

    async def _join(self, call: Call, one: Leg, other: Leg) -> None:
        """Bridge two that are apart. Whoever is taken out of its music runs `h`, which must end nobody."""
        for leg in (one, other):
            await self._switch.setvar(leg.channelid, PEER, "")
        caller = queue_caller(call, one, other)
        try:
            if caller is not None:  # goes on in the queue's dialplan when the agent hangs up
                agent = other if caller is one else one
                await self._switch.setvar(caller.channelid, TALK, agent.channelid)
                await self._switch.redirect(caller.channelid, ("offhook-queue-again", "s"))
            else:
                await self._switch.bridge(one.channelid, other.channelid)
        except EngineRefused:  # one has just left, and what would have ended the other is gone
            for leg in (one, other):
                with contextlib.suppress(EngineRefused):
                    await self._switch.hangup(leg.channelid, NORMAL_CLEARING)
            raise
