"""The store as it was before its schema changed, beside it: `offhook.db.before-<revision>`, one at most."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from offhook import disk
from offhook.store.copy import copy_database
from offhook.store.errors import StoreError

KEPT_SECONDS = 30 * 86400.0


def keep(path: Path, revision: str) -> None:
    """Keep a copy of the store at `path`, whose schema is `revision`, instead of earlier ones.

    It is on disk on return. Raises StoreError, and then the schema must not be changed.
    """
    target = path.with_name(f"{path.name}.before-{revision}")
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)
    try:
        copy_database(path, draft)
        disk.sync(draft)
        draft.replace(target)
        disk.sync(path.parent)
    except (sqlite3.Error, OSError) as failure:
        draft.unlink(missing_ok=True)
        raise StoreError(
            f"store: no copy can be kept before its schema changes ({failure}); make room, then start again"
        ) from None
    for other in _kept(path):
        if other != target:
            other.unlink(missing_ok=True)


def forget(path: Path) -> None:
    """Delete the copy when it is old enough that nobody will go back to it."""
    for copy in _kept(path):
        with contextlib.suppress(OSError):
            if time.time() - copy.stat().st_mtime > KEPT_SECONDS:
                copy.unlink()


def _kept(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.before-*"))
