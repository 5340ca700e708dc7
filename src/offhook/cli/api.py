"""Settings of the API: switch it on or off, set its account, see and release locked addresses."""

from __future__ import annotations

import argparse
import asyncio
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.operator import OperatorError, operate

_LIMITS = ("max_extensions", "max_extension_groups", "max_contacts")
_ARGUMENTS = (
    "username",
    "password",
    "release",
    "sn",
    "devicename",
    "firmwarever",
    "weak_passwords",
    *_LIMITS,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("enable", "switch the API on"), ("disable", "switch the API off")):
        add_data_argument(actions.add_parser(name, help=text))
    account = actions.add_parser("set", help="set the API's account")
    account.add_argument("--username", required=True)
    account.add_argument("--password", required=True, help="- reads it from standard input")
    add_data_argument(account)
    blocked = actions.add_parser(
        "blocked", help="addresses locked after failed logins, or banned for attacks on phones"
    )
    blocked.add_argument("--release", metavar="ADDR", help="let this address try again at once")
    add_data_argument(blocked)
    identity = actions.add_parser("identity", help="serial number, name and firmware that the API tells")
    identity.add_argument("--sn", help="12 digits, such as those of the appliance that is replaced")
    identity.add_argument("--devicename")
    identity.add_argument("--firmwarever")
    add_data_argument(identity)
    limits = actions.add_parser("limits", help="show or set what is possible at most, and the password rules")
    for name in _LIMITS:
        limits.add_argument(f"--{name.replace('_', '-')}", metavar="N")
    limits.add_argument("--weak-passwords", choices=("on", "off"), help="relax the password rules everywhere")
    add_data_argument(limits)


def run(arguments: argparse.Namespace) -> int:
    """Do the action; 1 when it is refused, with the reason."""
    settings = settings_or_exit(arguments)
    given = {name: value for name in _ARGUMENTS if (value := getattr(arguments, name, None)) is not None}
    if given.get("password") == "-":
        given["password"] = sys.stdin.readline().rstrip("\n")
    try:
        answer = asyncio.run(operate(settings, f"api-{arguments.action}", given))
    except OperatorError as refused:
        sys.stderr.write(f"offhook api: {refused}\n")
        return 1
    for line in answer["lines"]:
        sys.stdout.write(f"{line}\n")
    return 0
