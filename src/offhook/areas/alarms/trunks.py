"""Raises an alarm for a trunk that is down, and clears it when the trunk is up again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from offhook.areas.alarms.raiser import Raiser
from offhook.areas.objects.field import Row
from offhook.areas.trunks.states import FAILURE, REGISTERING
from offhook.clock import Clock

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_REGISTERING_SECONDS = 60.0


class TrunkWatch:
    """Looks at the trunks from time to time. `state` tells how one is, None while nobody knows."""

    def __init__(
        self,
        trunks: Callable[[], Awaitable[Sequence[Row]]],
        state: Callable[[Row], str | None],
        alarms: Raiser,
        clock: Clock,
    ) -> None:
        self._trunks = trunks
        self._state = state
        self._alarms = alarms
        self._clock = clock
        self._registering: dict[str, float] = {}  # since when, monotonic
        self._down: set[str] = set()

    async def run(self, down: Iterable[str]) -> None:
        """Look until cancelled; `down` are the trunks of which an alarm is raised already."""
        self._down = set(down)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self.look(await self._trunks())
            except Exception:
                log.exception("alarms: the trunks cannot be looked at")

    def look(self, trunks: Sequence[Row]) -> None:
        """Compare with the last look."""
        present = {row["trunkname"] for row in trunks}
        for name in self._down - present:
            self._clear(name, f"trunk {name} was deleted")
        for row in trunks:
            name, state = row["trunkname"], self._state(row)
            if state is None:
                continue
            if self._is_down(name, state):
                if name not in self._down:
                    self._down.add(name)
                    self._alarms.raise_(f"trunk:{name}", f"trunk {name} is down")
            elif name in self._down and state != REGISTERING:
                self._clear(name, f"trunk {name} is up again")

    def _is_down(self, name: str, state: str) -> bool:
        if state != REGISTERING:
            self._registering.pop(name, None)
            return state == FAILURE
        since = self._registering.setdefault(name, self._clock.monotonic())
        return self._clock.monotonic() - since > _REGISTERING_SECONDS

    def _clear(self, name: str, text: str) -> None:
        self._down.discard(name)
        self._alarms.clear(f"trunk:{name}", text)
