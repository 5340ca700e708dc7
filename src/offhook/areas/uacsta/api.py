"""Endpoints of uacstacall/*: a phone that speaks uaCSTA answers, refuses or hangs up (spec 14-uacsta)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.uacsta.csta import CALLID_PATTERN
from offhook.areas.uacsta.service import UacstaService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import digits, pattern

_CALLID = pattern(CALLID_PATTERN, says="the cstacallid of an event uacstacall", max_len=64)
_ADDRESS = pattern(r"[0-9A-Fa-f.:\[\]]{1,64}", says="an address such as 192.168.66.70:5060", max_len=64)


@dataclass(frozen=True, kw_only=True)
class PhoneCall:
    """A call at a phone of an extension; without a port the phone's is 5060."""

    extnumber: str = param(digits(7), bad=Errno.NO_SUCH_EXTENSION)
    cstacallid: str = param(_CALLID, bad=Errno.UACSTA_FAILED)
    ipaddress: str = param(_ADDRESS, bad=Errno.UACSTA_FAILED)


def endpoints(service: UacstaService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def accept(_caller: Caller, request: PhoneCall) -> Nothing:
        await service.accept(request.extnumber, request.cstacallid, request.ipaddress)
        return Nothing()

    async def refuse(_caller: Caller, request: PhoneCall) -> Nothing:
        await service.refuse(request.extnumber, request.cstacallid, request.ipaddress)
        return Nothing()

    async def hangup(_caller: Caller, request: PhoneCall) -> Nothing:
        await service.hangup(request.extnumber, request.cstacallid, request.ipaddress)
        return Nothing()

    errors = (Errno.NO_SUCH_EXTENSION, Errno.UACSTA_FAILED)
    return [
        Endpoint(f"uacstacall/{name}", "14", f"Has the phone {does}", PhoneCall, Nothing, handler, errors)
        for name, does, handler in (
            ("accept_inbound", "answer the call that rings on it", accept),
            ("refuse_inbound", "refuse the call that rings on it", refuse),
            ("hangup", "hang up", hangup),
        )
    ]
