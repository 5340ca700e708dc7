"""`up --demo`: ten extensions, a group, contacts, and simulated phones that answer by themselves.

The phones are one baresip process with an account per extension; each call is answered at once and hears
itself. They are real SIP user agents that nobody here wrote, so the demonstration shows a real PBX.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from offhook.areas.accounts.service import generate_password

log = logging.getLogger(__name__)

NUMBERS = tuple(str(number) for number in range(1000, 1010))
_NAMES = ("Ann", "Bob", "Carla", "Dan", "Eve", "Femi", "Gita", "Hugo", "Ines", "Jun")
_CONTACTS = (
    ("Maggie", "Chou", "15880123456"),
    ("Ravi", "Nair", "442079460123"),
    ("Lena", "Brandt", "493023125000"),
)
_REGISTER_SECONDS = 60
_CONFIG = """\
poll_method epoll
sip_listen {bind}:{port}
audio_player aubridge,demo
audio_source aubridge,demo
audio_alert aubridge,alert
call_local_timeout 120
call_max_calls 200
rtp_ports {rtp_low}-{rtp_high}
module_path {modules}
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
"""


def demo_passwords(data: Path) -> dict[str, str]:
    """SIP passwords of the demonstration's extensions, made once and kept in the data folder (0600)."""
    path = data / "demo.json"
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
        if isinstance(kept, dict) and set(kept) == set(NUMBERS):
            return {str(number): str(password) for number, password in kept.items()}
    except (OSError, ValueError):
        pass
    made = {number: generate_password(20) for number in NUMBERS}
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(made, file)
    draft.replace(path)
    return made


def demo_document(passwords: Mapping[str, str]) -> dict[str, object]:
    """What `apply` would be given for the demonstration: extensions, a group and contacts."""
    return {
        "extensions": [
            {
                "number": number,
                "username": name,
                "registername": number,
                "registerpassword": passwords[number],
                "email": f"{name.lower()}@example.com",
            }
            for number, name in zip(NUMBERS, _NAMES, strict=True)
        ],
        "extensiongroups": [{"name": "demo", "members": ",".join(NUMBERS[:5])}],
        "contacts": [
            {"firstname": first, "lastname": last, "businessnum": number} for first, last, number in _CONTACTS
        ],
    }


class DemoPhones:
    """The simulated phones: `command` starts baresip with the loader it needs, `modules` are its modules."""

    def __init__(self, command: Sequence[str], modules: Path, folder: Path, registrar: str) -> None:
        self._command = list(command)
        self._modules = modules
        self._folder = folder
        self._registrar = registrar  # host:port of the PBX
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, passwords: Mapping[str, str], port: int, rtp_ports: tuple[int, int]) -> None:
        """Register every phone from `port` on the loopback address."""
        self._write(passwords, port, rtp_ports)
        log_file = (self._folder / "baresip.log").open("wb")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                "-f",
                str(self._folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
            )
        finally:
            log_file.close()

    def _write(self, passwords: Mapping[str, str], port: int, rtp_ports: tuple[int, int]) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True)
        config = _CONFIG.format(
            bind="127.0.0.1", port=port, rtp_low=rtp_ports[0], rtp_high=rtp_ports[1], modules=self._modules
        )
        accounts = "".join(
            f"<sip:{number}@{self._registrar};transport=udp>;auth_pass={password};answermode=auto;"
            f"regint={_REGISTER_SECONDS}\n"
            for number, password in passwords.items()
        )
        (self._folder / "config").write_text(config, encoding="ascii")
        (self._folder / "contacts").write_text("", encoding="ascii")
        accounts_file = self._folder / "accounts"
        accounts_file.touch(mode=0o600)
        accounts_file.write_text(accounts, encoding="ascii")

    async def close(self) -> None:
        """Unregister and end."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
