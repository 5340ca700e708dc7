"""Music on hold: what is declared or uploaded is heard by the next caller who waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pbx import TestPbx, tone_file
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUEUE = (
    "queues: [{number: 6700, queuename: Queue, agents: 1001, announcepos: off, announceholdtime: off,"
    " musiconhold: lobby}]\n"
)


async def test_changes_of_music_are_heard_at_once(pbx: TestPbx, tmp_path: Path) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    one = await pbx.phone("1000")
    await pbx.phone("1001")
    for frequency in (350, 1500):
        (tmp_path / f"tone{frequency}.wav").write_bytes(tone_file(frequency, 2))

    async def declare(files: str) -> tuple[str, ...]:
        document = f"musiconhold: [{{name: lobby, files: [{files}]}}]\n{QUEUE}"
        return (await pbx.core.apply.apply(document, folder=tmp_path)).lines

    async def waits_to(*frequencies: int) -> None:
        call = await one.call("6700")
        for frequency in frequencies:
            await eventually(
                lambda tone=frequency: call.rtp.hears(tone),  # type: ignore[misc]
                f"{frequency} Hz is heard",
                12,
            )
        await call.hangup()
        await pbx.quiet()

    await declare("tone350.wav")
    await waits_to(350)
    assert await declare("tone350.wav") == ("nothing to change",)
    assert (await declare("tone1500.wav"))[0] == "~ musiconhold lobby"
    await waits_to(1500)
    # the same name, another content
    await pbx.admin("PUT", "/musiconhold/lobby/tone1500", tone_file(700, 2), status=201)
    await waits_to(700)
    await pbx.admin("PUT", "/musiconhold/lobby/second", tone_file(1100, 2), status=201)
    await waits_to(700, 1100)
    # what was uploaded by hand goes when it is declared again
    assert (await declare("tone1500.wav"))[0] == "~ musiconhold lobby"
    await waits_to(1500)
    await pbx.apply("queues: []")
    await pbx.admin("DELETE", "/musiconhold/lobby", status=204)
