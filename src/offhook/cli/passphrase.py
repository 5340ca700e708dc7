"""Where commands get the passphrase of a backup from: a file, a variable or the terminal, never an argument.

Arguments can be read by every user of the machine, and are kept by shells.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

VARIABLE = "OFFHOOK_BACKUP_PASSPHRASE"
LEAST = 12


class NoPassphrase(Exception):
    """There is none, or it is no good; the text says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the passphrase may come from."""
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help=f"first line of FILE is the passphrase (else {VARIABLE}, else it is asked for)",
    )


def passphrase(arguments: argparse.Namespace, *, new: bool) -> str:
    """The passphrase; a `new` one is asked for twice and has to be of some length. Raises NoPassphrase."""
    if arguments.passphrase_file:
        try:
            lines = Path(arguments.passphrase_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as failure:
            raise NoPassphrase(f"{arguments.passphrase_file} cannot be read: {failure}") from None
        found = lines[0] if lines else ""
    elif VARIABLE in os.environ:
        found = os.environ[VARIABLE]
    elif sys.stdin.isatty():
        found = getpass.getpass("Passphrase of the backup: ")
        if new and getpass.getpass("Again: ") != found:
            raise NoPassphrase("the two passphrases are not the same")
    else:
        raise NoPassphrase(f"name a --passphrase-file, or set {VARIABLE}")
    if not found or (new and len(found) < LEAST):
        raise NoPassphrase(f"the passphrase of a backup has at least {LEAST} characters")
    return found
