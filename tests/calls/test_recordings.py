"""Recordings of calls: both sides heard in the file, names, keys, transfers (spec 10-records)."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from tests.support.pbx import TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = re.compile(r"[0-9]{14}-[0-9.]+-([0-9a-z]+)-([0-9a-z]+)-(Internal|Inbound|Outbound)\.wav")


async def download(pbx: TestPbx, name: str) -> bytes:
    """A recording as an application fetches it."""
    answer = await pbx.client.ok("recording/get_random", {"recording": name})
    assert answer["recording"] == name
    link = f"recording/download?recording={quote(name)}&random={answer['random']}&token={pbx.client.token}"
    async with aiohttp.ClientSession() as http, http.get(f"{pbx.client.base}/api/v2.0.0/{link}") as response:
        assert response.content_type == "audio/wav", await response.text()
        return await response.read()


def sides(audio: bytes) -> tuple[Any, ...]:
    """The channels of a WAV file."""
    samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    assert rate == 8000
    return tuple(samples.T)


def share(samples: Any, frequency: int) -> float:
    """How much of the sound is a tone of this frequency, from 0 to 1."""
    if not len(samples):
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    at = np.fft.rfftfreq(len(samples), 1 / 8000)
    return float(spectrum[np.abs(at - frequency) < 15].sum() / max(spectrum.sum(), 1e-9))


async def test_an_internal_call_is_recorded_named_and_downloaded(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    await pbx.apply("recording: {extensions: [1000, 1001]}")
    one, two = await pbx.phone("1000", frequency=440), await pbx.phone("1001", frequency=1000)
    call = await one.call("1001")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(1000)
    await talk.hears(440)
    await call.hangup()
    callid = (await pbx.receiver.cdr(pbx.receiver.named("CallStatus")[0]["callid"]))["callid"]
    cdr = await pbx.receiver.cdr(callid)
    name = cdr["recording"]
    match = NAME.fullmatch(name)
    assert match is not None
    assert match.groups() == ("1000", "1001", "Internal")
    assert f"-{callid}-" in name
    (mixed,) = sides(await download(pbx, name))
    assert len(mixed) > 2000
    assert share(mixed, 440) > 0.2
    assert share(mixed, 1000) > 0.2
    await eventually(
        lambda: not list((pbx.settings.data / "recordings" / "running").iterdir()), "all are closed"
    )
