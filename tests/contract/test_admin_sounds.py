"""Prompts and music on hold by the operators' API: uploads, texts that are spoken, names, what is in use."""

from __future__ import annotations

import io
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile  # type: ignore[import-untyped]

from offhook.areas.prompts.audio import MAX_BYTES
from tests.support.admin import Admin
from tests.support.pbx import tone_file
from tests.support.switchboard import Switchboard, running_switchboard

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_api() -> AsyncIterator[Switchboard]:
    async with running_switchboard() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def admin(the_api: Switchboard) -> AsyncIterator[Admin]:
    """The administrator, with the one prompt `welcome` and no music."""
    await the_api.begin_again()
    admin = Admin(the_api.api.port, the_api.core.first_passwords.console)
    yield admin
    await the_api.begin_again()
    for item in (await admin.ok("GET", "/prompts"))["items"]:
        if item["name"] != "welcome":
            await admin.ok("DELETE", f"/prompts/{item['name']}")
    for item in (await admin.ok("GET", "/musiconhold"))["items"]:
        await admin.ok("DELETE", f"/musiconhold/{item['name']}")


def tone(kind: str, subtype: str, rate: int, channels: int = 1, frequency: int = 500) -> bytes:
    """One second of a tone."""
    at = np.arange(rate) / rate
    samples = np.repeat((0.4 * np.sin(2 * np.pi * frequency * at))[:, None], channels, axis=1)
    target = io.BytesIO()
    soundfile.write(target, samples.astype(np.float32), rate, format=kind, subtype=subtype)
    return target.getvalue()


def pitch(wav: bytes) -> float:
    """The strongest frequency of what the engine would play, whose format is checked on the way."""
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
    info = soundfile.info(io.BytesIO(wav))
    assert (rate, info.channels, info.subtype) == (8000, 1, "PCM_16")
    strongest = int(np.argmax(np.abs(np.fft.rfft(samples.astype(float)))[1:])) + 1
    return strongest * 8000 / len(samples)


UPLOADS = [
    ("pcm.wav", tone("WAV", "PCM_16", 8000)),
    ("stereo.wav", tone("WAV", "PCM_24", 48000, 2)),
    ("alaw.wav", tone("WAV", "ALAW", 8000)),
    ("ulaw.WAV", tone("WAV", "ULAW", 8000)),
    ("gsm.wav", tone("WAV", "GSM610", 8000)),
    ("raw.gsm", tone("RAW", "GSM610", 8000)),
    ("eight.flac", tone("FLAC", "PCM_16", 48000, 8)),
]


@pytest.mark.parametrize(("filename", "data"), UPLOADS, ids=[name for name, _ in UPLOADS])
async def test_uploads_are_decoded_and_heard_as_the_engine_plays_them(
    admin: Admin, filename: str, data: bytes
) -> None:
    got = await admin.ask("PUT", f"/prompts/new?filename={filename}", data=data)
    assert (got.status, got.body["name"], round(got.body["seconds"])) == (201, "new", 1)
    heard = await admin.ask("GET", "/prompts/new")
    assert heard.headers["Content-Type"] == "audio/wav"
    assert abs(pitch(heard.body) - 500) < 5
    items = {item["name"]: item for item in (await admin.ok("GET", "/prompts"))["items"]}
    assert items.keys() == {"new", "welcome"}
    assert items["new"] == got.body
    # another upload takes its place
    await admin.ok("POST", "/prompts/new", data=tone("WAV", "PCM_16", 16000, frequency=900))
    assert abs(pitch((await admin.ask("GET", "/prompts/new")).body) - 900) < 5
    assert (await admin.ask("DELETE", "/prompts/new")).status == 204
    await admin.refused(404, "GET", "/prompts/new")
    await admin.refused(404, "DELETE", "/prompts/new")


def lying_wav(
    *, channels: int = 1, rate: int = 8000, claimed: int = 0xFFFFFFF0, data: bytes = b"\0\1" * 400
) -> bytes:
    """A WAV whose header claims more than there is."""
    block = channels * 2
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", claimed, b"WAVE", b"fmt ", 16, 1, channels, rate,
                       (rate * block) & 0xFFFFFFFF, block & 0xFFFF, 16, b"data", claimed)  # fmt: skip
    return head + data


