"""A file system of its own for one PBX, small enough to be filled, made without root (user_namespaces(7))."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.process import UpProcess

_MEGABYTES = 96


class NoNamespaces(Exception):
    """This machine lets ordinary users make no namespaces."""


@asynccontextmanager
async def small_disk(megabytes: int = _MEGABYTES) -> AsyncIterator[UpProcess]:
    """A PBX, not started, whose data folder is all of a file system. Raises NoNamespaces.

    Only its processes see it there; `seen` is our way to it.
    """
    with TemporaryDirectory(prefix="disk-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        script = (
            f'mount -t tmpfs -o size={megabytes}m,mode=700 disk "$1" && echo ready && exec sleep infinity'
        )
        holder = await asyncio.create_subprocess_exec(
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            str(data),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            if holder.stdout is None or await holder.stdout.readline() != b"ready\n":
                raise NoNamespaces("unshare --user --mount is not permitted here")
            within = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
            up = UpProcess(data, within=within, seen=Path(f"/proc/{holder.pid}/root{data}"))
            up.log_path = Path(folder) / "up.log"
            try:
                yield up
            finally:
                await up.end()
        finally:
            with suppress(ProcessLookupError):
                holder.kill()
            await holder.wait()
