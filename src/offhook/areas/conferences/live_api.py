"""Endpoints of conferences that run, fixed and instant ones (spec 05-conference)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from offhook.areas.conferences.instant import InstantConference, InstantConferences
from offhook.areas.conferences.kind import NAME
from offhook.areas.conferences.running import RunningConferences
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Rule, RuleBroken, Selection, name_list, pattern, selection

_CHAPTER = "05"
_ROOM = pattern(r"[0-9]{1,7}", says="the number of a conference")
_NUMBER = pattern(r"[0-9*#+]{1,31}", says="a number of at most 31 characters")


def numbers() -> Rule[tuple[str, ...]]:
    """Numbers of extensions or from outside, joined by commas; at least one."""
    names = name_list()

    def read(value: str) -> tuple[str, ...]:
        found = tuple(_NUMBER.read(name) for name in names.read(value))
        if not found:
            raise RuleBroken("numbers joined by commas")
        return found

    return Rule("numbers joined by commas", read, {"type": "string"})


_NUMBERS = numbers()


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Request that names conferences: one number, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_CONFERENCE)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class AddMember:
    """Request of conference/add_member."""

    number: str = param(_ROOM, bad=Errno.NO_SUCH_CONFERENCE)
    operator: str = param(_NUMBER, bad=Errno.NOT_MODERATOR)
    invitemember: tuple[str, ...] = param(_NUMBERS, bad=Errno.NO_SUCH_NUMBER)
    dialpermission: str = param(_NUMBER, bad=Errno.NO_SUCH_EXTENSION)


@dataclass(frozen=True, kw_only=True)
class Members:
    """Request of conference/kick_member, mute_member and unmute_member."""

    number: str = param(_ROOM, bad=Errno.NO_SUCH_CONFERENCE)
    operator: str = param(_NUMBER, bad=Errno.NOT_MODERATOR)
    membernumber: Selection = param(selection(), bad=Errno.NO_SUCH_MEMBER)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class SessionConferenceInfo:
    """One conference that runs; `members` as in offhook.callstate.model, without callpath."""

    callid: str
    conferencenumber: str
    conferencename: str
    members: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class InSession:
    """Result of conference/query_in_session; the key is in the singular."""

    conference: tuple[SessionConferenceInfo, ...]


@dataclass(frozen=True, kw_only=True)
class Start:
    """Request of instant_conference/start."""

    number: str = param(_ROOM, bad=Errno.PARAMETER_EMPTY)
    name: str = param(NAME, bad=Errno.PARAMETER_EMPTY)
    moderators: tuple[str, ...] = param(_NUMBERS, bad=Errno.NO_SUCH_EXTENSION)
    members: tuple[str, ...] = param(_NUMBERS, bad=Errno.NO_SUCH_NUMBER)
    dialpermission: str = param(_NUMBER, bad=Errno.NO_SUCH_EXTENSION)


@dataclass(frozen=True, kw_only=True)
class InstantConferenceInfo:
    """One instant conference, as it was started; `members` without the moderators."""

    number: str
    name: str
    moderators: str
    members: str


@dataclass(frozen=True, kw_only=True)
class InstantConferenceInfos:
    """Result of instant_conference/query."""

    conferences: tuple[InstantConferenceInfo, ...]


_MODERATED = (
    Errno.NO_SUCH_CONFERENCE,
    Errno.NOT_MODERATOR,
    Errno.CONFERENCE_FAILED,
    Errno.ENGINE_UNREACHABLE,
)
_CALLING = (Errno.NO_SUCH_EXTENSION, Errno.NO_SUCH_NUMBER, Errno.NO_OUTBOUND_PERMISSION)


def endpoints(
    running: RunningConferences, instant: InstantConferences, name_of: Callable[[str], str]
) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module; `name_of` tells what a conference is called."""

    async def in_session(_caller: Caller, request: Chosen) -> InSession:
        found = await running.in_session(request.number)
        return InSession(
            conference=tuple(
                SessionConferenceInfo(
                    callid=room.callid,
                    conferencenumber=room.number,
                    conferencename=name_of(room.number),
                    members=tuple(dataclasses.replace(one, callpath="").wire() for one in members),
                )
                for room, members in found
            )
        )

    async def add(_caller: Caller, request: AddMember) -> Nothing:
        who = request.operator, request.invitemember, request.dialpermission
        await running.add_member(request.number, *who)
        return Nothing()

    async def kick(_caller: Caller, request: Members) -> Nothing:
        await running.kick(request.number, request.operator, request.membernumber)
        return Nothing()

    async def mute(_caller: Caller, request: Members) -> Nothing:
        await running.mute(request.number, request.operator, request.membernumber, on=True)
        return Nothing()

    async def unmute(_caller: Caller, request: Members) -> Nothing:
        await running.mute(request.number, request.operator, request.membernumber, on=False)
        return Nothing()

    async def start(_caller: Caller, request: Start) -> Nothing:
        members = tuple(number for number in request.members if number not in request.moderators)
        conference = InstantConference(
            number=request.number, name=request.name, moderators=request.moderators, members=members
        )
        await instant.start(conference, request.dialpermission)
        return Nothing()

    async def query(_caller: Caller, request: Chosen) -> InstantConferenceInfos:
        return InstantConferenceInfos(
            conferences=tuple(
                InstantConferenceInfo(
                    number=one.number,
                    name=one.name,
                    moderators=",".join(one.moderators),
                    members=",".join(one.members),
                )
                for one in await instant.query(request.number)
            )
        )

    def endpoint(
        path: str, summary: str, request: Any, result: Any, handler: Any, *errors: Errno
    ) -> Endpoint[Any, Any]:
        return Endpoint(path, _CHAPTER, summary, request, result, handler, errors)

    acting = (*_MODERATED, Errno.NO_SUCH_MEMBER)
    none = Errno.NO_SUCH_CONFERENCE
    conference, instantly = "conference/", "instant_conference/"
    return [
        endpoint(
            f"{conference}query_in_session", "Conferences that run", Chosen, InSession, in_session, none
        ),
        endpoint(
            f"{conference}add_member",
            "Calls people into a conference",
            AddMember,
            Nothing,
            add,
            *_MODERATED,
            *_CALLING,
        ),
        endpoint(f"{conference}kick_member", "Removes members", Members, Nothing, kick, *acting),
        endpoint(f"{conference}mute_member", "Lets nobody hear members", Members, Nothing, mute, *acting),
        endpoint(
            f"{conference}unmute_member", "Lets members be heard again", Members, Nothing, unmute, *acting
        ),
        endpoint(
            f"{instantly}start",
            "Makes a conference and calls everybody",
            Start,
            Nothing,
            start,
            *_CALLING,
            Errno.CONFERENCE_NUMBER_IN_USE,
            Errno.CONFERENCE_FAILED,
            Errno.ENGINE_UNREACHABLE,
        ),
        endpoint(
            f"{instantly}query", "Instant conferences that run", Chosen, InstantConferenceInfos, query, none
        ),
    ]
