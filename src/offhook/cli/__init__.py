"""The command line: one module per command, each with `add_arguments` and `run`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from offhook import __version__
from offhook.cli import api, apply, dialplan, doctor, listen, request, restart, up

_COMMANDS = {
    "up": (up, "start the PBX and stay in the foreground"),
    "restart": (restart, "replace the control plane of a running PBX; calls go on"),
    "apply": (apply, "bring the PBX to the state that a file declares"),
    "api": (api, "settings of the API and its locked addresses"),
    "dialplan": (dialplan, "check the operator's own dialplan, or put it in force"),
    "request": (request, "call one endpoint and print both directions"),
    "listen": (listen, "receive events and print them"),
    "doctor": (doctor, "look for what is wrong and say how to mend it"),
}


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    root = argparse.ArgumentParser(prog="offhook", description="A software IP-PBX with the S-Series API 2.0.")
    root.add_argument("--version", action="version", version=f"offhook {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return 130
    return status
