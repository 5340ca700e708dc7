"""Uploads are decoded and encoded anew; names never lead out of their folder."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.control.playing import gain
from offhook.areas.prompts import audio, speech
from offhook.areas.prompts.audio import RATE, AudioError, decode, encode
from offhook.areas.prompts.files import NameRefused, SoundFolder, name_of


def made(kind: str, subtype: str | None, rate: int = 16000, channels: int = 1, seconds: float = 1.0) -> bytes:
    """A tone of 440 Hz in some format."""
    at = np.arange(int(rate * seconds)) / rate
    tone = (0.5 * np.sin(2 * math.pi * 440 * at)).astype(np.float32)
    target = io.BytesIO()
    samples = np.repeat(tone[:, None], channels, axis=1)
    soundfile.write(target, samples, rate, format=kind, subtype=subtype)
    return target.getvalue()


def pitch(samples: Any) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return float(np.argmax(spectrum[1:]) + 1) * RATE / len(samples)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.wav", made("WAV", "PCM_16")),
        ("b.WAV", made("WAV", "PCM_24", rate=44100, channels=2)),
        ("c.wav", made("WAV", "ULAW", rate=8000)),
        ("d.wav", made("WAV", "ALAW", rate=8000)),
        ("e.wav", made("WAV", "GSM610", rate=8000)),
        ("f.gsm", made("RAW", "GSM610", rate=8000)),
        ("g.flac", made("FLAC", "PCM_16", rate=48000)),
        ("h.ogg", made("OGG", "VORBIS", rate=48000)),
        ("i.mp3", made("MP3", None, rate=44100)),
        ("j.aiff", made("AIFF", "PCM_16")),
    ],
)
def test_common_formats_become_the_engines(name: str, data: bytes) -> None:
    samples = decode(data, name)
    assert 0.9 < len(samples) / RATE < 1.2
    assert abs(pitch(samples) - 440) < 5
    assert 10_000 < np.abs(samples).max() <= 32767
    with soundfile.SoundFile(io.BytesIO(encode(samples))) as file:
        assert (file.samplerate, file.channels, file.subtype) == (RATE, 1, "PCM_16")


def test_what_is_too_long_or_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MAX_SECONDS", 2)
    with pytest.raises(AudioError, match="longer"):
        decode(made("FLAC", "PCM_16", seconds=3), "a.flac")
    monkeypatch.setattr(audio, "MAX_BYTES", 100)
    with pytest.raises(AudioError, match="larger"):
        decode(made("WAV", "PCM_16"), "a.wav")
    with pytest.raises(AudioError):
        decode(b"", "a.wav")


@given(st.binary(max_size=400), st.sampled_from(["a.wav", "a.gsm", "a.mp3"]))
def test_any_bytes_are_audio_or_refused(data: bytes, name: str) -> None:
    try:
        decode(data, name)
    except AudioError:
        return


@given(st.text(max_size=80))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("/tmp/prompts")
    try:
        checked = name_of(name)
    except NameRefused:
        assert not SoundFolder(folder).exists(name)
        return
    path = SoundFolder(folder)._path(checked)
    assert path.parent == folder
    assert path.resolve().parent == folder.resolve()
    assert "/" not in checked
    assert "\0" not in checked
    assert "+" not in checked


@pytest.mark.parametrize("name", ["", "123", "a+b", "../a", "a/b", ".a", "a b", "a\n", "a.wav.gsm", "x" * 64])
def test_names_that_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NameRefused):
        SoundFolder(tmp_path).store(name, b"x")
    assert list(tmp_path.iterdir()) == []


def test_files_are_kept_read_and_deleted(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path)
    wav = encode(decode(made("WAV", "PCM_16"), "a.wav"))
    folder.store("welcome", wav)
    assert folder.read("welcome") == wav
    assert [(file.name, round(file.seconds)) for file in folder.all()] == [("welcome", 1)]
    (tmp_path / "link.wav").symlink_to("/etc/passwd")
    assert not folder.exists("link")
    assert len(folder.all()) == 1
    folder.delete("welcome")
    with pytest.raises(NameRefused):
        folder.read("welcome")


def test_a_voice_speaks_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(speech.SpeechUnavailable, match="no voice"):
        speech.speak("hello")
    (tmp_path / "tone.wav").write_bytes(made("WAV", "PCM_16", rate=22050))
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\nexec /bin/cat {tmp_path / 'tone.wav'}\n")
    program.chmod(0o700)
    assert abs(pitch(decode(speech.speak("hello"), "x.wav")) - 440) < 5
    with pytest.raises(speech.SpeechUnavailable):
        speech.speak("hello", "en; rm")


def test_a_volume_is_a_factor_of_two_decibels_a_step() -> None:
    assert [gain(volume) for volume in (None, 10, 0, 7, 13, 20)] == [
        "",
        "",
        "0.100",
        "0.501",
        "1.995",
        "10.000",
    ]
