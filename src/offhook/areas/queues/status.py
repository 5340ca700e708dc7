"""The live state of a queue: who waits, and what its agents do (spec 07-queue: queue/query_status).

The state of an agent's phone is app_queue's own, by which it decides whom to ring. That an agent holds a call
is told by the picture: the engine's state 8 is that of a phone that is being held (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.queues.engine import names_of
from offhook.areas.queues.tables import queue_agents, queue_pauses, queues, wrapups
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineUnreachable, Switch, SwitchError
from offhook.callstate import Call, Picture
from offhook.callstate.call import Seat
from offhook.callstate.phase import Phase
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store

_AGENT, _PAUSE = queue_agents.c, queue_pauses.c


class AgentState(IntEnum):
    """What an agent does; 0 to 8 are the engine's device states."""

    UNKNOWN = 0
    IDLE = 1
    IN_USE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RINGING_IN_USE = 7
    HOLDS = 8
    PAUSED = 9
    WRAPS_UP = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits, by his channel; `seconds` since he entered the queue."""

    number: str
    seconds: int
    channelid: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment: callers in their order, agents in the order of the settings."""

    callers: tuple[Waiting, ...]
    agents: tuple[tuple[str, AgentState], ...]


class QueueStates:
    """Asks for the state of queues; `picture` gives the calls of this moment."""

    def __init__(self, store: Store, switch: Switch, picture: Callable[[], Picture]) -> None:
        self._store = store
        self._switch = switch
        self._picture = picture

    async def query(self, number: str) -> QueueState:
        """The state of one queue. Raises ContractError 10013, 10116, 30002."""
        resting, agents = await self._store.read(lambda connection: _settings(connection, number))
        try:
            items = [
                item
                for name in names_of(number)
                for item in await self._switch.items(actions.QueueStatus(queue=name))
            ]
        except EngineUnreachable:
            raise ContractError(Errno.ENGINE_UNREACHABLE) from None
        except SwitchError as failure:
            raise ContractError(Errno.ENGINE_REFUSED, str(failure)) from None
        picture = self._picture()
        members = {item.get("Name", ""): item for item in items if item.get("Event") == "QueueMember"}
        return QueueState(
            callers=_callers(picture, [item for item in items if item.get("Event") == "QueueEntry"]),
            agents=tuple(
                (
                    agent,
                    agent_state(
                        _number(members[agent].get("Status") if agent in members else None),
                        paused=paused,
                        holds=holds(picture, agent),
                        wraps_up=agent in resting,
                    ),
                )
                for agent, paused in agents
            ),
        )


def agent_state(device: int, *, paused: bool, holds: bool, wraps_up: bool) -> AgentState:
    """What an agent with this device state does. A pause goes before all; only an idle agent rests."""
    state = AgentState(device) if device <= AgentState.HOLDS else AgentState.UNKNOWN
    if paused:
        return AgentState.PAUSED
    if state in (AgentState.IN_USE, AgentState.HOLDS):
        return AgentState.HOLDS if holds else AgentState.IN_USE
    if state is AgentState.IDLE and wraps_up:
        return AgentState.WRAPS_UP
    return state


def holds(picture: Picture, extension: str) -> bool:
    """Whether an extension talks with nobody because it holds all its calls, by its phone or by call/hold."""
    talks = [
        (call, seat)
        for call in picture.calls_of(extension)
        for seat in call.seats
        if seat.member.number == extension and seat.talking
    ]
    return bool(talks) and all(_holds(call, seat) for call, seat in talks)


def _holds(call: Call, seat: Seat) -> bool:
    mine = [call.legs[key] for key in seat.legs]
    if any(leg.holds for leg in mine):
        return True
    held = [leg for leg in call.legs.values() if leg.held]
    return call.phase is Phase.HELD and bool(held) and not any(leg in held for leg in mine)


def _settings(connection: sa.Connection, number: str) -> tuple[frozenset[str], Sequence[tuple[str, bool]]]:
    """Who rests, and the agents with whether they are paused; one not to be disturbed is."""
    if connection.execute(sa.select(queues.c.number).where(queues.c.number == number)).first() is None:
        raise ContractError(Errno.NO_SUCH_QUEUE, "there is no such queue")
    pausing = sa.exists().where(_PAUSE.queue == number, _PAUSE.number == _AGENT.number)
    query = (
        sa.select(_AGENT.number, sa.or_(extensions.c.dnd, pausing).label("paused"))
        .join(extensions, extensions.c.number == _AGENT.number)
        .where(_AGENT.queue == number)
        .group_by(_AGENT.number)
        .order_by(sa.func.min(_AGENT.position), _AGENT.number)
    )
    resting = connection.execute(sa.select(wrapups.c.number).where(wrapups.c.queue == number)).scalars()
    return frozenset(resting), [(row.number, bool(row.paused)) for row in connection.execute(query)]


def _callers(picture: Picture, entries: Sequence[Mapping[str, str]]) -> tuple[Waiting, ...]:
    ordered = sorted(entries, key=lambda entry: _number(entry.get("Position")))
    return tuple(_caller(picture, entry) for entry in ordered)


def _caller(picture: Picture, entry: Mapping[str, str]) -> Waiting:
    """A caller as the picture knows him: behind a Local channel stands a phone."""
    uniqueid, seconds = entry.get("Uniqueid", ""), _number(entry.get("Wait"))
    call = picture.calls.get(picture.channels.get(uniqueid, ""))
    seat = call.seat_behind(uniqueid) if call is not None else None
    if seat is None:
        return Waiting(entry.get("CallerIDNum", ""), seconds, entry.get("Channel", ""))
    member = seat.member
    return Waiting(member.number or member.from_number, seconds, member.channelid)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0
