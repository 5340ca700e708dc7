"""Failures of the store in words that an operator understands."""

from __future__ import annotations

import sqlalchemy as sa


class StoreError(Exception):
    """The store cannot be opened, read or written; the text says why and what to do."""


# The driver tells these causes apart by SQLite's English message only (sqlite.org/rescode.html).
_SENTENCES = (
    ("database or disk is full", "the disk is full; make room, then try again"),
    ("disk I/O error", "the disk reports an error; look at the system's log"),
    ("readonly database", "the store's file or folder is read-only; give its owner the right to write"),
    ("unable to open database file", "the store's file cannot be opened; check the folder and its owner"),
    ("database is locked", "another program holds the store's write lock; only one offhook may use a folder"),
    ("malformed", "the store's file is damaged; restore it from a backup"),
    ("not a database", "the store's file is not an offhook store; restore it from a backup"),
)


def store_error(failure: sa.exc.DBAPIError) -> StoreError | None:
    """What `failure` means for an operator, or None when it is no failure of the file or disk."""
    message = str(failure.orig)
    for words, sentence in _SENTENCES:
        if words in message:
            return StoreError(f"store: {sentence} ({words})")
    return None


def is_locked(failure: BaseException) -> bool:
    """Whether a write failed because another program holds the lock: a moment later it may succeed."""
    return isinstance(failure, sa.exc.OperationalError) and "database is locked" in str(failure.orig)


def is_read_only(failure: BaseException) -> bool:
    """Whether a write failed because its connection was opened when the file was read-only."""
    return isinstance(failure, sa.exc.OperationalError) and "readonly database" in str(failure.orig)
