"""Trunks with a second Asterisk as the provider: real registrations, digests, transports (spec 03-trunk)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx
from tests.support.second_asterisk import PHONES, SecondAsterisk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_smoke(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000", frequency=440)
    async with SecondAsterisk(pbx.registrar) as provider:
        await pbx.client.ok(
            "trunk/add_siptrunk",
            {
                "trunkname": "siptrunk",
                "trunktype": "peer",
                "host": provider.address,
                "domain": provider.address,
                "port": str(provider.port),
            },
        )
        await pbx.client.ok(
            "inroute/add", {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
        )
        await pbx.client.ok(
            "outroute/add",
            {"name": "out", "prefix": "9X.", "strip": "1", "trunks": "siptrunk", "extensions": "1000"},
        )
        outside = await provider.phone()
        call = await outside.call("5503301")
        ring = await one.incoming()
        print(ring.shown)
        await ring.answer()
        await call.hears(440)
        await ring.hears(900)
        await call.hangup()
        await ring.over()
        out = await one.call(f"9{PHONES[0]}")
        ring = await outside.incoming()
        print(ring.invite)
        await ring.answer()
        await out.hears(900)
        await ring.hears(440)
        await ring.hangup()
        await out.over()
        tone = await one.call("9700700")
        await tone.hears(700)
        await tone.hangup()
        assert await (await one.call("9486")).refused() == 486
