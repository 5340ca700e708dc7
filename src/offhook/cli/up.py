"""Starts the PBX in the foreground; SIGTERM and SIGINT end it, SIGHUP replaces the control plane."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from offhook import logs
from offhook.app import Pbx
from offhook.asterisk.config import private_folder
from offhook.asterisk.fetch import obtain_engine
from offhook.asterisk.process import call_capacity
from offhook.asterisk.switch import SwitchError
from offhook.asterisk.tree import EngineError, EngineTree
from offhook.backup.contents import forget_broken_off
from offhook.cli.common import add_settings_arguments, settings_or_exit, show_passwords
from offhook.cli.lock import AlreadyRunning, FolderLock
from offhook.core import Core
from offhook.demo import Demo
from offhook.operations import OperationRefused, Operations
from offhook.settings import Settings
from offhook.store.errors import StoreError

log = logging.getLogger(__name__)

RESTARTED = "OFFHOOK_RESTARTED"


class StartError(Exception):
    """The PBX cannot start; the text is one sentence that says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_settings_arguments(parser)
    parser.add_argument("--apply", metavar="FILE.yaml", help="apply this declared state once the PBX is up")
    parser.add_argument("--demo", action="store_true", help="extensions 1000 to 1009 with simulated phones")


def run(arguments: argparse.Namespace) -> int:
    """Run until told to end; 0 for a clean end, 1 when the PBX could not start."""
    settings = settings_or_exit(arguments)
    logs.configure(settings.log_level, settings.log_format)
    os.umask(0o077)
    try:
        private_folder(settings.data)
        private_folder(settings.data / "run")
        lock = FolderLock(settings.data)
        forget_broken_off(settings.data)
        tree = obtain_engine()
        again = asyncio.run(_run(settings, tree, arguments))
    except (StartError, AlreadyRunning, EngineError, StoreError, SwitchError, OperationRefused) as failure:
        sys.stderr.write(f"offhook: {failure}\n")
        return 1
    except OSError as failure:
        sys.stderr.write(f"offhook: {failure.strerror or failure}: {failure.filename or settings.data}\n")
        return 1
    if again:
        _replace_ourselves(lock)
    lock.release()
    return 0


def _replace_ourselves(lock: FolderLock) -> None:
    """Run the program that lies on disk now in our place: same process, same lock, same arguments."""
    environment = {**os.environ, **lock.hand_on(), RESTARTED: "1"}
    os.execve(sys.executable, [sys.executable, "-m", "offhook", *sys.argv[1:]], environment)  # noqa: S606


async def _run(settings: Settings, tree: EngineTree, arguments: argparse.Namespace) -> bool:
    """Run the PBX; True when it has to be replaced by a new control plane."""
    stop, replace = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    loop.add_signal_handler(signal.SIGHUP, replace.set)
    core = await Core.open(settings)
    show_passwords(core)
    pbx = Pbx(core, tree)
    demo = Demo(settings) if arguments.demo else None
    try:
        _check_ports(settings, adopting=(settings.data / "run" / "engine.json").exists())
        await pbx.start()
        if arguments.apply:
            await _apply(core, Path(arguments.apply))
        if demo is not None:
            await demo.start(core, pbx.live)
        _say_ready(pbx)
        if demo is not None:
            demo.explain(core, pbx.describe())
        await _first(stop, replace)
    finally:
        if demo is not None:
            await demo.close()
        await pbx.close(leave_engine=replace.is_set() and not stop.is_set())
    return replace.is_set() and not stop.is_set()


async def _first(*events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _say_ready(pbx: Pbx) -> None:
    addresses = pbx.describe()
    capacity = call_capacity(pbx.core.settings.rtp_ports)
    log.info("up to %d calls at a time on this machine", capacity)
    sys.stdout.write("offhook ready page={page} api={api} https={secure} sip={sip}\n".format(**addresses))
    sys.stdout.flush()


async def _apply(core: Core, path: Path) -> None:
    try:
        text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise StartError(f"{path} cannot be read: {failure}") from None
    arguments = {"text": text, "folder": str(path.parent)}
    for line in (await Operations(core).perform("apply", arguments))["lines"]:
        sys.stderr.write(f"{line}\n")


def _check_ports(settings: Settings, *, adopting: bool) -> None:
    """Raises StartError for the first port that another program has."""
    wanted = [("HTTP", "--http-port", settings.http_port, socket.SOCK_STREAM)]
    if not adopting:
        wanted += [
            ("SIP", "--sip-port", settings.sip_port, socket.SOCK_DGRAM),
            ("SIP", "--sip-port", settings.sip_port, socket.SOCK_STREAM),
            ("SIP over TLS", "--tls-port", settings.tls_port, socket.SOCK_STREAM),
        ]
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    for name, option, port, kind in wanted:
        with contextlib.closing(socket.socket(family, kind)) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind, port))
            except OSError as failure:
                raise StartError(
                    f"{name} port {port} on {settings.bind} cannot be used ({failure.strerror}); "
                    f"end what uses it, or choose another with {option}"
                ) from None
