"""Endpoints of conference rooms: their settings (spec 05-conference)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.conferences.kind import FLAG, MODERATORS, NAME, PASSWORD
from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Rule, Selection, pattern, selection


def _set(rule: Rule[Any], *, empty_ok: bool = False, secret: bool = False) -> Any:
    return param(rule, bad=Errno.PARAMETER_EMPTY, optional=True, empty_ok=empty_ok, secret=secret)


@dataclass(frozen=True, kw_only=True)
class Conferences:
    """Request that names conferences: one number, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_CONFERENCE)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class UpdateConference:
    """Request of conference/update; None: not sent."""

    number: str = param(
        pattern(r"[0-9]{1,7}", says="the number of a conference"), bad=Errno.NO_SUCH_CONFERENCE
    )
    name: str | None = _set(NAME)
    participantepassword: str | None = _set(PASSWORD, empty_ok=True, secret=True)
    moderatorpassword: str | None = _set(PASSWORD, empty_ok=True, secret=True)
    waitformoderator: bool | None = _set(FLAG)
    allowinvite: bool | None = _set(FLAG)
    moderators: tuple[str, ...] | None = param(
        MODERATORS, bad=Errno.NO_SUCH_EXTENSION, optional=True, empty_ok=True
    )
    musiconhold: bool | None = _set(FLAG)

    def changes(self) -> Row:
        """The settings sent; an empty list of moderators removes all."""
        named = dataclasses.asdict(self)
        named.pop("number")
        sent = {name: value for name, value in named.items() if value is not None}
        if sent.get("moderators") == "":
            sent["moderators"] = ()
        return sent


@dataclass(frozen=True, kw_only=True)
class ConferenceInfo:
    """One conference; switches are yes and no, what is not set is empty."""

    number: str
    name: str
    participantepassword: str
    moderatorpassword: str
    waitformoderator: str
    allowinvite: str
    moderators: str
    musiconhold: str


@dataclass(frozen=True, kw_only=True)
class ConferenceInfos:
    """Result of conference/query."""

    conferences: tuple[ConferenceInfo, ...]


def conference_info(row: Row) -> ConferenceInfo:
    """A conference as conference/query shows it."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ",".join(value) if isinstance(value, tuple) else str(value)

    return ConferenceInfo(**{f.name: text(row[f.name]) for f in dataclasses.fields(ConferenceInfo)})


def endpoints(service: ObjectService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: Conferences) -> ConferenceInfos:
        found = await service.query(request.number, all_or_nothing=True)
        return ConferenceInfos(conferences=tuple(conference_info(row) for row in found))

    async def update(_caller: Caller, request: UpdateConference) -> Nothing:
        await service.update(request.number, request.changes())
        return Nothing()

    missing = (Errno.NO_SUCH_CONFERENCE,)
    return [
        Endpoint(
            "conference/query",
            "05",
            "Settings of conferences",
            Conferences,
            ConferenceInfos,
            query,
            missing,
        ),
        Endpoint(
            "conference/update",
            "05",
            "Changes a conference",
            UpdateConference,
            Nothing,
            update,
            (*missing, Errno.NO_SUCH_EXTENSION),
        ),
    ]
