"""kill -9 at a random moment: of the control plane, of the engine, of both."""

from __future__ import annotations

import asyncio
import random

from tests.support.phone import eventually

from chaos.outcome import Outcome
from chaos.trial import trial

_REST_SECONDS = (0.8, 2.5)


async def control_killed(chance: random.Random, times: int = 100, rate: float = 20.0) -> Outcome:
    """offhook is killed again and again under calls, which all go on; each time it is started at once."""
    async with trial("offhook killed -9", chance, rate=rate) as one:
        for _ in range(times):
            await asyncio.sleep(chance.uniform(*_REST_SECONDS))
            async with one.fault():
                await one.house.up.kill()
                await one.house.up.start()
                await one.house.answers()
    return one.outcome


async def engine_killed(chance: random.Random, times: int = 20, rate: float = 20.0) -> Outcome:
    """The engine is killed: its calls end, with a record each, and it is there again by itself."""
    return await _engine_killed("Asterisk killed -9", chance, times, rate, both=False)


async def both_killed(chance: random.Random, times: int = 20, rate: float = 20.0) -> Outcome:
    """Engine and offhook are killed at the same moment, and offhook is started again."""
    return await _engine_killed("both killed -9", chance, times, rate, both=True)


async def _engine_killed(name: str, chance: random.Random, times: int, rate: float, *, both: bool) -> Outcome:
    async with trial(name, chance, rate=rate, calls_suffer=True) as one:
        at = one.house
        for turn in range(times):
            if turn:
                await one.load.begin_talks()
            await asyncio.sleep(chance.uniform(*_REST_SECONDS))
            at.receiver.forget("BootUp")
            async with one.fault():
                at.kill_engine()
                if both:
                    await at.up.kill()
                    await at.up.start()
                await eventually(lambda: at.receiver.named("BootUp"), "a new engine", 40)
                await at.answers()
    return one.outcome
