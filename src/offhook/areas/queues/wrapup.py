"""Wrap-up time: an agent who has left a queue's call rests before he gets the next (spec 07, wrapuptime).

app_queue keeps a wrap-up too, and forgets it when the agent transfers the call; ours goes by the agent's own
leg, however it ends. What is kept is when each agent's last call from a queue ended, in the store, so that it
outlives a restart: the views make a pause of it for as long as each of his queues wants, and then it means
nothing any more. One row per agent, so nothing has to be cleared away. While the control plane is away,
app_queue's own wrap-up is what there is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from offhook import logs
from offhook.areas.queues.tables import agent_last_calls, queue_agents, queues, wrapups
from offhook.callstate.party import PartyType, party_of_channel
from offhook.clock import Clock
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

_AGENT, _LAST, _QUEUE = queue_agents.c, agent_last_calls.c, queues.c
_UP = "Up"
_MARGIN = 1.05  # the views count whole seconds

Refresh = Callable[[Iterable[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Talk:
    """An agent in a queue's call; `uniqueid` is his leg's, empty while only a Local channel is known."""

    number: str
    linkedid: str
    uniqueid: str


def begun(event: Mapping[str, str]) -> Talk | None:
    """The talk that an AgentConnect begins. Pure."""
    channel, number = event.get("DestChannel", ""), event.get("MemberName", "")
    uniqueid = event.get("DestUniqueid", "") if _extension(channel) == number else ""
    return Talk(number, event.get("Linkedid", ""), uniqueid) if number else None


def learned(talk: Talk, event: Mapping[str, str]) -> Talk:
    """The talk with the agent's leg, if this BridgeEnter shows it. Pure."""
    if talk.uniqueid or not _of(talk, event):
        return talk
    return replace(talk, uniqueid=event.get("Uniqueid", ""))


def ends(talk: Talk, event: Mapping[str, str]) -> bool:
    """Whether this Hangup is that of the agent's leg; phones of his that only rang do not count. Pure."""
    if talk.uniqueid:
        return event.get("Uniqueid") == talk.uniqueid
    return _of(talk, event) and event.get("ChannelStateDesc") == _UP


def _of(talk: Talk, event: Mapping[str, str]) -> bool:
    return _extension(event.get("Channel", "")) == talk.number and event.get("Linkedid") == talk.linkedid


def _extension(channel: str) -> str:
    party = party_of_channel(channel)
    return party.name if party is not None and party.type is PartyType.EXTENSION else ""


class WrapUps:
    """Notes when agents leave their calls. `refresh` has the engine read queues anew."""

    def __init__(self, store: Store, clock: Clock, refresh: Refresh) -> None:
        self._store = store
        self._clock = clock
        self._refresh = refresh
        self._talks: list[Talk] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in a batch of the engine's events, in their order."""
        for event in logs.each(events):
            match event.get("Event"):
                case "AgentConnect":
                    if (talk := begun(event)) is not None:
                        self._talks.append(talk)
                case "BridgeEnter" if self._talks:
                    self._talks = [learned(talk, event) for talk in self._talks]
                case "Hangup" if self._talks:
                    self._end([talk for talk in self._talks if ends(talk, event)])

    def on_snapshot(self, channels: Sequence[Mapping[str, str]]) -> None:
        """After a (re)connection: end the talks that ended unseen, and find those that go on."""
        living = {channel.get("Uniqueid", "") for channel in channels}
        linked = {channel.get("Linkedid", "") for channel in channels}
        self._end([talk for talk in self._talks if (talk.uniqueid or talk.linkedid) not in living | linked])
        known = {talk.uniqueid for talk in self._talks}
        for channel in channels:
            number, uniqueid = _extension(channel.get("Channel", "")), channel.get("Uniqueid", "")
            talks = channel.get("Application") == "AppQueue" and channel.get("ChannelStateDesc") == _UP
            if number and talks and uniqueid not in known:
                self._talks.append(Talk(number, channel.get("Linkedid", ""), uniqueid))
        self._go(self._resume())

    def _end(self, ended: Sequence[Talk]) -> None:
        if ended:
            self._talks = [talk for talk in self._talks if talk not in ended]
            for talk in ended:
                self._go(self._note(talk.number, self._clock.now()))

    def _go(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(_told(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, number: str, ended: float) -> None:
        def work(unit: UnitOfWork) -> dict[str, int]:
            resting = _rests(unit.connection, number)
            if resting:
                unit.connection.execute(sa.delete(agent_last_calls).where(_LAST.number == number))
                unit.connection.execute(sa.insert(agent_last_calls).values(number=number, ended=ended))
            return resting

        await self._wait(ended, await self._store.write("queue: wrap-up", work))

    async def _resume(self) -> None:
        """Wait for the ends of the wrap-ups that were noted before a restart."""

        def work(connection: sa.Connection) -> list[tuple[float, dict[str, int]]]:
            numbers = sa.select(wrapups.c.number)
            query = sa.select(_LAST.number, _LAST.ended).where(_LAST.number.in_(numbers))
            rows = connection.execute(query).all()
            return [(row.ended, _rests(connection, row.number)) for row in rows]

        for ended, resting in await self._store.read(work):
            self._go(self._wait(ended, resting, begins=False))

    async def _wait(self, ended: float, resting: Mapping[str, int], *, begins: bool = True) -> None:
        """Have the engine read the agent's queues when he rests, and as soon as each may ring him again."""
        if begins:
            await self._refresh(resting)
        for queue, seconds in sorted(resting.items(), key=lambda item: item[1]):
            left = ended + seconds + _MARGIN - self._clock.now()
            if left > 0:
                await asyncio.sleep(left)
                await self._refresh([queue])

    async def close(self) -> None:
        """Note what has ended; nobody waits for the ends of wrap-ups any more."""
        await asyncio.sleep(0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _rests(connection: sa.Connection, number: str) -> dict[str, int]:
    """The queues of an agent that want a wrap-up, and how long, in seconds."""
    query = (
        sa.select(_AGENT.queue, _QUEUE.wrapuptime)
        .join(queues, _QUEUE.number == _AGENT.queue)
        .where(_AGENT.number == number, _QUEUE.wrapuptime > 0)
    )
    return {row.queue: row.wrapuptime for row in connection.execute(query)}


async def _told(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        log.exception("queues: a wrap-up could not be noted")
