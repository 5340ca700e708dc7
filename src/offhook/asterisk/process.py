"""The engine as a process: started in its own session, adopted when still alive, started again when it dies.

    offhook up ── start() ──► adopt? pid, start time and hash in run/engine.json fit a living process
                                 └─ no ─► stop what is there, write configuration, spawn, wait for the port
               ── supervise() ─► the process ended ─► pause (1, 2, 4 … 30 s) ─► start again ─► on_restart()
               ── stop() / detach()

The engine logs to files and has no pipe to us, so it does not notice when we go (architecture, decision 8).
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import resource
import secrets
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from offhook.asterisk.config import private_folder, static_hash, write_file, write_static_config
from offhook.asterisk.scheduling import allow_children, make_real_time
from offhook.asterisk.static import EngineSettings
from offhook.asterisk.tree import EngineError

log = logging.getLogger(__name__)

_BOOT_SECONDS = 60
_STOP_SECONDS = 10
_PAUSES = (1, 2, 4, 8, 15, 30)
_STABLE_SECONDS = 60
_LOG_BYTES = 20_000_000
_DESCRIPTORS_PER_CALL = 10  # 9 measured
_DESCRIPTORS_AT_REST = 100  # 53 measured
_PORTS_PER_CALL = 4


@dataclass(frozen=True, slots=True)
class Running:
    """A living engine as written down in `run/engine.json` (0600)."""

    pid: int
    started: str  # field 22 of /proc/<pid>/stat: a pid that was given away again has another one
    hash: str
    ami_port: int
    ami_secret: str


def engine_pid(data: Path) -> int | None:
    """The pid of a data folder's engine as written down, None when there is none; it may have ended."""
    try:
        return int(json.loads((data / "run" / "engine.json").read_text(encoding="ascii"))["pid"])
    except (OSError, ValueError, KeyError):
        return None


