"""Shows the receivers of a running PBX and what each did not get, or sends that again."""

from __future__ import annotations

import argparse
import asyncio
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import NotRunning, OperatorError, ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_data_argument(actions.add_parser("list", help="receivers, and how each is"))
    letters = actions.add_parser("letters", help="events that a receiver did not get, and why")
    letters.add_argument("id", help="which receiver, as list tells it")
    add_data_argument(letters)
    resend = actions.add_parser("resend", help="send such events again, the oldest thousand")
    resend.add_argument("id", help="to which receiver, as list tells it")
    resend.add_argument("letter", nargs="?", default="", help="one event only, as letters tells it")
    add_data_argument(resend)


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 when it could not be done."""
    settings = settings_or_exit(arguments)
    wishes = {name: getattr(arguments, name) for name in ("id", "letter") if hasattr(arguments, name)}
    try:
        answer = asyncio.run(ask(settings.data, f"receivers-{arguments.action}", wishes))
    except (NotRunning, OperatorError) as refused:
        sys.stderr.write(f"offhook receivers: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
