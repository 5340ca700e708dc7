"""Reasons of CallFailed that a phone brings about by its answer (spec 15-events)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.story import phones

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_PHONE = {
    404: "404 NOT found",
    410: "410 Gone",
    480: "480 Temporatily Unavailable",
    484: "484 Address incomplete",
    486: "486 Busy here",
    500: "Line Unreachable",
    503: "Circuit/channel congestion",
    603: "486 Busy here",
}


async def _reason(pbx: TestPbx) -> str:
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 12)
    (failed,) = steps(pbx.receiver.named("CallFailed"))
    return failed.removeprefix("CallFailed ").removesuffix(": 1000")


@pytest.mark.parametrize(("code", "reason"), BY_PHONE.items())
async def test_what_the_phone_answers(pbx: TestPbx, code: int, reason: str) -> None:
    off = {"hasvoicemail": "off", "busyforward": "off", "noansforward": "off"}
    one, two = await phones(pbx, "1000", "1001", e1001=off)
    two.auto_refuse = code
    await (await one.call("1001")).refused()
    assert await _reason(pbx) == reason
