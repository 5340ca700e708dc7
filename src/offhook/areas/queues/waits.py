"""Who waits in which queue, and that nobody waits longer than his queue lets him (spec 07, maxwaittime).

app_queue looks at the time only between its tries, so that a caller would wait up to `retry` seconds longer,
which is half a minute as a rule. So callers who are overdue are sent on from here; while the control plane is
away they wait for app_queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from offhook import logs
from offhook.areas.queues.engine import number_of
from offhook.areas.queues.tables import queues
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError
from offhook.store.unit import Store

log = logging.getLogger(__name__)

OVERDUE = "offhook-queue-overdue"
"""The context that goes on to the failover destination of a queue."""

_MARGIN = 0.5  # what app_queue sees in time it ends by itself


@dataclass(slots=True)
class _Wait:
    """One caller in a queue; `since` in the loop's time. No clock runs while an agent has answered."""

    name: str
    channel: str
    since: float
    clock: asyncio.Task[None] | None = None

    def stop(self) -> None:
        if self.clock is not None:
            self.clock.cancel()
            self.clock = None


class Waits:
    """Keeps a clock for every caller in a queue."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch
        self._waiting: dict[str, _Wait] = {}

    def names(self) -> frozenset[str]:
        """The queues in which somebody waits, by their names in the engine."""
        return frozenset(wait.name for wait in self._waiting.values())

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in a batch of the engine's events, in their order."""
        for event in logs.each(events):
            match event.get("Event"):
                case "QueueCallerJoin":
                    self._begin(event, waited=0.0)
                case "QueueCallerLeave" | "QueueCallerAbandon":
                    self._forget(event.get("Uniqueid", ""))
                case "DialEnd" if event.get("DialStatus") == "ANSWER" and self._waiting:
                    # an agent hears his announcement first, and the caller is in the queue until he has
                    if (wait := self._waiting.get(event.get("Uniqueid", ""))) is not None:
                        wait.stop()
                case "AgentDump" if (wait := self._waiting.get(event.get("Uniqueid", ""))) is not None:
                    self._start(wait)

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
        since = asyncio.get_running_loop().time() - waited
        wait = _Wait(event.get("Queue", ""), event.get("Channel", ""), since)
        self._waiting[uniqueid] = wait
        self._start(wait)

    def _start(self, wait: _Wait) -> None:
        wait.stop()
        wait.clock = asyncio.create_task(self._run(wait))

    def _forget(self, uniqueid: str) -> None:
        if (wait := self._waiting.pop(uniqueid, None)) is not None:
            wait.stop()

    async def _run(self, wait: _Wait) -> None:
        queue = number_of(wait.name)
        query = sa.select(queues.c.maxwaittime).where(queues.c.number == queue)
        try:
            longest = await self._store.read(lambda connection: connection.execute(query).scalar())
            if longest is None:
                return
            await asyncio.sleep(wait.since + longest + _MARGIN - asyncio.get_running_loop().time())
            await self._switch.redirect(wait.channel, (OVERDUE, queue))
        except SwitchError as failure:
            log.info("queues: %s waits longer than it should: %s", wait.channel, failure)
        except Exception:
            log.exception("queues: the wait of %s is not bounded", wait.channel)

    async def close(self) -> None:
        """Stop all clocks; the callers wait on."""
        clocks = [wait.clock for wait in self._waiting.values() if wait.clock is not None]
        for uniqueid in list(self._waiting):
            self._forget(uniqueid)
        await asyncio.gather(*clocks, return_exceptions=True)
