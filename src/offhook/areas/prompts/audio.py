"""Decodes what was uploaded and encodes it as the engine plays it: mono, 8 kHz, 16 bit WAV.

Nothing uploaded is ever stored as it came: what cannot be decoded is refused.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
import soxr  # type: ignore[import-untyped]

RATE = 8000
MAX_BYTES = 8_000_000
MAX_SECONDS = 1800
_BLOCK = 65536
_GSM_FRAME, _GSM_MARK = 33, 0xD  # bytes of a frame of GSM 06.10, and the half byte that begins each
_GSM: dict[str, Any] = {"format": "RAW", "subtype": "GSM610", "samplerate": RATE, "channels": 1}


class AudioError(Exception):
    """The audio is refused; the text says why."""


def decode(data: bytes, filename: str) -> Any:
    """The samples (int16, mono, 8 kHz) of a WAV, FLAC, OGG, MP3, AIFF or raw GSM file.

    The content decides, and for raw GSM, which has no header, the ending. Raises AudioError.
    """
    if len(data) > MAX_BYTES:
        raise AudioError(f"the file is larger than {MAX_BYTES // 1_000_000} MB")
    options: dict[str, Any] = {}
    if filename.lower().endswith(".gsm"):
        if not all(byte >> 4 == _GSM_MARK for byte in data[::_GSM_FRAME]):
            raise AudioError("this is no raw GSM 06.10")
        options = _GSM
    try:
        with soundfile.SoundFile(io.BytesIO(data), **options) as file:
            return _read(file)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as failure:
        raise AudioError(f"this is no audio that can be read: {failure}") from None


def _read(file: soundfile.SoundFile) -> Any:
    rate = file.samplerate
    if not 1000 <= rate <= 384_000:
        raise AudioError("the sample rate is out of bounds")
    resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    parts, count = [], 0
    frames = max(1, _BLOCK // file.channels)
    while True:
        # in blocks, so that a small file of much silence or many channels cannot fill the memory
        block = file.read(frames, dtype="float32", always_2d=True)
        last = len(block) < frames
        count += len(block)
        if count > rate * MAX_SECONDS:
            raise AudioError(f"the audio is longer than {MAX_SECONDS // 60} minutes")
        mono = np.nan_to_num(block.mean(axis=1, dtype=np.float32))
        parts.append(resampler.resample_chunk(mono, last=last))
        if last:
            break
    samples = np.concatenate(parts)
    if not len(samples):
        raise AudioError("there is no audio in the file")
    return (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)


def encode(samples: Any) -> bytes:
    """Samples as a WAV file for the engine."""
    target = io.BytesIO()
    soundfile.write(target, samples, RATE, format="WAV", subtype="PCM_16")
    return target.getvalue()


def seconds_of(wav_bytes: int) -> float:
    """How long a file of that size plays that `encode` has made."""
    return max(0, wav_bytes - 44) / (2 * RATE)
