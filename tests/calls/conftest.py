"""One PBX for all tests with calls; each test begins without extensions, calls and events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.pbx import TestPbx, running_pbx


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def the_pbx() -> AsyncIterator[TestPbx]:
    """The PBX of the whole run."""
    async with running_pbx() as pbx:
        yield pbx


@pytest_asyncio.fixture(loop_scope="session")
async def pbx(the_pbx: TestPbx) -> AsyncIterator[TestPbx]:
    """The PBX, clean."""
    await the_pbx.reset()
    yield the_pbx
    await the_pbx.reset()
