"""The engine can do no more than calls need: what it listens on, what it runs, what its users may ask."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from offhook.asterisk.ami.client import AmiClient, AmiRefused
from offhook.asterisk.static import AMI_SECURITY_USER, AMI_USER
from tests.support.pbx import TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTENING = "0A"
DANGEROUS_APPLICATIONS = (
    "System",
    "TrySystem",
    "AGI",
    "EAGI",
    "ExternalIVR",
    "SendText",
    "ReadFile",
    "Dictate",
)
DANGEROUS_FUNCTIONS = ("SHELL", "CURL", "FILE", "ENV", "ODBC", "STAT", "AST_CONFIG")


async def command_line(pbx: TestPbx, command: str) -> str:
    """What the engine's own console says, which only its user can open."""
    settings = pbx.pbx.engine.settings
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *settings.tree.command("usr/sbin/asterisk"),
            "-C",
            str(settings.etc / "asterisk.conf"),
            "-rx",
            command,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def sockets(pid: int) -> set[tuple[str, int]]:
    """Where a process waits for TCP connections: address and port (proc(5), /proc/net/tcp)."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(str(entry.readlink()))
        except OSError:
            continue
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTENING and f"socket:[{fields[9]}]" in own:
            address, _, port = fields[1].partition(":")
            found.add((".".join(str(byte) for byte in reversed(bytes.fromhex(address))), int(port, 16)))
    return found


async def test_it_listens_for_phones_and_for_us_alone(pbx: TestPbx) -> None:
    pid = json.loads((pbx.settings.data / "run/engine.json").read_text())["pid"]
    ami, _ = pbx.pbx.engine.ami
    expected = {("127.0.0.1", port) for port in (pbx.settings.sip_port, pbx.settings.tls_port, ami)}
    assert sockets(pid) == expected
    manager = (pbx.pbx.engine.settings.etc / "manager.conf").read_text()
    assert "bindaddr=127.0.0.1\n" in manager, "wherever the PBX itself is bound to"


async def test_it_knows_nothing_that_runs_programs_or_reads_files(pbx: TestPbx) -> None:
    shown = await command_line(pbx, "core show applications")
    applications = {line.split(":")[0].strip() for line in shown.splitlines()}
    assert "Dial" in applications
    assert not applications & set(DANGEROUS_APPLICATIONS)
    shown = await command_line(pbx, "core show functions")
    functions = {line.split(" ")[0] for line in shown.splitlines()}
    assert "CHANNEL" in functions
    assert not functions & set(DANGEROUS_FUNCTIONS)


async def refusals(pbx: TestPbx, user: str, actions: dict[str, list[tuple[str, str]]]) -> set[str]:
    """Which of these actions an AMI user is not allowed."""
    port, secret = pbx.pbx.engine.ami

    async def nothing() -> None:
        pass

    client = AmiClient(
        lambda: ("127.0.0.1", port, user, secret),
        on_events=lambda _: None,
        on_connected=nothing,
        on_lost=lambda: None,
    )
    client.start()
    refused = set()
    try:
        await eventually(lambda: client.up, f"{user} is logged in")
        for name, headers in actions.items():
            try:
                await client.action(name, headers)
            except AmiRefused as failure:
                if "ermission denied" in str(failure):
                    refused.add(name)
    finally:
        await client.close()
    return refused


async def test_our_own_user_may_run_no_commands_and_write_no_configuration(pbx: TestPbx) -> None:
    asked = {
        "Command": [("Command", "core show version")],
        "UpdateConfig": [("SrcFilename", "manager.conf"), ("DstFilename", "manager.conf")],
    }
    assert await refusals(pbx, AMI_USER, asked) == set(asked)


async def test_the_user_that_hears_of_attacks_may_do_nothing(pbx: TestPbx) -> None:
    asked = {
        "Command": [("Command", "core show version")],
        "Originate": [("Channel", "Local/s@from-extension"), ("Application", "Hangup")],
        "Hangup": [("Channel", "PJSIP/x")],
        "Reload": [("Module", "res_pjsip.so")],
        "Setvar": [("Variable", "x"), ("Value", "y")],
        "DBPut": [("Family", "x"), ("Key", "y"), ("Val", "z")],
        "PJSIPShowContacts": [],
        "CoreShowChannels": [],
    }
    assert await refusals(pbx, AMI_SECURITY_USER, asked) == set(asked)
