"""Endpoint of the live state of queues (spec 07-queue: queue/query_status)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.queues.status import QueueStates
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import pattern


@dataclass(frozen=True, kw_only=True)
class OneQueue:
    """Request of queue/query_status."""

    number: str = param(pattern(r"[0-9]{1,7}", says="the number of a queue"), bad=Errno.NO_SUCH_QUEUE)


@dataclass(frozen=True, kw_only=True)
class AgentInfo:
    """An agent; `agentstatus` is one of the contract's eleven numbers."""

    agent: str
    agentstatus: int


@dataclass(frozen=True, kw_only=True)
class CallerInfo:
    """A caller who waits; `waittime` as minutes:seconds."""

    callernum: str
    waittime: str
    channelid: str


@dataclass(frozen=True, kw_only=True)
class QueuestatusInfo:
    """The state of a queue."""

    callercount: int
    members: tuple[AgentInfo, ...]
    callers: tuple[CallerInfo, ...]


@dataclass(frozen=True, kw_only=True)
class QueueStatusEntry:
    """A queue and its state; the list has one element."""

    number: str
    queuestatus: tuple[QueuestatusInfo, ...]


@dataclass(frozen=True, kw_only=True)
class QueueStatuses:
    """Result of queue/query_status."""

    queues: tuple[QueueStatusEntry, ...]


def minutes(seconds: int) -> str:
    """A time as the contract writes it: 0:37, 12:05, 75:00."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def endpoints(states: QueueStates) -> list[Endpoint[Any, Any]]:
    """The endpoint of this module."""

    async def query_status(_caller: Caller, request: OneQueue) -> QueueStatuses:
        state = await states.query(request.number)
        info = QueuestatusInfo(
            callercount=len(state.callers),
            members=tuple(AgentInfo(agent=agent, agentstatus=int(now)) for agent, now in state.agents),
            callers=tuple(
                CallerInfo(callernum=one.number, waittime=minutes(one.seconds), channelid=one.channelid)
                for one in state.callers
            ),
        )
        return QueueStatuses(queues=(QueueStatusEntry(number=request.number, queuestatus=(info,)),))

    errors = (Errno.NO_SUCH_QUEUE, Errno.ENGINE_REFUSED, Errno.ENGINE_UNREACHABLE)
    return [
        Endpoint(
            "queue/query_status",
            "07",
            "Who waits in a queue, and what its agents do",
            OneQueue,
            QueueStatuses,
            query_status,
            errors,
        )
    ]
