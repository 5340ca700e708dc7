"""A guest leaves: hotel/checkout with everything that he can have left behind (spec 18-applications)."""

from __future__ import annotations

from unittest import mock

import pytest
import sqlalchemy as sa

from offhook.areas.hotel.tables import box_emptyings
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.voicemail import folder, leave, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAKEUP = {"time": "06:30", "type": "everyday", "repeats": "1", "repeatinterval": "5"}
ROUTE = "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: [1000, 1001]}]"


async def _killed() -> None:
    """Stands for a control plane that ends right after the commit."""


async def test_a_crash_after_the_check_out_leaves_nothing_to_the_next_guest(pbx: TestPbx) -> None:
    client, data = pbx.client, pbx.settings.data
    for number in ("1000", "1001"):
        await pbx.extension(number)
    caller = await pbx.phone("1001")
    await pbx.trunk(await pbx.carrier())
    await pbx.apply(ROUTE)
    await client.ok("extension/update", {"number": "1000", "username": "Mr Guest"})
    await client.ok("wakeupcall/create", {"number": "1000,1001", "wakeup": [WAKEUP]})
    await leave(data, caller, "1000")
    ((_, old),) = [(path, path.read_bytes()) for path in folder(data, "1000").glob("msg*.wav")]

    with mock.patch.object(pbx.pbx.hotel, "empty_boxes", _killed):
        await client.ok("hotel/checkout", {"number": "1000"})
    (shown,) = (await client.ok("extension/query", {"number": "1000"}))["extinfos"]
    assert (shown["username"], shown["selectoutroute"]) == ("1000", "")
    assert "wakeups" not in await client.ok("wakeupcall/query", {"number": "1000"})
    assert len((await client.ok("wakeupcall/query", {"number": "1001"}))["wakeups"]) == 1
    assert len(await messages(pbx, "1000")) == 1, "the engine was not asked yet"

    query = sa.select(box_emptyings.c.ordered_at)
    (ordered,) = await pbx.core.store.read(lambda c: c.execute(query).scalars().all())
    # the engine notes whole seconds
    await eventually(lambda: pbx.core.clock.now() >= int(ordered) + 1, "a second has passed")
    await leave(data, caller, "1000", 2.5)
    await pbx.restart_control()

    def remaining() -> list[bytes]:
        return [path.read_bytes() for path in folder(data, "1000").glob("msg*.wav")]

    await eventually(lambda: len(remaining()) == 1, "the guest's message is gone")
    assert remaining() != [old], "that of the next guest stays"
