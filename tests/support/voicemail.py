"""Voicemail in tests: leave a message by phone, read a box, see the lamp, fetch and measure a message."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import numpy as np
import soundfile  # type: ignore[import-untyped]

from tests.support.pbx import Json, TestPbx
from tests.support.phone import Call, Phone, eventually

_TONES = (440, 700, 910, 1200, 1500)


def folder(data: Path, number: str, name: str = "INBOX") -> Path:
    """A folder of a box on disk."""
    return data / "asterisk/spool/voicemail/default" / number / name


async def speak(data: Path, call: Call, number: str, seconds: float = 1.5) -> None:
    """Skip the greeting and speak until so much is recorded."""
    await call.answered()
    await eventually(lambda: call.rtp.packets > 20, "the greeting is heard", 10)
    await call.rtp.press("#")
    await eventually(lambda: recorded(data, number) > seconds, f"{seconds} s of speech are recorded", 20)


def recorded(data: Path, number: str) -> float:
    """Seconds of the message that is being left."""
    parts = folder(data, number, "tmp").glob("*.wav")
    return max((path.stat().st_size for path in parts), default=0) / 16000


async def leave(data: Path, phone: Phone, number: str, seconds: float = 1.5) -> None:
    """Leave a message in a box; returns when it lies there."""
    before = len(list(folder(data, number).glob("msg*.txt")))
    call = await phone.call(f"#{number}")
    await speak(data, call, number, seconds)
    await call.hangup()
    await eventually(
        lambda: len(list(folder(data, number).glob("msg*.txt"))) > before, "the message lies in the box"
    )


async def messages(pbx: TestPbx, number: str) -> list[tuple[str, str]]:
    """The messages of an extension as voicemail/query shows them: name and status."""
    answer = await pbx.client.ok("voicemail/query", {"number": number})
    return [
        (one["voicemailfile"], one["voicemailstatus"])
        for box in answer.get("voicemails", [])
        for one in box["voicemail"]
    ]


async def has(pbx: TestPbx, number: str, *expected: tuple[str, str]) -> None:
    """Wait until an extension has these messages."""
    for _ in range(200):
        if (found := await messages(pbx, number)) == list(expected):
            return
        await asyncio.sleep(0.05)
    assert found == list(expected)


def lamp(phone: Phone) -> tuple[int, int] | None:
    """Unheard and heard messages as the phone was told last (RFC 3842)."""
    for message in reversed(phone.notifies):
        found = re.search(r"Voice-Message: ([0-9]+)/([0-9]+)", message.body)
        if found:
            return int(found[1]), int(found[2])
    return None


async def lamp_shows(phone: Phone, unheard: int, heard: int) -> None:
    """Wait until the phone was told of so many messages."""
    await eventually(
        lambda: lamp(phone) == (unheard, heard), f"the lamp shows {unheard}/{heard}, not {lamp(phone)}"
    )


async def random_of(pbx: TestPbx, number: str, file: str, status: str = "unread") -> Json:
    """What voicemail/get_random answers, without the status word."""
    answer = await pbx.client.ok(
        "voicemail/get_random", {"number": number, "voicemailfile": file, "voicemailstatus": status}
    )
    return {name: value for name, value in answer.items() if name != "status"}


async def fetch(pbx: TestPbx, link: Json) -> tuple[str, bytes]:
    """Follow a download link; returns the content type and the body."""
    query = urlencode({**link, "token": pbx.client.token})
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{pbx.client.base}/api/v2.0.0/voicemail/download?{query}") as answer,
    ):
        return answer.content_type, await answer.read()


def tone_of(wav: bytes) -> int:
    """The tone that a WAV file is, in Hz; 0 for none of those that tests use."""
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float64")
    power = float(np.sum(samples**2))
    at = np.arange(len(samples)) / rate
    for frequency in _TONES:
        share = 2 * abs(np.sum(samples * np.exp(-2j * np.pi * frequency * at))) ** 2 / (len(samples) * power)
        if share > 0.5:
            return frequency
    return 0


async def opens(pbx: TestPbx, number: str) -> None:
    """Wait until a box is open on a phone."""
    for _ in range(200):
        if await pbx.pbx.messages.voicemail.service.open_on({number}):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the box {number} was not opened")
