"""The store cannot be written: locked by another program, on a full disk, on a disk that fails, read-only."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import sqlite3
from functools import partial
from pathlib import Path

from chaos.house import until
from chaos.outcome import Outcome
from chaos.small_disk import small_disk
from chaos.trial import Trial, again_and_again, trial

BUSY_SECONDS = 8.0
"""An answer has to come within this time, whatever the store does: a write waits 5 s for a lock."""


async def locked(chance: random.Random, times: int = 5, rate: float = 20.0, seconds: float = 10.0) -> Outcome:
    """Another program holds the store's write lock."""
    return await again_and_again("store locked", chance, times, rate, partial(lock, seconds=seconds))


async def lock(one: Trial, seconds: float) -> None:
    """Hold the store's write lock for so long."""
    async with one.fault():
        other = await asyncio.to_thread(_locked, one.house.store)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(other.rollback)
        other.close()
        one.mended()
        await _writes_again(one)


async def failing(
    chance: random.Random, times: int = 5, rate: float = 20.0, seconds: float = 10.0
) -> Outcome:
    """Every write of offhook fails, as on a disk with errors (EFBIG by RLIMIT_FSIZE); the engine's do not."""
    return await again_and_again("store's disk fails", chance, times, rate, partial(fail, seconds=seconds))


async def fail(one: Trial, seconds: float) -> None:
    """Have every write of offhook to a file fail for so long."""
    async with one.fault():
        pid = one.house.up.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        await asyncio.sleep(seconds)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        one.mended()
        await _writes_again(one)


async def full(chance: random.Random, times: int = 5, rate: float = 20.0, seconds: float = 10.0) -> Outcome:
    """The disk of the whole data folder is full: nobody can write, the engine neither.

    Needs user namespaces, for a small file system of its own without root.
    """
    async with small_disk() as up, trial("disk full", chance, rate=rate, up=up) as one:
        for _ in range(times):
            await asyncio.sleep(1.0)
            async with one.fault():
                filler = up.seen / "filler"
                await asyncio.to_thread(_fill, filler)
                await asyncio.sleep(seconds)
                filler.unlink()
                one.mended()
                await _writes_again(one)
    return one.outcome


async def read_only(chance: random.Random, times: int = 3, rate: float = 20.0) -> Outcome:
    """The store's files may only be read when offhook starts: it says so and ends, and calls go on."""
    return await again_and_again("store read-only", chance, times, rate, forbid)


async def forbid(one: Trial) -> None:
    """Start offhook on a store that it may only read, which has to fail with a clear word; then mend it."""
    up = one.house.up
    files = [up.seen / f"offhook.db{ending}" for ending in ("", "-wal", "-shm")]
    async with one.fault():
        await up.kill()
        for path in files:
            path.chmod(0o400)
        log = len(up.log)
        try:
            await up.start()
            one.outcome.broken.append("offhook has started on a store that it cannot write")
        except AssertionError:
            if await up.wait() != 1 or "read-only" not in up.log[log:]:
                one.outcome.broken.append(f"it says: {up.log[log:]}")
        for path in files:
            path.chmod(0o600)
        one.mended()
        await up.start()
        await _writes_again(one)


def _locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


async def _writes_again(one: Trial) -> None:
    if one.load.slowest > BUSY_SECONDS:
        one.outcome.broken.append(f"an answer took {one.load.slowest:.1f} s")

    async def changed() -> bool:
        try:
            await one.house.change("again")
        except AssertionError:
            return False
        return True

    await until(changed, "a change is taken", 30)
