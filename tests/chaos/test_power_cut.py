"""A power cut in a recorded call: nothing acknowledged is lost, and of what was recorded the last second."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import sqlalchemy as sa

from offhook.areas.recordings.tables import recordings
from offhook.areas.records.tables import cdr
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.power import Disk

_HANDED_OVER = 1 << 15  # bytes that the engine writes at once


async def _stored(pbx: TestPbx, table: sa.Table) -> list[Any]:
    return list(await pbx.core.store.read(lambda c: c.execute(sa.select(table)).all()))


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name, for the sockets in it."""
    with TemporaryDirectory(prefix="cut-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_a_power_cut_costs_a_second_of_recording_and_nothing_acknowledged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = folder / "before", folder / "after"
    before.mkdir()
    disk = Disk(before, monkeypatch)
    loop = asyncio.get_running_loop()
    pbx = TestPbx(before)
    await pbx.start()
    try:
        await pbx.apply("recording: {extensions: all}\n")
        for number in ("1000", "1001"):
            await pbx.extension(number)
        caller, callee = await pbx.phone("1000"), await pbx.phone("1001", frequency=700)
        callee.auto_answer = True
        call = await caller.call("1001")
        await call.answered()
        begun = loop.time()
        callid = await pbx.call_id()
        cel = before / "cel/cel.json"
        rows = cel.stat().st_size
        await eventually(lambda: disk.size(cel) >= rows, "rows are on disk a second after they came", 1.0)
        running = before / "recordings/running"
        await pbx.prompt("greeting", 910)
        prompt = await pbx.admin("GET", "/prompts/greeting")
        for times in (1, 2):
            await eventually(
                lambda times=times: _sizes(running)[-1:] >= [times * _HANDED_OVER],  # type: ignore[misc]
                "the engine hands over what was said",
            )
            written = {path: path.stat().st_size for path in running.iterdir()}
            await eventually(
                lambda written=written: all(disk.size(path) >= size for path, size in written.items()),  # type: ignore[misc]
                "what it handed over is on disk",
                0.5,
            )
        await pbx.extension("1002")
        said = loop.time() - begun
        await disk.cut_with(pbx.core.store, after)
    finally:
        await pbx.close()
        disk.close()

    again = TestPbx(after)
    await again.start()
    try:
        again.core.first_passwords = pbx.core.first_passwords
        await again.client.ok("extension/query", {"number": "1002"})
        assert await again.admin("GET", "/prompts/greeting") == prompt
        for _ in range(500):
            if [row.state for row in await _stored(again, recordings)] == ["closed"]:
                break
            await asyncio.sleep(0.01)
        (recording,) = await _stored(again, recordings)
        (record,) = await _stored(again, cdr)
        assert (record.callid, record.status, record.recording) == (callid, "ANSWERED", recording.name)
        assert recording.state == "closed"
        link = (await again.client.ok("recording/get_random", {"recording": recording.name}))["random"]
        audio, _ = await again.client.download("recording/download", recording=recording.name, random=link)
        samples, rate = soundfile.read(io.BytesIO(audio))
        assert said - 1.2 < len(samples) / rate <= said + 0.2, "all but the last second that was said"
        assert np.abs(samples).max() > 0.1
        await again.quiet()
        assert not again.core.records.open_calls()
        assert not await again.pbx.messages.recordings.service.check()
    finally:
        await again.close()


def _sizes(folder: Path) -> list[int]:
    return sorted(path.stat().st_size for path in folder.iterdir())
