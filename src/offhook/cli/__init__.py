"""The command line: one module per command, each with `add_arguments` and `run`.

Only the module of the command that was given is loaded: the whole PBX takes a second, a request does not.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from offhook import __version__

_COMMANDS = {
    "up": "start the PBX and stay in the foreground",
    "restart": "replace the control plane of a running PBX; calls go on",
    "apply": "bring the PBX to the state that a file declares",
    "api": "settings of the API and its locked addresses",
    "dialplan": "check the operator's own dialplan, or put it in force",
    "mail": "show the mail queue, or send a test mail",
    "backup": "back a data folder up while its PBX runs, or check a backup",
    "restore": "make a data folder of a backup",
    "receivers": "show receivers of events and what they did not get, or send it again",
    "outbound": "stop calls to the outside, or let them be made again",
    "request": "call one endpoint and print both directions",
    "listen": "receive events and print them",
    "doctor": "look for what is wrong and say how to mend it",
}


def parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """The parser, with the arguments of the command `wanted`; of the others it knows the names."""
    root = argparse.ArgumentParser(prog="offhook", description="A software IP-PBX with the S-Series API 2.0.")
    root.add_argument("--version", action="version", version=f"offhook {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == wanted:
            module = importlib.import_module(f"offhook.cli.{name}")
            command.description = module.__doc__
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser(next((word for word in words if not word.startswith("-")), None)).parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return 130
    return status
