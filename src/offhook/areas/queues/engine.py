"""Has the engine read queues and agents anew, so that a change counts for callers who wait already.

app_queue reads a queue when a caller enters it, and its agents also after each round, so a caller who waits
is offered to agents as they were a round ago. To be asked for a queue's status makes it read both (measured).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from offhook.areas.extensions.model import ExtensionChanged
from offhook.areas.queues.tables import queue_agents, queues
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)

PART = "queues"
"""The part of the engine's configuration that queues are."""

_LINEAR = "-linear"


def names_of(queue: str) -> tuple[str, str]:
    """The two names of a queue in the engine (views.sql): for all strategies but the linear, and for it."""
    return queue, queue + _LINEAR


def number_of(name: str) -> str:
    """The number of the queue that has this name in the engine."""
    return name.removesuffix(_LINEAR)


class QueueEngine:
    """Keeps app_queue in line with the store."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch

    async def refresh(self, numbers: Iterable[str]) -> None:
        """Have these queues read anew; an engine that is away reads them when it starts."""
        try:
            for name in (name for number in numbers for name in names_of(number)):
                await self._switch.items(actions.QueueStatus(queue=name))
        except SwitchError as failure:
            log.warning("queues: the engine was not told of a change: %s", failure)

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Settings of a queue have changed: all are read anew."""
        if PART in parts and self._switch.healthy:
            query = sa.select(queues.c.number)
            await self.refresh(await self._store.read(lambda c: c.execute(query).scalars().all()))

    async def on_extensions_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        """Agents may be away now, or have more phones."""
        if any(one.operation == "del" for one in changed):
            await self.on_parts_changed(frozenset({PART}))
        else:
            await self.refresh(await self._queues_of({one.number for one in changed}))

    async def _queues_of(self, numbers: Collection[str]) -> list[str]:
        agent = queue_agents.c
        query = sa.select(agent.queue, agent.number).distinct()
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return sorted({row.queue for row in rows if row.number in numbers})
