"""One PBX for all tests with calls; each test begins without extensions, calls and events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.engine_log import bad_expressions
from tests.support.pbx import TestPbx, running_pbx


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def the_pbx() -> AsyncIterator[TestPbx]:
    """The PBX of the whole run."""
    async with running_pbx() as pbx:
        yield pbx


@pytest_asyncio.fixture(loop_scope="session")
async def pbx(the_pbx: TestPbx) -> AsyncIterator[TestPbx]:
    """The PBX, clean. What it runs in a test has no expression that the engine cannot read."""
    await the_pbx.reset()
    log = the_pbx.settings.data / "asterisk" / "log" / "messages"
    begin = log.stat().st_size if log.exists() else 0
    yield the_pbx
    await the_pbx.reset()
    wrong = bad_expressions(log, begin)
    assert not wrong, "\n".join(wrong)
