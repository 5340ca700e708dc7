"""`offhook up` as a process of its own, to be killed at bad moments."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.pbx import Client, free_port, free_range

START_SECONDS = 40.0


class UpProcess:
    """One data folder, and the control plane that runs on it from time to time."""

    def __init__(self, data: Path, *, within: Sequence[str] = (), seen: Path | None = None) -> None:
        """`within` is a command that runs others where `data` is; `seen` is where that lies for us."""
        self.data = data
        self.seen = seen or data
        self._within = within
        self.http_port = free_port()
        self.sip_port = free_port()
        self.rtp = free_range(400)
        self.ports = {"tls": free_port(), "event": free_port()}
        self.ready_line = ""
        self._process: asyncio.subprocess.Process | None = None
        self.log_path = self.seen / "up.log"

    @property
    def pid(self) -> int:
        """The control plane's process."""
        if self._process is None:
            raise AssertionError("the PBX was not started")
        return self._process.pid

    @property
    def engine_pid(self) -> int:
        """The engine's process."""
        return int(json.loads((self.seen / "run/engine.json").read_text())["pid"])

    @property
    def log(self) -> str:
        """All that the control plane has logged."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    async def start(self, *more: str) -> None:
        """Start and wait for the ready line."""
        low, high = self.rtp
        arguments = ["up", "--data", str(self.data), "--bind", "127.0.0.1"]
        arguments += ["--http-port", str(self.http_port), "--sip-port", str(self.sip_port)]
        arguments += ["--tls-port", str(self.ports["tls"]), "--event-port", str(self.ports["event"])]
        arguments += ["--rtp-ports", f"{low}-{high}", *more]
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OFFHOOK_TIMEZONE": "UTC"}
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._within,
                sys.executable,
                "-m",
                "offhook",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        await self.ready()

    async def ready(self) -> None:
        """Wait for the next ready line."""
        if self._process is None or self._process.stdout is None:
            raise AssertionError("the PBX was not started")
        async with asyncio.timeout(START_SECONDS):
            line = await self._process.stdout.readline()
        self.ready_line = line.decode()
        if not self.ready_line.startswith("offhook ready"):
            raise AssertionError(f"the PBX is not ready: {self.log[-3000:]}")

    async def wait(self) -> int:
        """Wait until the control plane has ended; returns its status."""
        if self._process is None:
            raise AssertionError("the PBX was not started")
        async with asyncio.timeout(START_SECONDS):
            await self._process.communicate()
        return self._process.returncode or 0

    async def kill(self) -> None:
        """kill -9 the control plane; the engine lives on."""
        os.kill(self.pid, signal.SIGKILL)
        await self.wait()

    async def end(self) -> None:
        """End it, and an engine that did not end with it."""
        await self.stop()
        with suppress(OSError, ValueError):
            os.kill(self.engine_pid, signal.SIGKILL)

    async def stop(self) -> int:
        """End the PBX as a service manager does; returns its status."""
        if self._process is None or self._process.returncode is not None:
            return 0
        self._process.terminate()
        return await self.wait()

    async def command(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run an offhook command on this folder; returns status and output."""
        return await self.plain(*arguments, "--data", str(self.data), stdin=stdin)

    async def plain(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run an offhook command that needs no data folder; returns status and output."""
        root = Path(__file__).parents[2]
        process = await asyncio.create_subprocess_exec(
            *self._within,
            sys.executable,
            "-m",
            "offhook",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(root / "src"), "XDG_CACHE_HOME": str(self.data / "cache")},
        )
        output, _ = await process.communicate(stdin.encode())
        return process.returncode or 0, output.decode()

    async def rows(self, query: str) -> list[list[Any]]:
        """Rows of the store, read by a process of its own where the store is."""
        process = await asyncio.create_subprocess_exec(
            *self._within,
            sys.executable,
            "-c",
            "import json, sqlite3, sys; store = sqlite3.connect(sys.argv[1], timeout=10); "
            "print(json.dumps(store.execute(sys.argv[2]).fetchall()))",
            str(self.data / "offhook.db"),
            query,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        found: list[list[Any]] = json.loads(output)
        return found

    async def client(self) -> Client:
        """An application with the password ApiTest2019."""
        await self.command("api", "set", "--username", "api", "--password", "ApiTest2019")
        return Client(f"http://127.0.0.1:{self.http_port}", "ApiTest2019")


@asynccontextmanager
async def up_process(within: Sequence[str] = ()) -> AsyncIterator[UpProcess]:
    """A data folder with a PBX that is ended, engine included, at the end of the block."""
    with TemporaryDirectory(prefix="up-", ignore_cleanup_errors=True) as folder:
        up = UpProcess(Path(folder), within=within)
        try:
            yield up
        finally:
            await up.end()
