"""What has to outlive a power cut: files, the names in folders, whole file systems. Blocking."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Put a file's content, or the names in a folder, on disk (fsync(2)). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> bool:
    """Put the whole file system that `folder` lies on on disk at once (syncfs(2)); False when that failed.

    For many files: one entry in its journal instead of hundreds.
    """
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)
