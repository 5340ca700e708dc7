"""Prompts made from text by an offline voice, if the machine has one: espeak-ng or piper."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

_MOST = 2000
_SECONDS = 20
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")


class SpeechUnavailable(Exception):
    """No voice can speak this; the text says why."""


def voices() -> tuple[str, ...]:
    """The programs found that can speak."""
    found = [name for name in ("espeak-ng", "espeak") if shutil.which(name)]
    if shutil.which("piper") and os.environ.get("OFFHOOK_PIPER_VOICE"):
        found.insert(0, "piper")
    return tuple(found)


def speak(text: str, language: str = "en") -> bytes:
    """The text as a WAV file; slow, so call it in a thread. Raises SpeechUnavailable."""
    if not text.strip() or len(text) > _MOST:
        raise SpeechUnavailable(f"the text has to have 1 to {_MOST} characters")
    if not _LANGUAGE.fullmatch(language):
        raise SpeechUnavailable("the language is written as en or en-us")
    found = voices()
    if not found:
        raise SpeechUnavailable("this machine has no voice: install espeak-ng, or upload the prompt")
    if found[0] == "piper":
        command = ["piper", "--model", os.environ["OFFHOOK_PIPER_VOICE"], "--output_file", "-"]
    else:
        command = [found[0], "-v", language, "--stdin", "--stdout"]
    try:
        done = subprocess.run(  # noqa: S603 - an argument list without a shell; the text comes by stdin
            command, input=text.encode(), capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as failure:
        raise SpeechUnavailable(f"{found[0]} cannot speak this: {failure}") from None
    return done.stdout
