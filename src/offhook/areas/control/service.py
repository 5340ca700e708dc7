"""Asking for running calls, and ending them (spec 13-call: call/query, call/hangup)."""

from __future__ import annotations

from collections.abc import Sequence

from offhook.areas.control.legs import NORMAL_CLEARING
from offhook.areas.control.live import LiveCalls
from offhook.asterisk.switch import EngineUnreachable, Switch, SwitchError
from offhook.callstate import Call
from offhook.contract.errors import ContractError, Errno


class CallControl:
    """Calls in the application's hands."""

    def __init__(self, switch: Switch, live: LiveCalls) -> None:
        self._switch = switch
        self._live = live

    def query(self, *, callid: str | None, direction: str | None) -> Sequence[Call]:
        """Running calls: that of `callid` (or all), else those of a direction (inbound, outbound).

        Raises ContractError 10004 when neither is given, 10005 when no call has the id.
        """
        if callid == "all":
            return tuple(self._live.picture.calls.values())
        if callid is not None:
            call = self._live.picture.call(callid)
            if call is None:
                raise ContractError(Errno.NO_SUCH_CALLID)
            return (call,)
        if direction is None:
            raise ContractError(Errno.PARAMETER_EMPTY, "callid or type is needed")
        return tuple(call for call in self._live.picture.calls.values() if call.direction == direction)

    async def hangup(self, channelid: str) -> str:
        """Hang up one leg; returns the id of its call.

        Raises ContractError 10103 when no leg has that channelid, 30002 when the engine is away.
        """
        call = self._live.picture.by_channel(channelid)
        if call is None:
            raise ContractError(Errno.NO_SUCH_CHANNEL)
        self._live.about_to_hang_up(channelid)
        try:
            await self._switch.hangup(channelid, NORMAL_CLEARING)
        except EngineUnreachable:
            raise ContractError(Errno.ENGINE_UNREACHABLE) from None
        except SwitchError as failure:
            # The leg may have ended between our look and the engine's: an ordinary answer, not a fault.
            raise ContractError(Errno.NO_SUCH_CALL, str(failure)) from None
        return call.callid
