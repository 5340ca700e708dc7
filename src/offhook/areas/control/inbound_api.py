"""Endpoints that decide about calls from outside (spec 13-call): call/accept_inbound, call/refuse_inbound."""

from __future__ import annotations

from typing import Any

from offhook.areas.control.api import CallId
from offhook.areas.control.inbound import Inbound
from offhook.areas.control.talk_api import OneLeg
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno

_ERRORS = (
    Errno.NO_SUCH_CALL,
    Errno.DECISION_TOO_LATE,
    Errno.CALL_OPERATION_FAILED,
    Errno.NO_SUCH_CHANNEL,
    Errno.ENGINE_UNREACHABLE,
)


def endpoints(inbound: Inbound) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module."""

    async def accept(_caller: Caller, request: OneLeg) -> CallId:
        return CallId(callid=await inbound.accept(request.channelid))

    async def refuse(_caller: Caller, request: OneLeg) -> CallId:
        return CallId(callid=await inbound.refuse(request.channelid))

    def endpoint(path: str, summary: str, handler: Any) -> Endpoint[Any, Any]:
        return Endpoint(path, "13", summary, OneLeg, CallId, handler, _ERRORS)

    return [
        endpoint("call/accept_inbound", "Lets a call from outside in that Invite announced", accept),
        endpoint("call/refuse_inbound", "Turns it away", refuse),
    ]
