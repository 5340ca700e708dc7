"""Endpoint deviceinfo/query (spec 01-system-contacts)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from offhook.areas.system.service import SystemService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.params import NoParameters


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """What the PBX is; `extensionstatus` is extensions created and possible, such as 150/2000."""

    devicename: str
    sn: str
    firmwarever: str
    systemtime: str
    uptime: str
    extensionstatus: str


@dataclass(frozen=True, kw_only=True)
class DeviceInfoResult:
    """Result of deviceinfo/query."""

    deviceinfo: DeviceInfo


def endpoints(
    system: SystemService, extensions: Callable[[], Awaitable[tuple[int, int]]]
) -> list[Endpoint[Any, Any]]:
    """The endpoint; `extensions` tells how many extensions there are and may be."""

    async def query(_caller: Caller, _request: NoParameters) -> DeviceInfoResult:
        used, possible = await extensions()
        return DeviceInfoResult(
            deviceinfo=DeviceInfo(
                devicename=system.identity.devicename,
                sn=system.identity.sn,
                firmwarever=system.identity.firmwarever,
                systemtime=system.system_time(),
                uptime=system.uptime(),
                extensionstatus=f"{used}/{possible}",
            )
        )

    return [
        Endpoint(
            path="deviceinfo/query",
            chapter="01",
            summary="Model, serial number, firmware, clock, uptime, extension count",
            request=NoParameters,
            result=DeviceInfoResult,
            handler=query,
        )
    ]
