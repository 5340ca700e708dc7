"""The attachments of mail that waits: `mail/` of the data folder, files with names of our own.

    queue ─► the file is linked (or copied) in and on disk ─► the transaction commits ─► … ─► sent ─► deleted

A transaction that does not commit leaves a file behind that no mail names; those are deleted at the start.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
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
                target.write_bytes(source)
            elif stat.S_ISREG(source.lstat().st_mode):
                disk.link(source, target)
            else:
                raise MailRefused("an attachment is no plain file")
            disk.sync(target)
            disk.sync(self._folder)
            return name, target.stat().st_size
        except OSError as failure:
            target.unlink(missing_ok=True)
            raise MailRefused(f"an attachment cannot be read: {failure.strerror}") from None

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
