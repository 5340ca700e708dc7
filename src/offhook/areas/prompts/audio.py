"""Decodes what was uploaded and encodes it as the engine plays it: mono, 8 kHz, 16 bit WAV.

Nothing uploaded is ever stored as it came: what cannot be decoded is refused. Plain WAV is read here; what
needs libsndfile is read by a process of its own (`decoder`), whose crash, memory and time are not ours.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import wave
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import soxr  # type: ignore[import-untyped]

RATE = 8000
MAX_BYTES = 8_000_000
MAX_SECONDS = 1800
REFUSED = 3
"""Exit status of the decoder for what is no audio; the text is on its standard error."""

_BLOCK = 65536
_WALL_SECONDS = 60.0
_RATES = range(1000, 384_001)


class AudioError(Exception):
    """The audio is refused; the text says why."""


def decode(data: bytes, filename: str) -> Any:
    """The samples (int16, mono, 8 kHz) of a WAV, FLAC, OGG, MP3, AIFF or raw GSM file.

    The content decides, and for raw GSM, which has no header, the ending. Takes seconds for a large file, so
    not for the event loop. Raises AudioError.
    """
    if len(data) > MAX_BYTES:
        raise AudioError(f"the file is larger than {MAX_BYTES // 1_000_000} MB")
    gsm = filename.lower().endswith(".gsm")
    if not gsm and data[:4] == b"RIFF":
        try:
            with wave.open(io.BytesIO(data)) as file:
                if file.getsampwidth() == 2:
                    return resampled(_blocks(file), file.getframerate(), MAX_SECONDS)
        except (wave.Error, EOFError, ValueError):
            pass  # another kind of WAV, or none
    return _by_a_process(data, gsm=gsm)


def resampled(blocks: Iterable[Any], rate: int, max_seconds: int) -> Any:
    """Blocks of float samples by channels as samples of `decode`. Raises AudioError."""
    if rate not in _RATES:
        raise AudioError("the sample rate is out of bounds")
    resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    parts, count = [], 0
    for block in blocks:
        count += len(block)
        if count > rate * max_seconds:
            raise AudioError(f"the audio is longer than {max_seconds // 60} minutes")
        mono = np.nan_to_num(block.mean(axis=1, dtype=np.float32))
        parts.append(resampler.resample_chunk(mono))
    parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    samples = np.concatenate(parts)
    if not count or not len(samples):
        raise AudioError("there is no audio in the file")
    return (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)


def frames_of_block(channels: int) -> int:
    """How many frames to read at once, so that many channels cannot fill the memory."""
    return max(1, _BLOCK // channels)


def encode(samples: Any) -> bytes:
    """Samples as a WAV file for the engine."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return target.getvalue()


def seconds_of(wav_bytes: int) -> float:
    """How long a file of that size plays that `encode` has made."""
    return max(0, wav_bytes - 44) / (2 * RATE)


def _blocks(file: wave.Wave_read) -> Iterator[Any]:
    channels = file.getnchannels()
    frame = 2 * channels
    while data := file.readframes(frames_of_block(channels)):
        whole = len(data) // frame * frame
        if whole:
            yield np.frombuffer(data[:whole], "<i2").reshape(-1, channels).astype(np.float32) / 32768


def _by_a_process(data: bytes, *, gsm: bool) -> Any:
    command = [
        sys.executable,
        "-m",
        "offhook.areas.prompts.decoder",
        str(MAX_SECONDS),
        "gsm" if gsm else "any",
    ]
    # one thread: each would cost the process address space
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            command, input=data, capture_output=True, timeout=_WALL_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise AudioError("reading the audio takes too long") from None
    if done.returncode == REFUSED:
        raise AudioError(done.stderr.decode("utf-8", "replace").strip()[:300])
    if done.returncode != 0:
        raise AudioError("the audio cannot be read: it breaks its reader, or needs too much memory or time")
    return np.frombuffer(done.stdout, "<i2")
