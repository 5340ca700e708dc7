"""Nobody reaches an outside line without a right, on whatever path (SECURITY.md has them all).

Each path ends with a call of one who may, which has to get through: the line can be reached.
"""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx
from tests.support.toll_fraud import PATHS, house, is_open

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_reaches_an_outside_line_without_a_right(pbx: TestPbx, path: str) -> None:
    async with house(pbx) as it:
        await PATHS[path](it)
        assert not it.far.calls
        assert not [one for one in it.near.calls if one.incoming]
        await is_open(it)
