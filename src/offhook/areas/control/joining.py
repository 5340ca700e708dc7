"""One more party for a call that goes on (spec 13-call: call/add_member)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from offhook.areas.control.dialling import RING_SECONDS
from offhook.areas.control.launch import refusal
from offhook.areas.control.legs import NORMAL_CLEARING, extension_of, find_leg, require_phase
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.targets import WITH_PHONES, Targets
from offhook.asterisk.switch import NO_ANSWER, OriginateRequest, Switch, SwitchError
from offhook.callstate.phase import Phase
from offhook.contract.errors import ContractError, Errno
from offhook.tasks import Background

log = logging.getLogger(__name__)


class Joining:
    """Calls a party and lets it into a talk when it answers."""

    def __init__(self, switch: Switch, live: LiveCalls, targets: Targets) -> None:
        self._switch = switch
        self._live = live
        self._targets = targets
        self._tasks = Background()

    def end(self, channels: Sequence[str]) -> None:
        """Hang up channels that ring for a call in which nobody is left."""
        self._tasks.begin(self._end(channels))

    async def _end(self, channels: Sequence[str]) -> None:
        for channel in channels:
            try:
                await self._switch.hangup(channel, NORMAL_CLEARING)
            except SwitchError as failure:
                log.info("call/add_member: %s has ended by itself: %s", channel, failure)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()

    async def add_member(self, channelid: str, number: str, dialpermission: str | None) -> str:
        """Call `number` for the talk of this leg; returns the callid.

        Raises ContractError 10006, 10007, 10011, 10015, 10024, 10102, 10103, 10116, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        own = extension_of(leg)
        target = await self._targets.reach(number, dialpermission or own)
        if target.kind not in WITH_PHONES:
            raise ContractError(Errno.NO_SUCH_NUMBER, "an extension or an outside number can be added")
        require_phase(call, Phase.IDLE)
        if sum(seat.talking for seat in call.seats) < 2:
            raise ContractError(Errno.CALL_NOT_CONNECTED)
        if any(seat.member.number == number for seat in call.seats if seat.status is not None):
            raise ContractError(Errno.CALL_OPERATION_FAILED, f"{number} is in this call already")
        seat = call.seat_of(leg.uniqueid)
        shown = (seat.member.number or seat.member.from_number) if seat is not None else ""
        variables = {
            "__OFFHOOK_TO": call.callid,
            "__OFFHOOK_TALK": leg.channelid,
            "__OFFHOOK_FROM": own or dialpermission or "",
            "__OFFHOOK_RIGHT": target.right,
            "__OFFHOOK_INBOUND": "added",
        }
        request = OriginateRequest(
            callid=self._switch.next_call_id(),
            channel=f"Local/{number}@offhook-added",
            other_channel_id=self._switch.next_call_id(),
            context="offhook-adding",
            exten="s",
            timeout=RING_SECONDS,
            caller_id=f"<{shown}>",
            variables=variables,
        )
        try:
            await self._switch.originate(request)
        except NO_ANSWER:
            log.warning("call/add_member %s: the engine has not answered", call.callid)
        except SwitchError as failure:
            raise refusal(failure) from None
        return call.callid