NO_AUDIO = [
    ("a.wav", b""),
    ("a.wav", b"RIFF"),
    ("a.wav", b"not audio at all" * 100),
    ("a.gsm", b"not audio at all" * 100),
    ("a.gsm", b""),
    ("a.wav", tone("WAV", "PCM_16", 8000)[:44]),
    ("a.wav", lying_wav(channels=0)),
    ("a.wav", lying_wav(channels=65535)),
    ("a.wav", lying_wav(rate=0)),
    ("a.wav", lying_wav(rate=0x7FFFFFFF)),
    ("a.wav", b"\0" * (MAX_BYTES + 1)),
    ("a.zip", b"PK\x03\x04" + b"\0" * 1000),
    ("../../a.gsm", b"GIF89a" * 100),
]


@pytest.mark.parametrize(("filename", "data"), NO_AUDIO)
async def test_what_is_no_audio_or_too_much_is_refused(admin: Admin, filename: str, data: bytes) -> None:
    before = await admin.ok("GET", "/prompts")
    for path in ("/prompts/new", "/prompts/welcome", "/musiconhold/lobby/new"):
        assert await admin.refused(400, "PUT", f"{path}?filename={filename}", data=data)
    assert await admin.ok("GET", "/prompts") == before
    assert await admin.ok("GET", "/musiconhold") == {"items": []}


async def test_a_header_that_claims_too_much_costs_no_more_than_what_is_there(admin: Admin) -> None:
    made = await admin.ok("PUT", "/prompts/new", data=lying_wav())
    assert made["seconds"] <= 0.1
    silence = io.BytesIO()
    # half an hour and more of silence is a small FLAC
    soundfile.write(silence, np.zeros(8000 * 1900, dtype=np.int16), 8000, format="FLAC", subtype="PCM_16")
    assert len(silence.getvalue()) < MAX_BYTES
    assert "longer than 30 minutes" in await admin.refused(
        400, "PUT", "/prompts/long", data=silence.getvalue()
    )


ODD_NAMES = (
    *("123", "a+b", "a%20b", ".a", "a.wav", "a%2Fb", "%2e%2e%2fa", "a%00", "a%0a", "ü", "x" * 64),
    *("-a", "a..b", "%24%7BX%7D", "a%2500", "%252e%252e%252fa"),
)


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_are_refused(the_api: Switchboard, admin: Admin, name: str) -> None:
    data = the_api.core.settings.data
    before = sorted(path for path in data.rglob("*") if path.suffix != ".db-wal")
    for path in (f"/prompts/{name}", f"/musiconhold/{name}/a", f"/musiconhold/lobby/{name}"):
        got = await admin.ask("PUT", path, data=tone_file(440, 0.1))
        assert got.status in {400, 404, 405}, path
        assert (await admin.ask("GET", path)).status in {400, 404, 405}
        assert (await admin.ask("DELETE", path)).status in {400, 404, 405}
    assert sorted(path for path in data.rglob("*") if path.suffix != ".db-wal") == before


async def test_what_something_plays_stays(admin: Admin) -> None:
    await admin.ok("PUT", "/musiconhold/lobby/one", data=tone_file(440, 0.1))
    users = [
        ("/ivrs/6500", {"prompt": "welcome"}, {"prompt": ""}, "/prompts/welcome", "IVR 6500"),
        *(
            ("/queues/6700", {name: "welcome"}, {name: word}, "/prompts/welcome", "queue 6700")
            for name, word in (
                ("agentannounce", "[None]"),
                ("joinannounce", "[None]"),
                ("userannounce", "[None]"),
                ("satisfactionsurvey", "None"),
                ("idannouncement", "None"),
            )
        ),
        ("/settings/recording", {"announce": "welcome"}, {"announce": ""}, "/prompts/welcome", "the setting"),
        ("/queues/6700", {"musiconhold": "lobby"}, {"musiconhold": "[None]"}, "/musiconhold/lobby", "queue"),
    ]
    for path, use, leave, sound, user in users:
        await admin.ok("PATCH", path, use)
        assert f"is in use by {user}" in await admin.refused(409, "DELETE", sound)
        await admin.ok("PATCH", path, leave)
    await admin.ok("DELETE", "/musiconhold/lobby")
    for use in ({"musiconhold": "lobby"}, {"joinannounce": "nowhere"}):
        assert "there is no" in await admin.refused(400, "PATCH", "/queues/6700", use)
    for name in ("nowhere", "../secret.key"):
        await admin.refused(400, "PATCH", "/settings/recording", {"announce": name})


