"""Letting calls from outside in, or turning them away (spec 13-call: accept_inbound, refuse_inbound).

The call waits in the dialplan (`offhook-invite`), which reads the word once: of several that come at the same
time one decides, and the engine tells which.
"""

from __future__ import annotations

import asyncio

from offhook.areas.control.legs import ARRIVAL_SECONDS, engine_answers, find_leg
from offhook.areas.control.live import LiveCalls
from offhook.asterisk.switch import Switch
from offhook.callstate import Picture
from offhook.callstate.phase import Phase
from offhook.contract.errors import ContractError, Errno

_WORD = "OFFHOOK_WORD"


class Inbound:
    """Says to calls that Invite announced what an application has decided."""

    def __init__(self, switch: Switch, live: LiveCalls) -> None:
        self._switch = switch
        self._live = live

    async def accept(self, channelid: str) -> str:
        """Let the call of this leg in; it follows its inbound route. Returns the callid.

        Raises ContractError 10007 when it ended meanwhile, 10016 when it does not wait for this (any more),
        10102 when the engine does not take the word, 10103, 30002.
        """
        return await self._say(channelid, "accept")

    async def refuse(self, channelid: str) -> str:
        """Turn the call of this leg away; it leaves no record. Returns the callid.

        Raises ContractError as `accept` does.
        """
        return await self._say(channelid, "refuse")

    async def _say(self, channelid: str, verb: str) -> str:
        call, leg = find_leg(self._live.picture, channelid)
        if call.phase is not Phase.INVITED:
            raise ContractError(Errno.DECISION_TOO_LATE, "the call does not wait to be let in")
        word = f"{verb}-{self._switch.next_call_id()}"
        decided = ""

        def settled(picture: Picture) -> bool:
            nonlocal decided
            now = picture.call(call.callid)
            decided = now.decided if now is not None else decided
            return now is None or decided != ""

        # watched from before the word is said: what is decided may be over at once
        with self._live.watching(settled, callid=call.callid) as done, engine_answers():
            await self._switch.setvar(leg.channelid, _WORD, word)
            try:
                async with asyncio.timeout(ARRIVAL_SECONDS):
                    await done
            except TimeoutError:
                raise ContractError(
                    Errno.CALL_OPERATION_FAILED, "the engine did not take the word in time"
                ) from None
        if not decided:
            raise ContractError(Errno.NO_SUCH_CALL, "the caller has hung up")
        if decided != word:
            raise ContractError(Errno.DECISION_TOO_LATE, "the call was decided about already")
        return call.callid
