"""Splitting an SQL script into its statements, as drivers take one at a time. Pure."""

from __future__ import annotations

import re

# Comments, quoted text and the separator; everything else is passed over.
_TOKENS = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|;", re.DOTALL)


def statements(script: str) -> tuple[str, ...]:
    """The statements of `script` without their semicolons; comments and quoted semicolons are respected.

    Triggers, whose bodies hold semicolons, are not supported.
    """
    parts: list[str] = []
    start = 0
    for token in _TOKENS.finditer(script):
        if token.group() == ";":
            parts.append(script[start : token.start()])
            start = token.end()
    parts.append(script[start:])
    return tuple(part.strip() for part in parts if _without_comments(part).strip())


def _without_comments(text: str) -> str:
    return _TOKENS.sub(lambda token: " " if token.group()[:2] in {"--", "/*"} else token.group(), text)
