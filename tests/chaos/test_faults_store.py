"""The faults of `scripts/chaos`, in short: a store that cannot be written (docs/chaos.md)."""

from __future__ import annotations

import pytest
from chaos.small_disk import NoNamespaces
from chaos.trial import trial

from chaos import crowds, links, store
from tests.chaos.test_faults_kill import chance, unharmed


async def test_a_store_that_fails_and_is_locked_and_a_process_without_descriptors() -> None:
    async with trial("store", chance(), rate=10, pairs=20) as one:
        await store.fail(one, 2)
        await store.lock(one, 6)
        await crowds.exhaust(one, 2)
        alarms = await one.house.up.rows("SELECT active, count FROM alarms WHERE key = 'store'")
        ((active, count),) = alarms
        assert (active, count > 0) == (0, True), "the operator was told afterwards"
        await store.forbid(one)
    unharmed(one.outcome)
    assert one.load.refused["20010"] > 5, "writes were refused meanwhile"


async def test_a_full_disk() -> None:
    try:
        outcome = await store.full(chance(), times=1, rate=10, seconds=3)
    except NoNamespaces:
        pytest.skip("this machine lets ordinary users make no file system of their own")
    unharmed(outcome)


async def test_a_receiver_that_was_away() -> None:
    async with trial("receiver", chance(), rate=10, pairs=20) as one:
        await links.leave(one, 3)
    unharmed(one.outcome)
