"""Uploads are decoded and encoded anew; names never lead out of their folder."""

from __future__ import annotations

import contextlib
import io
import math
import struct
import sys
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
from offhook.areas.prompts.decoder import decode_here
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
    # most of them without a process each, which takes its time to start
    samples = decode(data, name) if name[0] in "ag" else _here(data, name)
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
    with contextlib.suppress(AudioError):
        _here(data, name)


@given(st.binary(max_size=60), st.integers(0, 60), st.sampled_from(["WAV", "FLAC", "OGG", "AIFF"]))
def test_a_file_with_some_bytes_changed_is_audio_or_refused(change: bytes, at: int, kind: str) -> None:
    whole = _SMALL[kind]
    with contextlib.suppress(AudioError):
        samples = _here(whole[:at] + change + whole[at + len(change) :], "a.wav")
        assert len(samples) < RATE * audio.MAX_SECONDS


def _header(rate: int = 8000, channels: int = 1, claims: int = 16000, bits: int = 16, kind: int = 1) -> bytes:
    """The header of a WAV file, which may lie."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * frame & 0xFFFFFFFF, frame & 0xFFFF, bits)
    chunk = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", claims)
    return b"RIFF" + struct.pack("<I", claims + 36 & 0xFFFFFFFF) + b"WAVE" + chunk


@pytest.mark.parametrize(
    "data",
    [
        _header(rate=0xFFFFFFFF) + bytes(16000),
        _header(rate=0) + bytes(16000),
        _header(channels=0) + bytes(16000),
        _header(bits=0) + bytes(16000),
        _header(claims=0),
        _header(kind=3, bits=64, rate=999) + bytes(16000),
        b"\x7fELF" + bytes(4000),
        b"PK\3\4" + bytes(4000),
        b"\x89PNG\r\n\x1a\n" + bytes(4000),
        b"fLaC\0\0\0\x22" + b"\xff" * 4000,
        b"OggS" + bytes(4000),
        b"ID3" + b"\xff" * 4000,
        b"FORM" + b"\x7f\xff\xff\xff" + b"AIFF" + bytes(400),
        b"<html><script>alert(1)</script>",
    ],
)
def test_files_that_lie_or_are_no_audio_are_refused(data: bytes) -> None:
    with pytest.raises(AudioError):
        _here(data, "a.wav")


def test_a_header_that_claims_more_is_not_believed_and_nothing_else_is_kept() -> None:
    tone = made("WAV", "PCM_16", rate=8000, seconds=1)[44:]
    for claims in (len(tone), 0x7FFFFFF0, 0xFFFFFFF0):
        samples = decode(_header(claims=claims) + tone + b"PK\3\4<script>evil</script>", "a.wav")
        assert RATE <= len(samples) < RATE + 40
        assert b"<script>" not in encode(samples)
    # 60 000 channels of which there is half a frame, and numbers that are none
    with pytest.raises(AudioError):
        decode(_header(channels=60000) + tone, "a.wav")
    floats = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30] * 2000, "<f4").tobytes()
    assert np.abs(_here(_header(kind=3, bits=32, claims=len(floats)) + floats, "a.wav")).max() <= 32768


def test_much_silence_in_a_small_file_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    target = io.BytesIO()
    soundfile.write(target, np.zeros((8000 * 61, 8), np.int16), 8000, format="FLAC")
    bomb = target.getvalue()
    assert len(bomb) < 60_000
    monkeypatch.setattr(audio, "MAX_SECONDS", 60)
    with pytest.raises(AudioError, match="longer than 1 minutes"):
        decode(bomb, "a.flac")


def test_a_file_that_breaks_its_reader_breaks_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader = tmp_path / "reader"
    monkeypatch.setattr(sys, "executable", str(reader))
    for script, says in (("kill -SEGV $$", "breaks its reader"), ("exec sleep 20", "too long")):
        reader.write_text(f"#!/bin/sh\n{script}\n")
        reader.chmod(0o700)
        monkeypatch.setattr(audio, "_WALL_SECONDS", 0.5)
        with pytest.raises(AudioError, match=says):
            decode(b"fLaC", "a.flac")


def _here(data: bytes, name: str) -> Any:
    """As `decode`, without a process of its own."""
    return decode_here(data, audio.MAX_SECONDS, gsm=name.endswith(".gsm"))


_SMALL = {
    kind: made(kind, None if kind == "OGG" else "PCM_16", 8000, seconds=0.05)
    for kind in ("WAV", "FLAC", "OGG", "AIFF")
}


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
