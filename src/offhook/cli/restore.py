"""Makes a data folder of a backup; --force puts it in the place of another, which is kept beside."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from offhook.asterisk.process import engine_lives
from offhook.backup.errors import BackupError
from offhook.backup.restore import restore_backup
from offhook.cli import passphrase
from offhook.cli.backup import told
from offhook.cli.common import add_data_argument
from offhook.cli.lock import AlreadyRunning, FolderLock
from offhook.settings import data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the backup")
    add_data_argument(parser)
    passphrase.add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="also into a folder that is not empty")


def run(arguments: argparse.Namespace) -> int:
    """Restore; 1 when that failed, and then nothing has changed."""
    data = data_folder(arguments.data)
    try:
        secret = passphrase.passphrase(arguments, new=False)
        with _alone(data):
            restored = restore_backup(Path(arguments.file), data, secret, replace=arguments.force)
    except (AlreadyRunning, BackupError, passphrase.NoPassphrase) as failure:
        sys.stderr.write(f"offhook restore: {failure}\n")
        return 1
    except OSError as failure:
        what = failure.filename or arguments.file
        sys.stderr.write(f"offhook restore: {what}: {failure.strerror or failure}\n")
        return 1
    lines = [*told(restored.about, restored.totals), f"Restored into {data}."]
    if restored.kept is not None:
        lines.append(f"What was there before is in {restored.kept}; delete it when you need it no more.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Have no PBX run on a folder during the block. Raises AlreadyRunning, BackupError."""
    if not (data / "run").is_dir():
        yield
        return
    lock = FolderLock(data)
    try:
        if engine_lives(data):
            raise BackupError(
                f"an engine still runs on {data}; start offhook there and end it, then try again"
            )
        yield
    finally:
        lock.release()
