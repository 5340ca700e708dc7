"""Looks at one PBX from outside and says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offhook.asterisk.process import engine_lives
from offhook.asterisk.scheduling import is_real_time, real_time_allowed
from offhook.asterisk.selftest import SelftestError, selftest
from offhook.asterisk.tree import EngineError, EngineTree, acceptable

_DISK_BYTES = 1 << 30
_EXPIRY_DAYS = 30
_CLOCK_FLOOR = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_PROMPTS = ("digits/1", "vm-intro", "vm-password", "beep")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not `ok`."""

    what: str
    ok: bool
    mend: str = ""


def check_engine(tree: EngineTree) -> Finding:
    """The engine starts and is new enough."""
    try:
        version = tree.version()
    except EngineError as failure:
        return Finding("engine", False, f"{failure}; remove {tree.root} and start again to fetch it anew")
    told = ".".join(map(str, version))
    reason = acceptable(version)
    return Finding(
        f"engine: Asterisk {told} in {tree.root}", reason is None, f"{reason}; unset OFFHOOK_ENGINE"
    )


def check_prompts(tree: EngineTree) -> Finding:
    """The prompts and the music lie where the engine looks for them."""
    sounds = tree.data / "sounds" / "en"
    missing = [name for name in _PROMPTS if not list(sounds.glob(f"{name}.*"))]
    if not list((tree.data / "moh").glob("*")):
        missing.append("music on hold")
    return Finding(
        "prompts and music",
        not missing,
        f"missing: {', '.join(missing)}; remove {tree.root} and start again to fetch them anew",
    )


async def check_speech(tree: EngineTree) -> Finding:
    """A call is made and a prompt played, on an engine of its own beside the running one."""
    try:
        await selftest(tree)
    except SelftestError as failure:
        return Finding("self-test: modules, a call, a prompt", False, str(failure))
    return Finding("self-test: modules, a call, a prompt", True)


def check_port(name: str, bind: str, port: int, kind: int, *, ours: bool) -> Finding:
    """A port is free, or it is this PBX that has it."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    what = f"port {port} ({name})"
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as failure:
            if ours:
                return Finding(f"{what}: used by this PBX", True)
            return Finding(what, False, f"{failure.strerror}: end what uses it, or set another port")
    if ours:
        return Finding(what, False, "this PBX runs and does not listen there; look into its log")
    return Finding(f"{what}: free", True)


def check_disk(folder: Path) -> Finding:
    """There is room for voicemail, records and logs."""
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    return Finding(
        f"disk: {free >> 20} MB free at {folder}", free >= _DISK_BYTES, "make room: less than 1 GB is free"
    )


def check_clock(now: datetime.datetime, newest: datetime.datetime | None) -> Finding:
    """The clock is not before this program was written, nor before the newest thing in the store."""
    told = f"clock: {now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _CLOCK_FLOOR:
        return Finding(told, False, "the clock is far behind; set it, for instance by NTP")
    if newest is not None and now < newest - datetime.timedelta(minutes=5):
        return Finding(
            told, False, f"the clock is behind the store, which was written at {newest:%F %T}; set it"
        )
    return Finding(told, True)


def check_certificate(expires: datetime.datetime | None, now: datetime.datetime) -> Finding:
    """The port's certificate can be read and lasts."""
    if expires is None:
        return Finding(
            "certificate", False, "it cannot be read; remove tls/ to have one made at the next start"
        )
    left = (expires - now).days
    return Finding(
        f"certificate: valid for {left} days",
        left >= _EXPIRY_DAYS,
        "it ends soon; put a new one into tls/server.crt and tls/server.key: it is used within seconds",
    )


def check_real_time(pid: int | None) -> Finding:
    """Whether the engine has real-time priority; it does without, so this is never wrong."""
    if pid is not None and is_real_time(pid):
        return Finding("real-time priority: the engine has it", True)
    if real_time_allowed():
        return Finding("real-time priority: allowed; the engine gets it when it starts again", True)
    return Finding(
        "real-time priority: not allowed; with many recorded calls allow it (docs/operating.md, Many calls)",
        True,
    )


def engine_runs(data: Path) -> bool:
    """Whether the folder's engine is alive."""
    return engine_lives(data)


def report(findings: Sequence[Finding]) -> list[str]:
    """The findings as lines for a person."""
    return [
        f"ok     {finding.what}" if finding.ok else f"WRONG  {finding.what}\n       {finding.mend}"
        for finding in findings
    ]


def speech(tree: EngineTree) -> Finding:
    """`check_speech` for those without an event loop."""
    return asyncio.run(check_speech(tree))
