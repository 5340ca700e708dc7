"""Shows the mail queue, or sends a test mail and says what the server answered."""

from __future__ import annotations

import argparse
import asyncio
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import OperatorError, operate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="send a test mail now")
    test.add_argument("address", help="to whom")
    add_data_argument(test)
    add_data_argument(actions.add_parser("queue", help="what waits and what could not be sent"))


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 when the mail was not taken or settings are missing."""
    settings = settings_or_exit(arguments)
    sent = {"address": arguments.address} if arguments.action == "test" else {}
    try:
        answer = asyncio.run(operate(settings, f"mail-{arguments.action}", sent))
    except OperatorError as refused:
        sys.stderr.write(f"offhook mail: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
