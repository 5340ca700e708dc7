"""Recordings of wideband phones (G.722): what is above 4 kHz is in the file, also beside a phone of G.711."""

from __future__ import annotations

import asyncio

import pytest

from tests.calls.test_recordings import download, rows, share, sides
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.queue_calls import record_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("caller", "callee"), [(5000, 6000), (5000, 570), (570, 6000)])
async def test_wideband_phones_are_recorded_as_they_sound(pbx: TestPbx, caller: int, callee: int) -> None:
    """A phone whose tone is above 4 kHz speaks G.722, the other one G.711."""
    for number in ("1000", "1001"):
        await pbx.extension(number)
    await pbx.apply("recording: {extensions: [1001], stereo: on}")
    one = await pbx.phone("1000", frequency=caller, wideband=caller > 4000)
    two = await pbx.phone("1001", frequency=callee, wideband=callee > 4000)
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.answered()
    await eventually(lambda: min(call.rtp.packets, talk.rtp.packets) > 50, "a second of talk")
    await asyncio.sleep(0.3)
    await call.hangup()
    cdr = await record_of(pbx)
    (row,) = await rows(pbx, cdr["callid"])
    left, right = sides(await download(pbx, row["name"]))
    assert (share(left, caller) > 0.9, share(right, callee) > 0.9) == (True, True), (
        share(left, caller),
        share(right, callee),
    )
