"""Endpoints of call control (spec 13-call): call/query, call/dial, call/hangup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.control.dialling import Dialling
from offhook.areas.control.service import CallControl
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import wire_name
from offhook.contract.rules import choice, pattern, text

_CALLID = pattern(r"[0-9]{1,12}\.[0-9]{1,12}|all", says="a callid such as 1571620483.18", max_len=25)
NUMBER = pattern(r"[0-9*#+]{1,31}", says="a number of at most 31 characters")
_CHANNELID = text(max_len=255)


@dataclass(frozen=True, kw_only=True)
class QueryCalls:
    """Request of call/query."""

    callid: str | None = param(_CALLID, bad=Errno.NO_SUCH_CALLID, optional=True)
    type: str | None = param(choice(("inbound", "outbound")), bad=Errno.PARAMETER_EMPTY, optional=True)


@dataclass(frozen=True, kw_only=True)
class CallInfo:
    """One running call; `members` as in offhook.callstate.model."""

    members: tuple[dict[str, Any], ...]
    callid: str


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Result of call/query; the key has a capital on the wire."""

    calls: tuple[CallInfo, ...] = wire_name("Calls")


@dataclass(frozen=True, kw_only=True)
class Dial:
    """Request of call/dial."""

    caller: str = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION)
    callee: str = param(NUMBER, bad=Errno.CALLEE_INVALID)
    dialpermission: str | None = param(text(), bad=Errno.NO_SUCH_EXTENSION, optional=True)
    autoanswer: str | None = param(
        choice(("yes", "no")),
        bad=Errno.PARAMETER_EMPTY,
        optional=True,
        doc="the caller's phone answers by itself",
    )


@dataclass(frozen=True, kw_only=True)
class Hangup:
    """Request of call/hangup."""

    channelid: str = param(_CHANNELID, bad=Errno.NO_SUCH_CHANNEL)


@dataclass(frozen=True, kw_only=True)
class CallId:
    """Result that names a call."""

    callid: str


def endpoints(control: CallControl, dialling: Dialling) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module."""

    async def query(_caller: Caller, request: QueryCalls) -> Calls:
        found = control.query(callid=request.callid, direction=request.type)
        return Calls(
            calls=tuple(
                CallInfo(members=tuple(member.wire() for member in call.members), callid=call.callid)
                for call in found
            )
        )

    async def dial(_caller: Caller, request: Dial) -> CallId:
        callid = await dialling.dial(
            request.caller, request.callee, request.dialpermission, auto_answer=request.autoanswer == "yes"
        )
        return CallId(callid=callid)

    async def hangup(_caller: Caller, request: Hangup) -> CallId:
        return CallId(callid=await control.hangup(request.channelid))

    return [
        Endpoint(
            path="call/query",
            chapter="13",
            summary="Running calls: one by callid, or all external ones of a direction",
            request=QueryCalls,
            result=Calls,
            handler=query,
            errors=(Errno.PARAMETER_EMPTY, Errno.NO_SUCH_CALLID),
        ),
        Endpoint(
            path="call/dial",
            chapter="13",
            summary="Rings the caller and, when it has answered, calls the callee",
            request=Dial,
            result=CallId,
            handler=dial,
            errors=(
                Errno.NO_SUCH_EXTENSION,
                Errno.NO_OUTBOUND_PERMISSION,
                Errno.NO_ROUTE,
                Errno.COMBINATION_NOT_SUPPORTED,
                Errno.ENGINE_REFUSED,
                Errno.ENGINE_UNREACHABLE,
            ),
        ),
        Endpoint(
            path="call/hangup",
            chapter="13",
            summary="Hangs up one leg, which ends a call of two",
            request=Hangup,
            result=CallId,
            handler=hangup,
            errors=(Errno.NO_SUCH_CHANNEL, Errno.NO_SUCH_CALL, Errno.ENGINE_UNREACHABLE),
        ),
    ]
