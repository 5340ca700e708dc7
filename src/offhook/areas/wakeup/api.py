"""Endpoints of the wake-up calls (spec 11-wakeup)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offhook.areas.wakeup.model import CUSTOM, Alarm
from offhook.areas.wakeup.requests import CreateWakeup, DeleteWakeups, QueryWakeups, UpdateWakeup
from offhook.areas.wakeup.service import WakeupService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.results import Nothing

_CHAPTER = "11"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionWakeup:
    """One wake-up call; repeats and repeatinterval are empty when it rings once."""

    wakeupid: int
    time: str
    type: str
    weekdays: str | None
    repeats: str
    repeatinterval: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeupInfo:
    """The wake-up calls of one extension."""

    number: str
    wakeup: tuple[ExtensionWakeup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakeups:
    """Result of wakeupcall/query; without any wake-up call the key is left out."""

    wakeups: tuple[WakeupInfo, ...] | None


def shown(alarm: Alarm) -> ExtensionWakeup:
    """A wake-up call as wakeupcall/query shows it."""
    return ExtensionWakeup(
        wakeupid=alarm.id,
        time=alarm.time,
        type=alarm.type,
        weekdays=",".join(map(str, alarm.weekdays)) if alarm.type == CUSTOM else None,
        repeats=str(alarm.repeats or ""),
        repeatinterval=str(alarm.repeatinterval or ""),
        prompt=alarm.prompt,
    )


def _result(found: Mapping[str, Sequence[Alarm]]) -> Wakeups:
    if not found:
        return Wakeups(wakeups=None)
    infos = (WakeupInfo(number=n, wakeup=tuple(shown(one) for one in alarms)) for n, alarms in found.items())
    return Wakeups(wakeups=tuple(infos))


def endpoints(service: WakeupService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: QueryWakeups) -> Wakeups:
        return _result(await service.query(request.number))

    async def create(_caller: Caller, request: CreateWakeup) -> Nothing:
        await service.create(request.number, request.wakeup)
        return Nothing()

    async def update(_caller: Caller, request: UpdateWakeup) -> Nothing:
        await service.update(request.number, request.wakeupid, request.wakeup)
        return Nothing()

    async def delete(_caller: Caller, request: DeleteWakeups) -> Nothing:
        await service.delete(request.number, request.wakeupid)
        return Nothing()

    refused = (Errno.PARAMETER_EMPTY, Errno.NO_SUCH_EXTENSION, Errno.WAKEUP_CONFIG, Errno.NO_SUCH_AUDIO)
    return [
        Endpoint(
            "wakeupcall/query",
            _CHAPTER,
            "Wake-up calls of extensions",
            QueryWakeups,
            Wakeups,
            query,
            (Errno.NO_SUCH_EXTENSION,),
        ),
        Endpoint(
            "wakeupcall/create",
            _CHAPTER,
            "Gives extensions a wake-up call",
            CreateWakeup,
            Nothing,
            create,
            (*refused, Errno.WAKEUP_EXISTS),
        ),
        Endpoint(
            "wakeupcall/update",
            _CHAPTER,
            "Changes a wake-up call",
            UpdateWakeup,
            Nothing,
            update,
            (*refused, Errno.NO_SUCH_WAKEUP),
        ),
        Endpoint(
            "wakeupcall/delete",
            _CHAPTER,
            "Deletes wake-up calls",
            DeleteWakeups,
            Nothing,
            delete,
            (Errno.NO_SUCH_EXTENSION, Errno.NO_SUCH_WAKEUP),
        ),
    ]
