"""The faults of `scripts/chaos`, in short: processes killed under load, everybody at once (docs/chaos.md)."""

from __future__ import annotations

import random

from chaos.outcome import Outcome

from chaos import crowds, kills


def chance() -> random.Random:
    """Random numbers whose seed is printed, so that a run can be had again."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    return random.Random(seed)


def unharmed(outcome: Outcome) -> None:
    """Nothing lost, nothing doubled, all in order."""
    print(outcome)
    assert outcome.wrong == []


async def test_offhook_killed_three_times_under_twenty_calls_per_second() -> None:
    outcome = await kills.control_killed(chance(), times=3)
    unharmed(outcome)
    assert outcome.times == 3
    assert outcome.calls > 60


async def test_both_killed_under_load() -> None:
    unharmed(await kills.both_killed(chance(), times=1, rate=10))


async def test_phones_that_all_register_after_a_restart() -> None:
    unharmed(await crowds.registering(chance(), count=300))


async def test_more_calls_than_the_engine_has_descriptors_for() -> None:
    unharmed(await crowds.engine_at_capacity(chance(), times=1))
