"""Has the engine read queues and agents anew, so that a change counts for callers who wait already.

app_queue reads a queue when a caller enters it, and its agents also after each round, so a caller who waits
is offered to agents as they were a round ago. To be asked for a queue's status makes it read both (measured).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from offhook.areas.extensions.model import ExtensionChanged
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch, SwitchError

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
    """Keeps app_queue in line with the store. `waiting` names the queues in which somebody waits."""

    def __init__(self, switch: Switch, waiting: Callable[[], Collection[str]]) -> None:
        self._switch = switch
        self._waiting = waiting

    async def refresh(self, numbers: Iterable[str]) -> None:
        """Have these queues read anew where somebody waits: for a new caller the engine reads them."""
        wanted = set(numbers)
        await self._read(name for name in self._waiting() if number_of(name) in wanted)

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Settings of a queue have changed."""
        if PART in parts:
            await self._read(self._waiting())

    async def on_extensions_changed(self, _changed: Sequence[ExtensionChanged]) -> None:
        """Agents may be away now, or have more phones."""
        await self._read(self._waiting())

    async def _read(self, names: Iterable[str]) -> None:
        try:
            for name in sorted(names):
                await self._switch.items(actions.QueueStatus(queue=name))
        except SwitchError as failure:
            log.warning("queues: the engine was not told of a change: %s", failure)
