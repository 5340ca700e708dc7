"""Stops all calls to the outside at once, but for emergency numbers; or lets them be made again."""

from __future__ import annotations

import argparse
import asyncio
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import OperatorError, operate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    stop = actions.add_parser("stop", help="no new calls to the outside, whoever makes them")
    stop.add_argument("--end-calls", action="store_true", help="also end the calls to the outside that run")
    add_data_argument(stop)
    add_data_argument(actions.add_parser("resume", help="calls to the outside may be made again"))
    add_data_argument(actions.add_parser("show", help="whether they are stopped"))


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 when it could not be done."""
    settings = settings_or_exit(arguments)
    wishes = {"end_calls": arguments.end_calls} if arguments.action == "stop" else {}
    try:
        answer = asyncio.run(operate(settings, f"outbound-{arguments.action}", wishes))
    except OperatorError as refused:
        sys.stderr.write(f"offhook outbound: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
