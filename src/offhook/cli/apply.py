"""Brings the PBX to the state that a YAML file declares: shows the difference, then does all or nothing."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import OperatorError, operate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE.yaml", help="the declared state; - reads standard input")
    parser.add_argument("--dry-run", action="store_true", help="only show the difference")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Apply the file; 1 when it is refused, with the reason."""
    settings = settings_or_exit(arguments)
    try:
        if arguments.file == "-":
            text, folder = sys.stdin.read(), Path.cwd()
        else:
            path = Path(arguments.file)
            text, folder = path.read_text(encoding="utf-8"), path.absolute().parent
    except (OSError, UnicodeDecodeError) as failure:
        sys.stderr.write(f"offhook apply: {arguments.file} cannot be read: {failure}\n")
        return 2
    try:
        request = {"text": text, "folder": str(folder), "dry_run": bool(arguments.dry_run)}
        answer = asyncio.run(operate(settings, "apply", request))
    except OperatorError as refused:
        sys.stderr.write(f"offhook apply: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
