"""What happens while the picture is brought in line with the engine, after the link was away."""

from __future__ import annotations

import asyncio

import pytest

from offhook.asterisk.switch import Snapshot, Switch
from tests.support.pbx import TestPbx
from tests.support.phone import Call, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_that_begins_and_ends_meanwhile_has_its_record_last(
    pbx: TestPbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events wait for the snapshot, in which it is not any more, while CEL tells the whole of it."""
    await pbx.extension("1000")
    await pbx.extension("1001")
    caller, callee = await pbx.phone("1000"), await pbx.phone("1001")
    callee.auto_answer = True
    switch, records = pbx.pbx.switch, pbx.core.records
    calls: list[Call] = []

    real_on_connected = switch._client._on_connected
    real_snapshot = Switch.snapshot

    async def connected() -> None:
        calls.append(await caller.call("1001"))
        await calls[0].answered()
        await eventually(records._assembler.open_calls, "CEL tells of it")
        await real_on_connected()

    async def snapshot(self: Switch) -> Snapshot:
        await calls[0].hangup()
        await eventually(lambda: records._complete, "CEL tells its end")
        return await real_snapshot(self)

    monkeypatch.setattr(switch._client, "_on_connected", connected)
    monkeypatch.setattr(Switch, "snapshot", snapshot)
    assert switch._client._link is not None
    switch._client._link.end("by the test")
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 20)
    await asyncio.sleep(0.5)  # what comes after it must not
    told = [event["event"] for event in pbx.receiver.events if event.get("callid")]
    assert told.count("CallStatus") >= 4
    assert told[-1] == "NewCdr"
    assert told.count("NewCdr") == 1
