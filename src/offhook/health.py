"""Whether calls can be made: what a load balancer or a supervisor asks for, often and from anywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from offhook.clock import Clock
from offhook.store.tables import store_state
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
"""So old may an answer be: whoever asks more often costs nothing."""

_PATIENCE_SECONDS = 2.0
_PROBE = "probe"


class Health:
    """Looks at the parts. `parts` are looked at each time; the store by a write of its own."""

    def __init__(self, store: Store, clock: Clock, parts: Mapping[str, Callable[[], bool]]) -> None:
        self._store = store
        self._clock = clock
        self._parts = parts
        self._looked = -FRESH_SECONDS
        self._writable = False
        self._looking = asyncio.Lock()
        self._probe: asyncio.Task[bool] | None = None

    async def parts(self) -> dict[str, bool]:
        """Each part, and whether it works."""
        return {**{name: works() for name, works in self._parts.items()}, "store": await self._store_works()}

    async def _store_works(self) -> bool:
        async with self._looking:
            if self._clock.monotonic() - self._looked >= FRESH_SECONDS:
                self._writable = await self._write()
                self._looked = self._clock.monotonic()
            return self._writable

    async def _write(self) -> bool:
        if self._probe is not None and not self._probe.done():
            return False  # the last one still hangs
        self._probe = asyncio.create_task(self._try(), name="probe")
        await asyncio.wait([self._probe], timeout=_PATIENCE_SECONDS)
        return self._probe.done() and self._probe.result()

    async def _try(self) -> bool:
        try:
            await self._store.write(_PROBE, self._note)
        except Exception as failure:
            log.warning("health: the store cannot be written: %s", failure)
            return False
        return True

    def _note(self, unit: UnitOfWork) -> None:
        unit.connection.execute(sa.delete(store_state).where(store_state.c.name == _PROBE))
        unit.connection.execute(sa.insert(store_state).values(name=_PROBE, value=str(int(self._clock.now()))))

    async def close(self) -> None:
        """Wait for a probe that goes on."""
        if self._probe is not None:
            await asyncio.gather(self._probe, return_exceptions=True)
