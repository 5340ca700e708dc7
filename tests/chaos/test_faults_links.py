"""The faults of `scripts/chaos`, in short: what offhook is connected to goes away (docs/chaos.md)."""

from __future__ import annotations

from functools import partial

from chaos.trial import trial

from chaos import clocks, links
from tests.chaos.test_faults_kill import chance, unharmed


async def test_the_ami_cut_torn_and_late() -> None:
    async with trial("ami", chance(), rate=10, pairs=20) as one:
        await links.on_ami(one, [links.cut, links.tear, partial(links.slow, 3.0)])
    unharmed(one.outcome)
    assert one.load.refused.keys() <= {"30002"}


async def test_a_dead_trunk() -> None:
    unharmed(await links.trunk_dead(chance(), times=1, rate=10, seconds=1))


async def test_a_clock_set_forward_and_back() -> None:
    unharmed(await clocks.set_forward_and_back(chance(), times=2))
