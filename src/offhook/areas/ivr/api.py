"""Endpoints of IVRs (spec 06-ivr)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.ivr.kind import FLAG, NAME, REPEAT, SECONDS
from offhook.areas.objects.service import ObjectService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Rule, Selection, pattern, selection


def _set(rule: Rule[Any]) -> Any:
    return param(rule, bad=Errno.IVR_CONFIG, optional=True)


@dataclass(frozen=True, kw_only=True)
class Ivrs:
    """Request that names IVRs: one number, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_IVR)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class UpdateIvr:
    """Request of ivr/update."""

    number: str = param(pattern(r"[0-9]{1,7}", says="the number of an IVR"), bad=Errno.NO_SUCH_IVR)
    ivrname: str | None = _set(NAME)
    promptrepeat: int | None = _set(REPEAT)
    responsetimeout: int | None = _set(SECONDS)
    digittimeout: int | None = _set(SECONDS)
    dialext: bool | None = _set(FLAG)
    dialoutboundroutes: bool | None = _set(FLAG)
    dialtocheckvoicemail: bool | None = _set(FLAG)


@dataclass(frozen=True, kw_only=True)
class IvrInfo:
    """One IVR."""

    number: str
    ivrname: str
    prompt: str
    promptrepeat: int
    responsetimeout: int
    digittimeout: int
    dialext: bool
    dialoutboundroutes: bool
    dialtocheckvoicemail: bool


@dataclass(frozen=True, kw_only=True)
class IvrInfos:
    """Result of ivr/query."""

    ivr: tuple[IvrInfo, ...]


def endpoints(service: ObjectService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: Ivrs) -> IvrInfos:
        found = await service.query(request.number, all_or_nothing=True)
        names = [field.name for field in dataclasses.fields(IvrInfo)]
        return IvrInfos(ivr=tuple(IvrInfo(**{name: row[name] for name in names}) for row in found))

    async def update(_caller: Caller, request: UpdateIvr) -> Nothing:
        named = dataclasses.asdict(request)
        number = named.pop("number")
        await service.update(number, {name: value for name, value in named.items() if value is not None})
        return Nothing()

    missing = (Errno.NO_SUCH_IVR,)
    return [
        Endpoint("ivr/query", "06", "Settings of IVRs", Ivrs, IvrInfos, query, missing),
        Endpoint(
            "ivr/update",
            "06",
            "Changes an IVR",
            UpdateIvr,
            Nothing,
            update,
            (*missing, Errno.IVR_CONFIG),
        ),
    ]
