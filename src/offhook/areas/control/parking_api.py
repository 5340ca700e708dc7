"""Endpoints of parking (spec 13-call: call/callpark, call/callpark_status)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.control.parking import Parking
from offhook.areas.control.talk_api import CHANNELID
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import NoParameters, param
from offhook.contract.rules import digits


@dataclass(frozen=True, kw_only=True)
class Park:
    """Request of call/callpark."""

    channelid: str = param(CHANNELID, bad=Errno.NO_SUCH_CHANNEL)
    parkingslot: str | None = param(digits(7), bad=Errno.PARKING_SLOT, optional=True)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Result of call/callpark."""

    parkingslot: str


@dataclass(frozen=True, kw_only=True)
class ParkInfo:
    """Somebody who is parked; `parktime` are the seconds left until the call goes back."""

    parker: str
    parkedparty: str
    parkingslot: str
    parktime: int
    channelid: str


@dataclass(frozen=True, kw_only=True)
class ParkInfos:
    """Result of call/callpark_status."""

    parkinfos: tuple[ParkInfo, ...]


def endpoints(parking: Parking) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module."""

    async def park(_caller: Caller, request: Park) -> Slot:
        return Slot(parkingslot=await parking.park(request.channelid, request.parkingslot))

    async def status(_caller: Caller, _request: NoParameters) -> ParkInfos:
        return ParkInfos(
            parkinfos=tuple(
                ParkInfo(
                    parker=one.parker,
                    parkedparty=one.party,
                    parkingslot=one.slot,
                    parktime=one.seconds,
                    channelid=one.channelid,
                )
                for one in await parking.status()
            )
        )

    return [
        Endpoint(
            "call/callpark",
            "13",
            "Parks a party of a call",
            Park,
            Slot,
            park,
            (
                Errno.NO_SUCH_CHANNEL,
                Errno.NO_SUCH_CALL,
                Errno.CALL_NOT_CONNECTED,
                Errno.CALL_OPERATION_FAILED,
                Errno.PARKING_FAILED,
                Errno.ENGINE_UNREACHABLE,
            ),
        ),
        Endpoint("call/callpark_status", "13", "Who is parked", NoParameters, ParkInfos, status),
    ]
