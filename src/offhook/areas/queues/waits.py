"""Who waits in which queue, and that nobody waits longer than his queue lets him (spec 07, maxwaittime).

app_queue looks at the time only between its tries, so that a caller would wait up to `retry` seconds longer,
which is half a minute as a rule. So callers who are overdue are sent on from here; while the control plane is
away they wait for app_queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from offhook.areas.queues.engine import number_of
from offhook.areas.queues.tables import queues
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)

OVERDUE = "offhook-queue-overdue"
"""The context that goes on to the failover destination of a queue."""

_MARGIN = 0.5  # what app_queue sees in time it ends by itself
_LEFT = frozenset({"QueueCallerLeave", "QueueCallerAbandon"})


class Waits:
    """Keeps a clock for every caller in a queue."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._names: dict[str, str] = {}

    def names(self) -> frozenset[str]:
        """The queues in which somebody waits, by their names in the engine."""
        return frozenset(self._names.values())

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in a batch of the engine's events, in their order."""
        for event in events:
            if event.get("Event") == "QueueCallerJoin":
                self._begin(event, waited=0.0)
            elif event.get("Event") in _LEFT:
                self._forget(event.get("Uniqueid", ""))

    async def on_connected(self) -> None:
        """After a (re)connection: the engine tells who waits, and for how long."""
        for uniqueid in list(self._waiting):
            self._forget(uniqueid)
        for item in await self._switch.items(actions.QueueStatus()):
            if item.get("Event") == "QueueEntry":
                waited = item.get("Wait", "")
                self._begin(item, waited=float(waited) if waited.isdecimal() else 0.0)

    def _begin(self, event: Mapping[str, str], waited: float) -> None:
        uniqueid = event.get("Uniqueid", "")
        self._forget(uniqueid)
        name = event.get("Queue", "")
        self._names[uniqueid] = name
        work = self._wait(number_of(name), event.get("Channel", ""), waited)
        self._waiting[uniqueid] = asyncio.create_task(work)

    def _forget(self, uniqueid: str) -> None:
        self._names.pop(uniqueid, None)
        if (task := self._waiting.pop(uniqueid, None)) is not None:
            task.cancel()

    async def _wait(self, queue: str, channel: str, waited: float) -> None:
        query = sa.select(queues.c.maxwaittime).where(queues.c.number == queue)
        try:
            longest = await self._store.read(lambda connection: connection.execute(query).scalar())
            if longest is None:
                return
            await asyncio.sleep(longest - waited + _MARGIN)
            await self._switch.redirect(channel, (OVERDUE, queue))
        except SwitchError as failure:
            log.info("queues: %s waits longer than it should: %s", channel, failure)
        except Exception:
            log.exception("queues: the wait of %s is not bounded", channel)

    async def close(self) -> None:
        """Stop all clocks; the callers wait on."""
        tasks = list(self._waiting.values())
        for uniqueid in list(self._waiting):
            self._forget(uniqueid)
        await asyncio.gather(*tasks, return_exceptions=True)
