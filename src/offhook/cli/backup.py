"""Makes a sealed backup of a data folder, while its PBX runs or not; with --check reads one to its end."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from offhook.backup.archive import About, Totals
from offhook.backup.errors import BackupError
from offhook.backup.make import make_backup
from offhook.backup.restore import check_backup
from offhook.cli import passphrase
from offhook.cli.common import add_data_argument
from offhook.settings import data_folder

_NICE = 10  # calls go first
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the backup")
    add_data_argument(parser)
    passphrase.add_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--without-recordings", action="store_true", help="leave recordings of calls out")
    how.add_argument("--check", action="store_true", help="make none, but see whether FILE is whole")


def run(arguments: argparse.Namespace) -> int:
    """Make it or check it; 1 when that failed."""
    try:
        secret = passphrase.passphrase(arguments, new=not arguments.check)
        if arguments.check:
            lines = [*told(*check_backup(Path(arguments.file), secret)), "It is whole."]
        else:
            lines = _make(arguments, secret)
    except (BackupError, passphrase.NoPassphrase) as failure:
        sys.stderr.write(f"offhook backup: {failure}\n")
        return 1
    except OSError as failure:
        what = failure.filename or arguments.file
        sys.stderr.write(f"offhook backup: {what}: {failure.strerror or failure}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _make(arguments: argparse.Namespace, secret: str) -> list[str]:
    os.nice(_NICE)
    data = data_folder(arguments.data)
    made = make_backup(
        data, Path(arguments.file), secret, recordings=not arguments.without_recordings, now=time.time()
    )
    lines = [*told(made.about, made.totals), *(f"Left out: {what}" for what in made.left_out[:_SHOWN])]
    if len(made.left_out) > _SHOWN:
        lines.append(f"Left out: {len(made.left_out) - _SHOWN} more")
    return lines


def told(about: About, totals: Totals) -> list[str]:
    """What a backup is, for people."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(about.created))
    without = "" if about.recordings else ", without recordings"
    return [
        f"A backup of {when} by offhook {about.version!a} (schema {about.schema!a}){without}: "
        f"{totals.members} files, {totals.bytes} bytes."
    ]