def engine_lives(data: Path) -> bool:
    """Whether the engine of a data folder runs, and is the one that was written down."""
    try:
        known = json.loads((data / "run" / "engine.json").read_text(encoding="ascii"))
        started = _start_time(int(known["pid"]))
        return started is not None and started == known["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when there is no such process. See proc(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def free_port() -> int:
    """A TCP port of the loopback address that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def call_capacity(rtp_ports: tuple[int, int]) -> int:
    """How many calls this machine carries: descriptors / 10 or RTP ports / 4, whichever is less."""
    by_ports = (rtp_ports[1] - rtp_ports[0] + 1) // _PORTS_PER_CALL
    return min(calls_by_descriptors() or by_ports, by_ports)


def calls_by_descriptors() -> int:
    """How many calls an engine that we start has descriptors for; 0 for any number."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if descriptors == resource.RLIM_INFINITY:
        return 0
    return max(1, (descriptors - _DESCRIPTORS_AT_REST) // _DESCRIPTORS_PER_CALL)


class EngineProcess:
    """One Asterisk of one data folder. Make it once; `start`, then `supervise` until `stop` or `detach`."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.running: Running | None = None
        self.adopted = False
        self._process: subprocess.Popen[bytes] | None = None
        self._leaving = False

    @property
    def state_path(self) -> Path:
        """Where the living engine is written down."""
        return self.settings.data / "run" / "engine.json"

    @property
    def ami(self) -> tuple[int, str]:
        """Port and secret of the running engine's AMI."""
        if self.running is None:
            raise EngineError("the engine does not run")
        return self.running.ami_port, self.running.ami_secret

    async def start(self) -> None:
        """Adopt the folder's living engine or start one; returns when it takes AMI connections.

        Raises EngineError when it does not come up; its log's last lines are in the text.
        """
        wanted = await asyncio.to_thread(static_hash, self.settings)
        known = self._known()
        if known is not None and known.hash == wanted and await _answers(known.ami_port):
            self.running, self.adopted = known, True
            log.info("engine: adopted process %d", known.pid)
            return
        if known is not None:
            await self._end(known)
        await self._spawn(wanted)

    def _known(self) -> Running | None:
        try:
            known = Running(**json.loads(self.state_path.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None
        return known if _start_time(known.pid) == known.started else None

    async def _spawn(self, wanted: str) -> None:
        settings = self.settings
        port, secret = free_port(), secrets.token_hex(24)
        # not part of the hash: a living engine has the limits of its own start
        settings_now = dataclasses.replace(settings, ami_port=port, max_calls=calls_by_descriptors())
        await asyncio.to_thread(write_static_config, settings_now, secret)
        self._rotate()
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(settings.folder)}
        if settings.timezone:
            environment["TZ"] = settings.timezone
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        console = (settings.folder / "log" / "console").open("ab")
        try:
            if soft < hard:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            allow_children()
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - it must outlive this loop
                [
                    *settings.tree.command("usr/sbin/asterisk"),
                    "-f",
                    "-C",
                    str(settings.etc / "asterisk.conf"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env=environment,
                cwd=settings.folder,
            )
        finally:
            console.close()
        pid = self._process.pid
        real_time = make_real_time(pid)
        self.running = Running(pid, _start_time(pid) or "", wanted, port, secret)
        self.adopted = False
        write_file(self.state_path, json.dumps(asdict(self.running)))
        await self._wait_until_up(port)
        log.info("engine: started process %d%s", pid, ", real-time" if real_time else "")

    async def _wait_until_up(self, port: int) -> None:
        deadline = asyncio.get_running_loop().time() + _BOOT_SECONDS
        while not await _answers(port):
            if self._process is not None and self._process.poll() is not None:
                raise EngineError(f"the engine ended while starting; its log says: {self._last_words()}")
            if asyncio.get_running_loop().time() > deadline:
                raise EngineError(f"the engine did not come up in {_BOOT_SECONDS} s: {self._last_words()}")
            await asyncio.sleep(0.05)

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("console", "messages"):
            try:
                lines += (self.settings.folder / "log" / name).read_text("utf-8", "replace").splitlines()[-3:]
            except OSError:
                continue
        return " | ".join(lines) or "nothing"

    def _rotate(self) -> None:
        for name in ("messages", "console"):
            path = private_folder(self.settings.folder / "log") / name
            if path.exists() and path.stat().st_size > _LOG_BYTES:
                path.replace(path.with_suffix(".1"))

    @property
    def pid(self) -> int | None:
        """The engine's process; None while there is none."""
        return self.running.pid if self.running is not None else None

    @property
    def alive(self) -> bool:
        """Whether the engine's process lives."""
        if self._process is not None:
            return self._process.poll() is None
        return self.running is not None and _start_time(self.running.pid) == self.running.started

    async def supervise(
        self, on_exit: Callable[[], Awaitable[None]], on_restart: Callable[[], Awaitable[None]]
    ) -> None:
        """Start the engine again whenever it dies, with growing pauses; runs until cancelled."""
        loop = asyncio.get_running_loop()
        failures, up_since = 0, loop.time()
        while True:
            while self.alive:  # noqa: ASYNC110 - an adopted engine is not our child
                await asyncio.sleep(0.1)
            if self._leaving:
                return
            if loop.time() - up_since > _STABLE_SECONDS:
                failures = 0
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)] if failures else 0
            failures += 1
            log.error("engine: the process ended; starting it again in %d s: %s", pause, self._last_words())
            await on_exit()
            await asyncio.sleep(pause)
            try:
                await self.start()
            except EngineError as failure:
                log.error("engine: %s", failure)
                continue
            up_since = loop.time()
            await on_restart()

    async def stop(self) -> None:
        """End the engine: hang up, close files, exit; killed when it takes too long."""
        self._leaving = True
        if self.running is not None:
            await self._end(self.running)
        self.running = None

    def detach(self) -> None:
        """Leave the engine to itself; the next control plane adopts it."""
        self._leaving = True

    async def _end(self, running: Running) -> None:
        for sign, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5)):
            if _start_time(running.pid) != running.started:
                break
            try:
                os.kill(running.pid, sign)
            except ProcessLookupError:
                break
            deadline = asyncio.get_running_loop().time() + seconds
            while (
                _start_time(running.pid) == running.started and asyncio.get_running_loop().time() < deadline
            ):
                if self._process is not None:
                    self._process.poll()
                await asyncio.sleep(0.02)
        # The first thread may be gone (then the process counts as dead) while others still close their ports.
        deadline = asyncio.get_running_loop().time() + _STOP_SECONDS
        while self._process is not None and self._process.poll() is None:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)
        self.state_path.unlink(missing_ok=True)


async def _answers(port: int) -> bool:
    """Whether an AMI greets on this loopback port."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return (await reader.readline()).startswith(b"Asterisk Call Manager")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
