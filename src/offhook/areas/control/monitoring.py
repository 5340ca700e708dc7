"""Listening in on a call, whispering into it, breaking into it (spec 13-call: call/listen)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from offhook import logs
from offhook.areas.control.launch import refusal
from offhook.areas.control.legs import leg_of_seat
from offhook.areas.control.live import LiveCalls
from offhook.areas.extensions.model import Extension
from offhook.asterisk.switch import NO_ANSWER, OriginateRequest, Switch, SwitchError
from offhook.callstate import Call, Picture
from offhook.callstate.call import Leg
from offhook.callstate.model import ExtensionState
from offhook.contract.errors import ContractError, Errno

log = logging.getLogger(__name__)

MODES = {"listen": "Listen", "whisper": "Whisper", "barge": "Barge-in"}
"""The types of call/listen, and the monitor mode of an extension that allows each."""

_EVERY_MODE = "Extensive"
_LEAVING_SECONDS = 0.5

_FOLLOWING_SECONDS = 0.2
"""How long an ear needs to be where it was sent: the engine loses a second redirect that comes earlier."""


class Monitoring:
    """Lets extensions into the calls of others."""

    def __init__(
        self,
        switch: Switch,
        live: LiveCalls,
        find_extension: Callable[[str], Awaitable[Extension | None]],
    ) -> None:
        self._switch = switch
        self._live = live
        self._find_extension = find_extension
        self._following: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def follow(self, ear: str) -> None:
        """Whom the channel `ear` breaks in on talks with somebody else: let it be heard by both again."""
        self._again.add(ear)
        if ear not in self._following:
            self._following[ear] = asyncio.create_task(self._follow(ear))

    async def _follow(self, ear: str) -> None:
        try:
            while ear in self._again:
                self._again.discard(ear)
                await self._switch.redirect(ear, ("offhook-spy", "barge"))
                await asyncio.sleep(_FOLLOWING_SECONDS)
        except SwitchError as failure:
            log.info("call/listen: %s has ended by itself: %s", ear, failure)
        finally:  # at once, or a change that comes before the task is done would be followed by nobody
            self._again.discard(ear)
            del self._following[ear]

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._following.values(), return_exceptions=True)

    async def listen(self, monitor: str, extension: str, mode: str) -> str:
        """Ring `monitor`, and when it answers let it into the call of `extension`; returns that call's id.

        Raises ContractError 10006 to 10010 as the contract lists them, 10116, 30002.
        """
        listener, spied = await self._find_extension(monitor), await self._find_extension(extension)
        if listener is None or spied is None:
            raise ContractError(Errno.NO_SUCH_EXTENSION)
        call, leg = self._talk_of(extension)
        if not spied.allowbeingmonitored or monitor == extension or await self._is_monitored(extension):
            raise ContractError(Errno.MONITORING_FORBIDDEN)
        if listener.monitormode not in (_EVERY_MODE, MODES[mode]):
            raise ContractError(Errno.MONITOR_MODE_MISMATCH)
        if self._live.picture.state_of(monitor) is not ExtensionState.REGISTERED:
            raise ContractError(Errno.EXTENSION_NOT_IDLE)
        await self._ring(listener, extension, leg, mode)
        return call.callid

    def _talk_of(self, extension: str) -> tuple[Call, Leg]:
        for call in self._live.picture.calls_of(extension):
            for seat in call.seats:
                if seat.member.number == extension and seat.talking:
                    return call, leg_of_seat(call, seat)
        raise ContractError(Errno.NO_SUCH_CALL, "the extension is in no call")

    async def _is_monitored(self, extension: str) -> bool:
        ears = _ears(self._live.picture, extension)
        if any(self._live.picture.state_of(ear) is not ExtensionState.REGISTERED for ear in ears):
            return True
        # A phone that is told to be idle again has hung up, though the channels behind it still end.
        return bool(ears) and not await self._live.until(
            lambda now: not _ears(now, extension), _LEAVING_SECONDS
        )

    async def _ring(self, listener: Extension, extension: str, leg: Leg, mode: str) -> None:
        own = self._switch.next_call_id()
        self._live.expect(own, listener.number, extension, quiet=True)
        request = OriginateRequest(
            callid=own,
            channel=f"Local/{listener.number}@offhook-monitor",
            other_channel_id=self._switch.next_call_id(),
            context="offhook-spy",
            exten=mode,
            timeout=listener.ringtimeout,
            caller_id=f"<{extension}>",
            variables={"OFFHOOK_SPIED": leg.uniqueid},
        )
        with logs.of_call(own):
            try:
                await self._switch.originate(request)
            except NO_ANSWER:
                log.warning("call/listen: the engine has not answered")
            except SwitchError as failure:
                self._live.abandon(own)
                raise refusal(failure) from None


def _ears(picture: Picture, extension: str) -> list[str]:
    """Who listens in on an extension, or is about to."""
    calls = picture.calls.values()
    return [call.expected for call in calls if call.quiet and call.expected_callee == extension]
