"""A PBX of its own for the tests that drive one with random operations."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.pbx import TestPbx, running_pbx


@pytest_asyncio.fixture(loop_scope="session")
async def pbx() -> AsyncIterator[TestPbx]:
    """A running PBX."""
    async with running_pbx() as one:
        yield one
