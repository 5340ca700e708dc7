"""Checks the operator's own dialplan (`custom/*.conf` in the data folder), or puts it in force."""

from __future__ import annotations

import argparse
import asyncio
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import OperatorError, operate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=("check", "reload"), help="only look, or put in force")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check or reload; 1 when a file is refused, with file and line."""
    settings = settings_or_exit(arguments)
    try:
        answer = asyncio.run(operate(settings, f"dialplan-{arguments.action}", {}))
    except OperatorError as refused:
        sys.stderr.write(f"offhook dialplan: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
