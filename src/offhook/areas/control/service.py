"""What call/* does: rules, the record of the intent, then the engine (spec 13-call)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from offhook.areas.control.live import LiveCalls
from offhook.areas.records.service import RecordKeeper
from offhook.asterisk.switch import (
    ActionTimeout,
    EngineUnreachable,
    OriginateRequest,
    Switch,
    SwitchBusy,
    SwitchError,
)
from offhook.callstate import Call
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store

log = logging.getLogger(__name__)

NORMAL_CLEARING = 16  # Q.850


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledExtension:
    """What call/dial has to know of an extension."""

    number: str
    callerid: str
    username: str
    ringtimeout: int
    maxregistrations: int


class CallControl:
    """Calls in the application's hands."""

    def __init__(
        self,
        *,
        switch: Switch,
        live: LiveCalls,
        records: RecordKeeper,
        store: Store,
        find_extension: Callable[[str], Awaitable[DialledExtension | None]],
    ) -> None:
        self._switch = switch
        self._live = live
        self._records = records
        self._store = store
        self._find_extension = find_extension

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

    async def dial(self, caller: str, callee: str, *, auto_answer: bool = False) -> str:
        """Ring the caller's phone, then call the callee; returns the callid.

        The intent is on disk before the engine hears of the call, so a promised callid always gets its
        record (architecture, decision 5). Raises ContractError 10006 when the caller is no extension, 10011
        when the callee is none, 10101 when they are the same, 10116 or 30002 when the engine cannot do it.
        """
        calling = await self._find_extension(caller)
        if calling is None:
            raise ContractError(Errno.NO_SUCH_EXTENSION, "caller is no extension")
        if caller == callee:
            raise ContractError(Errno.COMBINATION_NOT_SUPPORTED, "caller and callee are the same extension")
        if await self._find_extension(callee) is None:
            raise ContractError(Errno.NO_SUCH_NUMBER, "callee is no extension")
        if not self._switch.healthy:
            raise ContractError(Errno.ENGINE_UNREACHABLE)
        callid = self._switch.next_call_id()
        await self._store.write(
            "call intent", lambda unit: self._records.add_intent(unit, callid, caller, callee)
        )
        self._live.expect(callid, caller, callee)
        try:
            await self._switch.originate(self._first_leg(callid, calling, callee, auto_answer))
        except ActionTimeout:
            # The engine may have begun the call: its callid stays promised, and the picture tells the rest.
            log.warning("call/dial %s: the engine did not answer in time", callid)
        except SwitchError as failure:
            log.warning("call/dial %s: %s", callid, failure)
            self._live.abandon(callid)
            await self._records.withdraw_intent(callid)
            raise _refusal(failure) from None
        return callid

    def _first_leg(
        self, callid: str, calling: DialledExtension, callee: str, auto_answer: bool
    ) -> OriginateRequest:
        variables = {"__OFFHOOK_API": "1", "OFFHOOK_CALLER": calling.number}
        if auto_answer:
            variables["__OFFHOOK_AUTOANSWER"] = "1"
        # One phone is rung itself; several need a Local channel, whose first half then is the call's own.
        several = calling.maxregistrations > 1 or auto_answer
        return OriginateRequest(
            callid=callid,
            channel=f"Local/{calling.number}@ring-extension" if several else f"PJSIP/{calling.number}",
            other_channel_id=self._switch.next_call_id() if several else "",
            context="from-extension",
            exten=callee,
            timeout=calling.ringtimeout,
            caller_id=f"<{callee}>",
            variables=variables,
        )

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


def _refusal(failure: SwitchError) -> ContractError:
    if isinstance(failure, EngineUnreachable):
        return ContractError(Errno.ENGINE_UNREACHABLE)
    if isinstance(failure, SwitchBusy):
        return ContractError(Errno.ENGINE_REFUSED, "too many calls begin at once; try again in a moment")
    return ContractError(Errno.ENGINE_REFUSED, str(failure))
