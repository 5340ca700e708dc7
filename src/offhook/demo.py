"""`up --demo`: ten extensions, a group, contacts, and simulated phones that answer by themselves.

The phones are one baresip process with an account per extension; each call is answered at once and hears
itself. They are real SIP user agents that nobody here wrote, so the demonstration shows a real PBX.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from offhook import disk
from offhook.areas.accounts.service import generate_password
from offhook.areas.control.live import LiveCalls
from offhook.asterisk.fetch import obtain_tools
from offhook.asterisk.process import free_port
from offhook.core import Core
from offhook.settings import Settings

log = logging.getLogger(__name__)

NUMBERS = tuple(str(number) for number in range(1000, 1010))
_NAMES = ("Ann", "Bob", "Carla", "Dan", "Eve", "Femi", "Gita", "Hugo", "Ines", "Jun")
_CONTACTS = (
    ("Maggie", "Chou", "15880123456"),
    ("Ravi", "Nair", "442079460123"),
    ("Lena", "Brandt", "493023125000"),
)
_REGISTER_SECONDS = 60
_REGISTERED_SECONDS = 20.0
_CONFIG = """\
poll_method epoll
sip_listen {bind}:{port}
audio_player aubridge,demo
audio_source aubridge,demo
audio_alert aubridge,alert
call_local_timeout 120
call_max_calls 200
call_hold_other_calls no
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
    disk.write(path, json.dumps(made).encode("ascii"))
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


class Demo:
    """The demonstration of one PBX: `start` it when the PBX is up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._phones: DemoPhones | None = None
        self._registered = False

    async def start(self, core: Core, live: LiveCalls) -> None:
        """Declare the extensions and have their phones register; returns when they have, or after a while."""
        settings = self._settings
        passwords = demo_passwords(settings.data)
        document = yaml.safe_dump(demo_document(passwords), sort_keys=False)
        await core.apply.apply(document)
        tools = await asyncio.to_thread(obtain_tools)
        host = "127.0.0.1" if settings.bind in {"0.0.0.0", "::"} else settings.bind  # noqa: S104
        self._phones = DemoPhones(
            tools.command("usr/bin/baresip"),
            tools.root / "usr/lib/baresip/modules",
            settings.data / "demo",
            f"{host}:{settings.sip_port}",
        )
        low, high = free_udp_ports(2 * len(NUMBERS) * 4)
        await self._phones.start(passwords, free_port(), (low, high))
        self._registered = await self._all_registered(live)

    async def _all_registered(self, live: LiveCalls) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REGISTERED_SECONDS):
                while any(not live.picture.address_of(number) for number in NUMBERS):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                return True
        return False

    def explain(self, core: Core, addresses: Mapping[str, str]) -> None:
        """Print how to make a first call with nothing but curl."""
        api = addresses["api"]
        md5 = hashlib.md5((core.first_passwords.api or "").encode(), usedforsecurity=False).hexdigest()
        shown = md5 if core.first_passwords.api else "<MD5 of the API password>"
        account = {"username": core.api_settings.now.username, "password": shown}
        login = json.dumps({**account, "version": "2.0.0", "port": "8260"})
        are = "are registered" if self._registered else "have not all registered yet (see demo/baresip.log)"
        sys.stderr.write(
            f"\nPhones 1000 to 1009 {are} and answer by themselves. Make one call another:\n"
            f"  token=$(curl -s {api}login -d '{login}' | sed 's/.*\"token\":\"\\([0-9a-f]*\\)\".*/\\1/')\n"
            f'  curl -s "{api}call/dial?token=$token" -d \'{{"caller":"1000","callee":"1001"}}\'\n'
            "Events go to port 8260 of where you log in from: ./offhook listen\n\n"
        )

    async def close(self) -> None:
        """End the phones."""
        if self._phones is not None:
            await self._phones.close()


def free_udp_ports(count: int) -> tuple[int, int]:
    """A range of `count` ports that is likely free, above those of the PBX."""
    low = 40000 + (os.getpid() * 200) % 20000
    return low, low + count - 1
