"""Looks for what is wrong with a PBX and says how to mend it: engine, ports, disk, clock, certificate."""

from __future__ import annotations

import argparse
import datetime
import socket
import sqlite3
import sys
from pathlib import Path

from offhook.areas.recordings.service import check_store
from offhook.asterisk import doctor
from offhook.asterisk.doctor import Finding
from offhook.asterisk.fetch import obtain_engine
from offhook.asterisk.process import engine_pid
from offhook.asterisk.tree import EngineError
from offhook.cli.common import add_settings_arguments, settings_or_exit
from offhook.cli.lock import holder_of
from offhook.settings import Settings
from offhook.web.tls import expires

_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at everything; 1 when something is wrong."""
    settings = settings_or_exit(arguments)
    findings = [*_engine(), *_ports(settings), *_folder(settings)]
    sys.stdout.write("\n".join(doctor.report(findings)) + "\n")
    return 0 if all(finding.ok for finding in findings) else 1


def _engine() -> list[Finding]:
    try:
        tree = obtain_engine()
    except EngineError as failure:
        return [Finding("engine", False, str(failure))]
    return [doctor.check_engine(tree), doctor.check_prompts(tree), doctor.speech(tree)]


def _ports(settings: Settings) -> list[Finding]:
    running = holder_of(settings.data) is not None
    engine = doctor.engine_runs(settings.data)
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    return [
        doctor.check_port("HTTP and HTTPS", settings.bind, settings.http_port, tcp, ours=running),
        doctor.check_port("SIP over UDP", settings.bind, settings.sip_port, udp, ours=engine),
        doctor.check_port("SIP over TCP", settings.bind, settings.sip_port, tcp, ours=engine),
        doctor.check_port("SIP over TLS", settings.bind, settings.tls_port, tcp, ours=engine),
    ]


def _folder(settings: Settings) -> list[Finding]:
    now = datetime.datetime.now(datetime.UTC)
    findings = [doctor.check_disk(settings.data)]
    store = settings.data / "offhook.db"
    newest = None
    if store.exists():
        newest = datetime.datetime.fromtimestamp(store.stat().st_mtime, datetime.UTC)
        try:
            ends: datetime.datetime | None = expires(settings.data / "tls" / "server.crt")
        except (OSError, ValueError):
            ends = None
        findings.append(doctor.check_certificate(ends, now))
        findings.append(_recordings(store, settings.data))
    findings.append(doctor.check_clock(now, newest))
    alive = doctor.engine_runs(settings.data)
    findings.append(doctor.check_real_time(engine_pid(settings.data) if alive else None))
    return findings


def _recordings(store: Path, data: Path) -> Finding:
    """Every recording has its file, and every file its record."""
    try:
        wrong = check_store(store, data)
    except sqlite3.Error as failure:
        return Finding("recordings", False, f"the store cannot be read: {failure}; start offhook once")
    told = "; ".join(f"{one.name}: {one.what}" for one in wrong[:_SHOWN])
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return Finding("recordings: each has its record and its file", not wrong, told + more)
