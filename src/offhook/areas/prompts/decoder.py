"""A process that decodes one file with libsndfile: standard input to samples on standard output.

It has little memory and time and writes no files, so that a file can harm nothing but it.
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Iterator
from typing import Any

import soundfile  # type: ignore[import-untyped]

from offhook.areas.prompts.audio import RATE, REFUSED, AudioError, frames_of_block, resampled

_MEMORY = 1 << 30
_CPU_SECONDS = 30
_GSM_FRAME, _GSM_MARK = 33, 0xD  # bytes of a frame of GSM 06.10, and the half byte that begins each
_GSM: dict[str, Any] = {"format": "RAW", "subtype": "GSM610", "samplerate": RATE, "channels": 1}


class _Input(io.BytesIO):
    """A file in memory; libsndfile believes headers, and seeks to before its begin."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As a file on disk: an impossible place changes nothing, which libsndfile sees."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def decode_here(data: bytes, max_seconds: int, *, gsm: bool) -> Any:
    """The samples, in this process. Raises AudioError."""
    if gsm and not all(byte >> 4 == _GSM_MARK for byte in data[::_GSM_FRAME]):
        raise AudioError("this is no raw GSM 06.10")
    try:
        with soundfile.SoundFile(_Input(data), **(_GSM if gsm else {})) as file:
            return resampled(_blocks(file), file.samplerate, max_seconds)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as failure:
        raise AudioError(f"this is no audio that can be read: {failure}") from None


def _blocks(file: soundfile.SoundFile) -> Iterator[Any]:
    frames = frames_of_block(file.channels)
    while len(block := file.read(frames, dtype="float32", always_2d=True)):
        yield block


def main(max_seconds: str, kind: str) -> int:
    """Decode; the exit status."""
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (limit, limit))
    try:
        samples = decode_here(sys.stdin.buffer.read(), int(max_seconds), gsm=kind == "gsm")
    except AudioError as refused:
        sys.stderr.write(str(refused))
        return REFUSED
    sys.stdout.buffer.write(samples.astype("<i2").tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
