"""SIP user agents that nobody here wrote: SIPp and baresip, as processes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from offhook.asterisk.fetch import obtain_tools
from tests.support.pbx import free_port, free_range

_SCENARIOS = Path(__file__).parent / "sipp"
_BARESIP = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
sip_verify_server no
audio_player aubridge,test
audio_source aubridge,test
audio_alert aubridge,alert
call_local_timeout 60
call_max_calls 20
call_hold_other_calls no
rtp_ports {low}-{high}
module_path {modules}
module g711.so
module aubridge.so
module srtp.so
module_app account.so
module_app menu.so
"""


async def _sipp(folder: Path, registrar: tuple[str, int], *arguments: str) -> asyncio.subprocess.Process:
    tools = await asyncio.to_thread(obtain_tools)
    return await asyncio.create_subprocess_exec(
        *tools.command("usr/bin/sipp"),
        f"{registrar[0]}:{registrar[1]}",
        "-i",
        "127.0.0.1",
        "-mi",
        "127.0.0.1",
        "-nostdin",
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def _done(process: asyncio.subprocess.Process, what: str) -> None:
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    if process.returncode:
        raise AssertionError(f"SIPp {what} ended with {process.returncode}: {errors.decode()[-500:]}")


@contextlib.asynccontextmanager
async def sipp_phone(
    folder: Path, number: str, password: str, registrar: tuple[str, int], scenario: str = ""
) -> AsyncIterator[int]:
    """SIPp registered as `number`, answering every call or doing what a scenario says; gives its port."""
    # The PBX calls a phone back where its REGISTER came from, so both scenarios use one port in turn.
    port = free_port(socket.SOCK_DGRAM)
    registering = await _sipp(
        folder,
        registrar,
        *("-sf", str(_SCENARIOS / "register.xml"), "-s", number, "-au", number, "-ap", password),
        *("-key", "contact_port", str(port), "-m", "1", "-p", str(port)),
    )
    await _done(registering, "register")
    does = ("-sf", str(_SCENARIOS / f"{scenario}.xml"), "-s", number) if scenario else ("-sn", "uas")
    answering = await _sipp(folder, registrar, *does, "-p", str(port))
    try:
        yield port
    finally:
        answering.kill()
        await answering.communicate()


async def sipp_call(
    folder: Path, caller: str, password: str, callee: str, registrar: tuple[str, int], milliseconds: int
) -> None:
    """A call by SIPp: answered, held for a time, hung up. Raises AssertionError when a step fails."""
    process = await _sipp(
        folder,
        registrar,
        *("-sf", str(_SCENARIOS / "call.xml"), "-s", callee, "-au", caller, "-ap", password),
        *("-key", "caller", caller, "-m", "1", "-d", str(milliseconds), "-p", str(free_port())),
    )
    await _done(process, "call")


@contextlib.asynccontextmanager
async def baresip(folder: Path, accounts: Sequence[str]) -> AsyncIterator[None]:
    """One baresip with these account lines; it answers where they say `answermode=auto`.

    Its log is the file `log` in the folder.
    """
    tools = await asyncio.to_thread(obtain_tools)
    low, high = free_range(80)
    modules = tools.root / "usr/lib/baresip/modules"
    config = _BARESIP.format(port=free_port(), low=low, high=high, modules=modules)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text("".join(f"{line}\n" for line in accounts))
    (folder / "contacts").write_text("")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tools.command("usr/bin/baresip"),
            "-f",
            str(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
