"""One fault under load, from the first call to the count of what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.support.process import UpProcess

from chaos.examine import settle
from chaos.house import House, house
from chaos.load import Failed, Load
from chaos.outcome import Outcome


@dataclass
class Trial:
    """A PBX under load, and what is known of it so far."""

    house: House
    load: Load
    outcome: Outcome
    chance: random.Random
    calls_suffer: bool
    _mended: float = 0.0
    _finished: bool = False

    @contextlib.asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """In the block something is broken, and mended; it ends when all works again.

        The recovery counts from the begin, or from `mended` where that is told.
        """
        self.load.hold()
        self._mended = time.monotonic()
        with self.house.outage():
            yield
            self.outcome.recoveries.append(time.monotonic() - self._mended)
        self.outcome.times += 1
        if not self.calls_suffer:
            await self.load.talks_are_heard()
            up, went_on = self.load.held()
            self.outcome.up += up
            self.outcome.went_on += went_on

    def mended(self) -> None:
        """The cause is gone; what is left is ours to recover from."""
        self._mended = time.monotonic()

    async def finish(self) -> None:
        """Let all calls end, and count what came of it; once is enough."""
        if self._finished:
            return
        self._finished = True
        await self.load.stop()
        self.outcome.not_connected += sum(not self._excused(failed) for failed in self.load.failed)
        await settle(self.house, self.load, self.outcome)
        if self.load.refused:
            self.outcome.notes.append(f"refused requests by errno: {dict(self.load.refused)}")
        self.outcome.notes.append(f"slowest answer of the API: {self.load.slowest:.1f} s")

    def _excused(self, failed: Failed) -> bool:
        """Whether a fault met the call: what the API promised then has a record, if no more."""
        touched = self.house.touched(failed.begin, failed.end)
        return touched and (self.calls_suffer or not failed.by_phone)


@contextlib.asynccontextmanager
async def trial(
    fault: str,
    chance: random.Random,
    *,
    rate: float = 20.0,
    pairs: int = 40,
    calls_suffer: bool = False,
    up: UpProcess | None = None,
    numbers: Sequence[str] = (),
) -> AsyncIterator[Trial]:
    """A PBX under load for the time of the block, examined at its end.

    `calls_suffer`: calls cannot go on, or begin, while it is broken. `numbers` are extensions beside those
    that make the load.
    """
    outcome = Outcome(fault)
    async with house(up, numbers) as made, Load(made, chance, rate=rate, pairs=pairs) as load:
        one = Trial(made, load, outcome, chance, calls_suffer)
        yield one
        await one.finish()


async def again_and_again(
    fault: str, chance: random.Random, times: int, rate: float, breaks: Callable[[Trial], Awaitable[None]]
) -> Outcome:
    """The same fault some times on one PBX under load, with a second of rest before each."""
    async with trial(fault, chance, rate=rate) as one:
        for _ in range(times):
            await asyncio.sleep(1.0)
            await breaks(one)
    return one.outcome
