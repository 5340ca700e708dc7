"""The attachments of mail that waits: `mail/` of the data folder, files with names of our own.

    queue ─► the file is linked (or copied) in and on disk ─► the transaction commits ─► … ─► sent ─► deleted

A transaction that does not commit leaves a file behind that no mail names; those are deleted at the start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Collection
from pathlib import Path

from offhook import disk
from offhook.areas.mail.model import MailRefused
from offhook.asterisk.config import private_folder

log = logging.getLogger(__name__)


class Spool:
    """The files of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)

    def path(self, file: str) -> Path:
        """Where a file of the spool lies."""
        return self._folder / file

    def take(self, source: Path | bytes) -> tuple[str, int]:
        """Link or copy a file in, or write one; returns its name here and its size in bytes.

        It is on disk on return. Raises MailRefused for what is no plain file or cannot be read.
        """
        name = secrets.token_hex(16)
        target = self._folder / name
        try:
            if isinstance(source, bytes):
                with target.open("xb") as made:
                    made.write(source)
                    made.flush()
                    os.fsync(made.fileno())
                disk.sync(self._folder)
                return name, len(source)
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise MailRefused("an attachment is no plain file")
                try:
                    os.link(source, target, follow_symlinks=False)
                    os.fsync(descriptor)
                except OSError:  # another file system, or one that knows no links
                    with target.open("xb") as copy:
                        shutil.copyfileobj(file, copy)
                        copy.flush()
                        os.fsync(copy.fileno())
            disk.sync(self._folder)
        except OSError as failure:
            raise MailRefused(f"an attachment cannot be read: {failure.strerror}") from None
        return name, status.st_size

    def remove(self, files: Collection[str]) -> None:
        """Delete files; those that are gone already do not matter."""
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                self.path(file).unlink()

    def clean(self, known: Collection[str]) -> None:
        """Delete what no mail names. Only while nobody queues mail."""
        orphans = {path.name for path in self._folder.iterdir()} - set(known)
        if orphans:
            log.info("mail: %d attachments of no mail are deleted", len(orphans))
            self.remove(orphans)
