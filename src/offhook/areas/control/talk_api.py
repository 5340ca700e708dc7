"""Endpoints that act on running talks (spec 13-call): hold, mute, transfer, consult, add, listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.control.api import CallId
from offhook.areas.control.joining import Joining
from offhook.areas.control.monitoring import MODES, Monitoring
from offhook.areas.control.talks import Talks
from offhook.areas.control.transfers import Transfers
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import choice, name_list, pattern, text

CHANNELID = text(max_len=255)
NUMBER = pattern(r"[0-9*#+]{1,31}", says="a number of at most 31 characters")
_CHAPTER = "13"


@dataclass(frozen=True, kw_only=True)
class OneLeg:
    """Request of call/hold, call/unhold."""

    channelid: str = param(CHANNELID, bad=Errno.NO_SUCH_CHANNEL)


@dataclass(frozen=True, kw_only=True)
class Legs:
    """Request of call/mute, call/unmute."""

    channelid: tuple[str, ...] = param(name_list(), bad=Errno.NO_SUCH_CHANNEL)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Request of call/transfer and call/add_member."""

    channelid: str = param(CHANNELID, bad=Errno.NO_SUCH_CHANNEL)
    number: str = param(NUMBER, bad=Errno.NO_SUCH_NUMBER)
    dialpermission: str | None = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION, optional=True)


@dataclass(frozen=True, kw_only=True)
class Consult:
    """Request of call/attended_transfer."""

    channelid: str = param(CHANNELID, bad=Errno.NO_SUCH_CHANNEL)
    tonumber: str = param(NUMBER, bad=Errno.NO_SUCH_NUMBER)
    dialpermission: str | None = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION, optional=True)


@dataclass(frozen=True, kw_only=True)
class Operate:
    """Request of call/attended_transfer_operate."""

    channelid: str = param(CHANNELID, bad=Errno.NO_SUCH_CHANNEL)
    operate: str = param(choice(("abort", "complete", "threeway", "swap")), bad=Errno.PARAMETER_EMPTY)


@dataclass(frozen=True, kw_only=True)
class Listen:
    """Request of call/listen."""

    monitor: str = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION)
    extension: str = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION)
    type: str = param(choice(tuple(MODES)), bad=Errno.PARAMETER_EMPTY)


_LIVE = (
    Errno.NO_SUCH_CHANNEL,
    Errno.NO_SUCH_CALL,
    Errno.CALL_NOT_CONNECTED,
    Errno.CALL_OPERATION_FAILED,
    Errno.ENGINE_UNREACHABLE,
)
_REACH = (Errno.NO_SUCH_EXTENSION, Errno.NO_SUCH_NUMBER, Errno.NO_OUTBOUND_PERMISSION)


def endpoints(
    talks: Talks, transfers: Transfers, joining: Joining, monitoring: Monitoring
) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module."""

    async def hold(_caller: Caller, request: OneLeg) -> CallId:
        return CallId(callid=await talks.hold(request.channelid))

    async def unhold(_caller: Caller, request: OneLeg) -> CallId:
        return CallId(callid=await talks.unhold(request.channelid))

    async def mute(_caller: Caller, request: Legs) -> CallId:
        return CallId(callid=await talks.mute(request.channelid, on=True))

    async def unmute(_caller: Caller, request: Legs) -> CallId:
        return CallId(callid=await talks.mute(request.channelid, on=False))

    async def transfer(_caller: Caller, request: Transfer) -> CallId:
        to = request.number, request.dialpermission
        return CallId(callid=await transfers.transfer(request.channelid, *to))

    async def consult(_caller: Caller, request: Consult) -> CallId:
        to = request.tonumber, request.dialpermission
        return CallId(callid=await transfers.consult(request.channelid, *to))

    async def operate(_caller: Caller, request: Operate) -> CallId:
        return CallId(callid=await transfers.operate(request.channelid, request.operate))

    async def add(_caller: Caller, request: Transfer) -> CallId:
        to = request.number, request.dialpermission
        return CallId(callid=await joining.add_member(request.channelid, *to))

    async def listen(_caller: Caller, request: Listen) -> CallId:
        return CallId(callid=await monitoring.listen(request.monitor, request.extension, request.type))

    def endpoint(path: str, summary: str, request: Any, handler: Any, *errors: Errno) -> Endpoint[Any, Any]:
        return Endpoint(path, _CHAPTER, summary, request, CallId, handler, errors)

    return [
        endpoint("call/hold", "Lets a party of a talk wait and hear music", OneLeg, hold, *_LIVE),
        endpoint("call/unhold", "Takes a held party back", OneLeg, unhold, *_LIVE),
        endpoint("call/mute", "Lets nobody hear an extension", Legs, mute, *_LIVE),
        endpoint("call/unmute", "Lets an extension be heard again", Legs, unmute, *_LIVE),
        endpoint("call/transfer", "Sends a party to a number", Transfer, transfer, *_LIVE, *_REACH),
        endpoint("call/attended_transfer", "Calls a third party first", Consult, consult, *_LIVE, *_REACH),
        endpoint("call/attended_transfer_operate", "Goes on with it", Operate, operate, *_LIVE),
        endpoint("call/add_member", "Calls one more party", Transfer, add, *_LIVE, *_REACH),
        endpoint(
            "call/listen",
            "Lets an extension into the call of another",
            Listen,
            listen,
            Errno.NO_SUCH_EXTENSION,
            Errno.NO_SUCH_CALL,
            Errno.EXTENSION_NOT_IDLE,
            Errno.MONITORING_FORBIDDEN,
            Errno.MONITOR_MODE_MISMATCH,
            Errno.ENGINE_REFUSED,
            Errno.ENGINE_UNREACHABLE,
        ),
    ]