async def test_classes_of_music(the_api: Switchboard, admin: Admin) -> None:
    for name, frequency in (("one", 500), ("two", 900)):
        await admin.ok("PUT", f"/musiconhold/lobby/{name}", data=tone_file(frequency))
    (lobby,) = (await admin.ok("GET", "/musiconhold"))["items"]
    assert (lobby["name"], [file["name"] for file in lobby["files"]]) == ("lobby", ["one", "two"])
    assert abs(pitch((await admin.ask("GET", "/musiconhold/lobby/two")).body) - 900) < 5
    await admin.ok("DELETE", "/musiconhold/lobby/one")
    await admin.refused(409, "DELETE", "/musiconhold/lobby/two")
    for path in ("/musiconhold/lobby/one", "/musiconhold/nowhere/one", "/musiconhold/nowhere"):
        await admin.refused(404, "DELETE", path)
    await admin.refused(404, "GET", "/musiconhold/nowhere/one")
    for reserved in ("default", "general", "Default", "GENERAL"):
        assert "engine's own" in await admin.refused(
            400, "PUT", f"/musiconhold/{reserved}/a", data=tone_file(440)
        )
        await admin.refused(404, "DELETE", f"/musiconhold/{reserved}")
    text = await the_api.core.store.read(the_api.core.music.text)
    assert text.count("[") == 1
    assert "[lobby]\nmode=playlist\nentry=" in text
    assert text.rstrip().endswith("/moh/lobby/two")


async def test_a_text_is_spoken_by_the_voice_of_the_machine(
    admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    spoken = {"text": "We are closed.", "language": "de"}
    assert "no voice" in await admin.refused(400, "PUT", "/prompts/closed", spoken)
    (tmp_path / "tone.wav").write_bytes(tone("WAV", "PCM_16", 22050, frequency=700))
    voice = tmp_path / "espeak-ng"
    voice.write_text(
        f'#!/bin/sh\n/bin/cat > {tmp_path}/said\necho "$*" > {tmp_path}/how\n/bin/cat {tmp_path}/tone.wav\n'
    )
    voice.chmod(0o700)
    assert (await admin.ask("PUT", "/prompts/closed", spoken)).status == 201
    assert abs(pitch((await admin.ask("GET", "/prompts/closed")).body) - 700) < 5
    assert (tmp_path / "said").read_text() == "We are closed."
    assert "-v de" in (tmp_path / "how").read_text()
    hostile = "$(touch /tmp/x); `id` \" ' \\ -w /tmp/x <speak> ${X} ü\n"
    await admin.ok("PUT", "/prompts/closed", {"text": hostile})
    assert (tmp_path / "said").read_text() == hostile
    for body in (
        {"text": ""},
        {"text": " "},
        {"text": "x" * 2001},
        {"text": "x", "language": "en; rm"},
        {"text": "x", "language": "-w"},
        {"text": "x", "voice": "y"},
        {"text": {"a": "b"}},
        {"language": "en"},
        {"text": "\ud800"},
    ):
        await admin.refused(400, "PUT", "/prompts/closed", body)
    voice.write_text("#!/bin/sh\nexit 1\n")
    assert "cannot speak" in await admin.refused(400, "PUT", "/prompts/closed", spoken)
    voice.write_text("#!/bin/sh\necho this is no audio\n")
    await admin.refused(400, "PUT", "/prompts/closed", spoken)
    assert abs(pitch((await admin.ask("GET", "/prompts/closed")).body) - 700) < 5, "what was there stays"


async def test_a_prompt_made_by_apply_and_then_by_hand_is_made_anew(
    the_api: Switchboard, admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(tone_file(500))
    document = f"prompts: [{{name: declared, file: {tmp_path / 'a.wav'}}}]"
    assert (await the_api.core.apply.apply(document)).changes
    assert not (await the_api.core.apply.apply(document)).changes
    await admin.ok("PUT", "/prompts/declared", data=tone_file(900))
    assert (await the_api.core.apply.apply(document)).changes
    (tmp_path / "espeak-ng").write_text(f"#!/bin/sh\n/bin/cat > /dev/null\n/bin/cat {tmp_path}/a.wav\n")
    (tmp_path / "espeak-ng").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    await admin.ok("PUT", "/prompts/declared", {"text": "hello"})
    assert (await the_api.core.apply.apply(document)).changes
