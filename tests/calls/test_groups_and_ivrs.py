"""Ring groups, IVRs and dialling by name in real calls; whole sequences (spec 06-ivr, 15-events)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUEUE = "announcepos: off, announceholdtime: off, wrapuptime: 0, retry: 1"


async def _carrier(pbx: TestPbx, desttype: str, dest: str) -> Carrier:
    """A carrier whose calls go to a destination."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "trunks": "siptrunk", "desttype": desttype, "dest": dest}
    await pbx.client.ok("inroute/add", route)
    await pbx.quiet()
    pbx.receiver.clear()
    return carrier


async def _told(pbx: TestPbx, step: str, seconds: float = 8.0) -> None:
    await eventually(
        lambda: step in steps(pbx.receiver.events), f"{step} in {steps(pbx.receiver.events)}", seconds
    )


NAMES = {"237": "Anna Berg", "266": "Anna Berg", "685": "Eva Müller", "732": "Reality"}
"""What is pressed, and whose name it spells: last name, first name, a letter with an accent, one word."""


@pytest.mark.parametrize("keys", NAMES)
@pytest.mark.parametrize("way", ["ivr", "failover", "breakout"])
async def test_dial_by_name_finds_who_has_no_voicemail(pbx: TestPbx, way: str, keys: str) -> None:
    await pbx.extension("1000", username="Zoe Other")
    await pbx.extension("1002", username=NAMES[keys], hasvoicemail="off")
    called = await pbx.phone("1002", frequency=620)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: Menu, dialext: off, key1: dialbyname}]\n"
        f"queues: [{{number: 6700, queuename: Queue, agents: 1000, {QUEUE}, failoveraction: Dial by name,"
        f" maxwaittime: {1 if way == 'failover' else 60},"
        " breakoutkey: 5, breakoutaction: Dial by name}]"
    )
    carrier = await _carrier(pbx, *(("ivr", "6500") if way == "ivr" else ("queue", "6700")))
    call = await carrier.call_in("1")
    await call.answered()
    if way != "failover":
        await eventually(lambda: call.rtp.packets > 10, "the menu or the music is heard")
        await call.rtp.press("1" if way == "ivr" else "5")
    else:
        await eventually(lambda: call.rtp.packets > 150, "the directory speaks after the music", 15)
    await call.rtp.press(keys)
    async with asyncio.timeout(15):
        while not called.calls:  # the name is spelt, and 1 takes it
            await call.rtp.press("1")
            await asyncio.sleep(0.3)
    talk = await called.incoming()
    await talk.answer()
    await call.hears(620)
    await talk.hears(900)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    group = {"ivr": "1002"}.get(way, "6700(1002)")
    assert steps(pbx.receiver.events)[-1] == f"NewCdr 12345678 {group} ANSWERED Inbound"
    assert [event.get("info", event.get("infos")) for event in pbx.receiver.named("DTMF")] == (
        ["1", "1"] if way == "ivr" else []
    ), "what is spelt is not told"
