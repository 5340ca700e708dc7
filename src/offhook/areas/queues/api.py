"""Endpoints of queues: their settings (spec 07-queue)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService
from offhook.areas.queues.agents import QueueAgents
from offhook.areas.queues.kind import (
    ACTION,
    BREAKOUT,
    DEST,
    EVERY,
    FLAG,
    NAME,
    NONE,
    PASSWORD,
    PROMPT,
    RETRY,
    SECONDS,
    STRATEGY,
    SURVEY,
    WRAPUP,
)
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Rule, Selection, name_list, pattern, selection


def _set(rule: Rule[Any], *, empty_ok: bool = False, secret: bool = False) -> Any:
    return param(rule, bad=Errno.QUEUE_CONFIG, optional=True, empty_ok=empty_ok, secret=secret)


@dataclass(frozen=True, kw_only=True)
class Queues:
    """Request that names queues: one number, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_QUEUE)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class UpdateQueue:
    """Request of queue/update; None: not sent."""

    number: str = param(pattern(r"[0-9]{1,7}", says="the number of a queue"), bad=Errno.NO_SUCH_QUEUE)
    queuename: str | None = _set(NAME)
    password: str | None = _set(PASSWORD, empty_ok=True, secret=True)
    ringstrategy: str | None = _set(STRATEGY)
    failoveraction: str | None = _set(ACTION)
    failoverdest: str | None = _set(DEST, empty_ok=True)
    agents: tuple[str, ...] | None = _set(name_list(), empty_ok=True)
    agenttimeout: int | None = _set(SECONDS)
    wrapuptime: int | None = _set(WRAPUP)
    ringinuse: bool | None = _set(FLAG)
    retry: int | None = _set(RETRY)
    maxwaittime: int | None = _set(SECONDS)
    joinempty: bool | None = _set(FLAG)
    leavewhenempty: bool | None = _set(FLAG)
    announcepos: bool | None = _set(FLAG)
    announcefreq: int | None = _set(EVERY)
    announceholdtime: bool | None = _set(FLAG)
    userannounce: str | None = _set(PROMPT)
    userannouncefreq: int | None = _set(EVERY)
    breakoutkey: str | None = _set(BREAKOUT)
    breakoutaction: str | None = _set(ACTION)
    breakoutdest: str | None = _set(DEST, empty_ok=True)
    satisfactionsurvey: str | None = _set(SURVEY)
    idannouncement: str | None = _set(SURVEY)

    def changes(self) -> Row:
        """The settings sent; an empty list of agents removes all."""
        named = dataclasses.asdict(self)
        named.pop("number")
        sent = {name: value for name, value in named.items() if value is not None}
        if sent.get("agents") == "":
            sent["agents"] = ()
        return sent


@dataclass(frozen=True, kw_only=True)
class QueueInfo:
    """One queue; what has no value is left out where the contract's sample leaves it out."""

    number: str
    password: str
    queuename: str
    ringstrategy: str
    failoveraction: str
    failoverdest: str | None
    agents: str
    dynamicagents: str | None
    agenttimeout: int
    agentannounce: str
    wrapuptime: int
    ringinuse: bool
    retry: int
    musiconhold: str
    maxwaittime: int
    joinempty: bool
    leavewhenempty: bool
    joinannounce: str
    announcepos: bool
    announcefreq: int
    announceholdtime: bool
    userannounce: str
    userannouncefreq: int
    breakoutkey: str
    breakoutaction: str | None
    breakoutdest: str | None
    satisfactionsurvey: str
    idannouncement: str


@dataclass(frozen=True, kw_only=True)
class QueueInfos:
    """Result of queue/query."""

    queues: tuple[QueueInfo, ...]


def queue_info(row: Row) -> QueueInfo:
    """A queue as queue/query shows it; a list of agents ends with a comma."""
    broken_out = row["breakoutkey"] != NONE
    values = {field.name: row[field.name] for field in dataclasses.fields(QueueInfo)}
    values |= {
        "failoverdest": row["failoverdest"] or None,
        "agents": "".join(f"{number}," for number in row["agents"]),
        "dynamicagents": "".join(f"{number}," for number in row["dynamicagents"]) or None,
        "breakoutaction": row["breakoutaction"] if broken_out else None,
        "breakoutdest": (row["breakoutdest"] or None) if broken_out else None,
    }
    return QueueInfo(**values)


_QUEUE = pattern(r"[0-9]{1,7}", says="the number of a queue")
_AGENT = pattern(r"[0-9]{1,7}", says="the number of an extension")


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Request of queue/delete_dynamicagent, pause_agent and unpause_agent."""

    queuenumber: str = param(_QUEUE, bad=Errno.NO_SUCH_QUEUE)
    extnumber: str = param(_AGENT, bad=Errno.NO_SUCH_EXTENSION)


@dataclass(frozen=True, kw_only=True)
class AgentLogin(Agent):
    """Request of queue/add_dynamicagent."""

    password: str | None = param(PASSWORD, bad=Errno.WRONG_PASSWORD, optional=True, secret=True)


def _agent_endpoints(agents: QueueAgents) -> list[Endpoint[Any, Any]]:
    async def login(_caller: Caller, request: AgentLogin) -> Nothing:
        await agents.login(request.queuenumber, request.extnumber, request.password or "")
        return Nothing()

    async def logout(_caller: Caller, request: Agent) -> Nothing:
        await agents.logout(request.queuenumber, request.extnumber)
        return Nothing()

    async def pause(_caller: Caller, request: Agent) -> Nothing:
        await agents.pause(request.queuenumber, request.extnumber, True)
        return Nothing()

    async def unpause(_caller: Caller, request: Agent) -> Nothing:
        await agents.pause(request.queuenumber, request.extnumber, False)
        return Nothing()

    errors = (Errno.NO_SUCH_EXTENSION, Errno.NO_SUCH_QUEUE)
    return [
        Endpoint(
            "queue/add_dynamicagent",
            "07",
            "Logs an extension in as an agent",
            AgentLogin,
            Nothing,
            login,
            (*errors, Errno.WRONG_PASSWORD),
        ),
        Endpoint(
            "queue/delete_dynamicagent", "07", "Logs a dynamic agent out", Agent, Nothing, logout, errors
        ),
        Endpoint("queue/pause_agent", "07", "Pauses an agent", Agent, Nothing, pause, errors),
        Endpoint("queue/unpause_agent", "07", "Lets a paused agent go on", Agent, Nothing, unpause, errors),
    ]


def endpoints(service: ObjectService, agents: QueueAgents) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: Queues) -> QueueInfos:
        found = await service.query(request.number, all_or_nothing=True)
        return QueueInfos(queues=tuple(queue_info(row) for row in found))

    async def update(_caller: Caller, request: UpdateQueue) -> Nothing:
        await service.update(request.number, request.changes())
        return Nothing()

    missing = (Errno.NO_SUCH_QUEUE,)
    return [
        Endpoint("queue/query", "07", "Settings of queues", Queues, QueueInfos, query, missing),
        Endpoint(
            "queue/update",
            "07",
            "Changes a queue",
            UpdateQueue,
            Nothing,
            update,
            (*missing, Errno.QUEUE_CONFIG, Errno.NO_SUCH_AUDIO),
        ),
        *_agent_endpoints(agents),
    ]
