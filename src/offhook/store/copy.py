"""Copies of a database while others use it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

_WAIT_SECONDS = 30


def copy_database(source: Path, target: Path) -> None:
    """Make the new file `target` (0600) of an SQLite database of one moment, without what was deleted.

    Others go on reading and writing meanwhile. Raises sqlite3.Error and OSError; then there is no `target`.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with contextlib.closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_SECONDS)
        ) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
