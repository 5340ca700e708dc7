"""Collects what the areas give to Asterisk: their dialplan contexts and the views that it reads."""

from __future__ import annotations

import re
from importlib import resources

_DIALPLANS = ("extensions", "voicemail", "control")
_VIEWS = ("extensions",)
_DIGITS = 32  # the longest number that can be dialled
_DIALLED = (("", "offhook-number"), ("#", "offhook-straight"), ("*04", "offhook-pickup"))
_HEAD = """\
[general]
static=yes
writeprotect=yes
clearglobalvars=no
"""

REALTIME_FAMILIES = {"offhook_extensions": "v_extensions"}
"""extconfig families that the dialplan looks up, and the view behind each."""


def _text(area: str, name: str) -> str:
    return resources.files("offhook.areas").joinpath(area, name).read_text(encoding="utf-8")


def _dialled() -> str:
    """The context of what phones dial: a pattern for every length, because Asterisk's open-ended patterns
    (`.` and `!`) take any character, a line break too, and the engine writes numbers into AMI unescaped.
    """
    lines = ["\n[offhook-dialled]"]
    for length in range(1, _DIGITS + 1):
        digits = "X" * length
        for prefix, context in _DIALLED:
            number = f"${{EXTEN:{len(prefix)}}}" if prefix else "${EXTEN}"
            lines.append(f"exten => _{prefix}{digits},1,Goto({context},{number},1)")
        lines.append(f"exten => _[*#+]{digits},1,Goto(offhook-failed,unknown,1)")
    return "\n".join(lines) + "\n"


def dialplan() -> str:
    """The text of extensions.conf."""
    return _HEAD + "".join(_text(area, "dialplan.conf") for area in _DIALPLANS) + _dialled()


def views() -> tuple[str, ...]:
    """The CREATE VIEW statements of all areas, in the order in which they must run."""
    statements: list[str] = []
    for area in _VIEWS:
        bare = re.sub(
            "--.*", "", _text(area, "views.sql")
        )  # a comment may hold the sign that ends a statement
        statements += [part.strip() for part in bare.split(";") if part.strip()]
    return tuple(statements)
