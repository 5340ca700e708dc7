"""Collects what the areas give to Asterisk: their dialplan contexts and the views that it reads."""

from __future__ import annotations

from importlib import resources

_DIALPLANS = ("extensions", "voicemail", "control")
_VIEWS = ("extensions",)
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


def dialplan() -> str:
    """The text of extensions.conf."""
    return _HEAD + "".join(_text(area, "dialplan.conf") for area in _DIALPLANS)


def views() -> tuple[str, ...]:
    """The CREATE VIEW statements of all areas, in the order in which they must run."""
    statements: list[str] = []
    for area in _VIEWS:
        lines = [line for line in _text(area, "views.sql").splitlines() if not line.lstrip().startswith("--")]
        statements += [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
    return tuple(statements)
