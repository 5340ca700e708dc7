"""Replaces the control plane of a running PBX by a new one; the engine, its calls and all tokens stay."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from offhook.cli.common import add_data_argument, settings_or_exit
from offhook.cli.lock import holder_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the running process to replace itself; 1 when none runs."""
    settings = settings_or_exit(arguments)
    process = holder_of(settings.data)
    if process is None:
        sys.stderr.write(f"offhook restart: no PBX runs in {settings.data}; start it with offhook up\n")
        return 1
    os.kill(process, signal.SIGHUP)
    return 0
