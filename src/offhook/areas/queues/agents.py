"""Agents who log in and out of queues and pause: rows that app_queue reads live (spec 07-queue)."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.queues.tables import queue_agents, queue_pauses, queues, wrapups
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store, UnitOfWork

OnAgents: TypeAlias = Callable[[Iterable[str]], Awaitable[None]]

_AGENT, _PAUSE = queue_agents.c, queue_pauses.c


class QueueAgents:
    """Who answers which queue at the moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hooks: list[OnAgents] = []

    def on_changed(self, hook: OnAgents) -> None:
        """Have `hook` awaited with the queue after its agents have come, gone, paused or resumed."""
        self._hooks.append(hook)

    async def wrapping_up(self, queue: str) -> frozenset[str]:
        """The agents who wrap up a call at this moment and get none from this queue until they have."""
        query = sa.select(wrapups.c.number).where(wrapups.c.queue == queue)
        found = await self._store.read(lambda connection: connection.execute(query).scalars().all())
        return frozenset(found)

    async def _changed(self, queue: str) -> None:
        for hook in self._hooks:
            await hook([queue])

    async def login(self, queue: str, number: str, password: str | None) -> None:
        """Make an extension a dynamic agent; one who is an agent already stays so.

        `password` None: it was asked on the phone. Raises ContractError 10006, 10013, 10032.
        """

        def work(unit: UnitOfWork) -> None:
            wanted = _check(unit.connection, queue, number)
            if wanted and password is not None and not hmac.compare_digest(wanted, password):
                raise ContractError(Errno.WRONG_PASSWORD)
            if not _is_agent(unit.connection, queue, number):
                last = sa.select(sa.func.coalesce(sa.func.max(_AGENT.position), -1) + 1).where(
                    _AGENT.queue == queue
                )
                position = unit.connection.execute(last).scalar_one()
                unit.connection.execute(
                    sa.insert(queue_agents).values(
                        queue=queue, number=number, static=False, position=position
                    )
                )

        await self._store.write("queue: agent in", work)
        await self._changed(queue)

    async def logout(self, queue: str, number: str) -> None:
        """Take a dynamic agent out; static ones stay. Raises ContractError 10006, 10013."""

        def work(unit: UnitOfWork) -> None:
            _check(unit.connection, queue, number)
            own = (_AGENT.queue == queue, _AGENT.number == number, _AGENT.static.is_(False))
            unit.connection.execute(sa.delete(queue_agents).where(*own))

        await self._store.write("queue: agent out", work)
        await self._changed(queue)

    async def pause(self, queue: str, number: str, paused: bool) -> None:
        """Pause an agent, or let him go on. Raises ContractError 10006 (no such agent), 10013."""

        def work(unit: UnitOfWork) -> None:
            _check(unit.connection, queue, number)
            if not _is_agent(unit.connection, queue, number):
                raise ContractError(Errno.NO_SUCH_EXTENSION, "the extension is no agent of this queue")
            unit.connection.execute(
                sa.delete(queue_pauses).where(_PAUSE.queue == queue, _PAUSE.number == number)
            )
            if paused:
                unit.connection.execute(sa.insert(queue_pauses).values(queue=queue, number=number))

        await self._store.write("queue: pause", work)
        await self._changed(queue)


def _check(connection: sa.Connection, queue: str, number: str) -> str:
    """The queue's password. Raises ContractError when queue or extension do not exist."""
    query = sa.select(queues.c.password).where(queues.c.number == queue)
    password: str | None = connection.execute(query).scalar_one_or_none()
    if password is None:
        raise ContractError(Errno.NO_SUCH_QUEUE, "there is no such queue")
    if not queries.exists(connection, number):
        raise ContractError(Errno.NO_SUCH_EXTENSION, "there is no such extension")
    return password


def _is_agent(connection: sa.Connection, queue: str, number: str) -> bool:
    query = sa.select(_AGENT.number).where(_AGENT.queue == queue, _AGENT.number == number)
    return connection.execute(query).first() is not None
