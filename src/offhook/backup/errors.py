"""Why a backup cannot be made, read or restored."""

from __future__ import annotations


class BackupError(Exception):
    """The text is one sentence that says what is wrong and, if it helps, what to do; it holds no secret."""
