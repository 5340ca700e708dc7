"""Runs SIPVicious from an address of one's own, which its svwar and svcrack have no working option for.

python -m tests.support.sipvicious 127.0.0.9 svwar -e 1000-1099 127.0.0.1 -p 5060
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from typing import Any


async def sipvicious(address: str, tool: str, *arguments: str, seconds: float = 60.0) -> str:
    """Run a tool from `address` against loopback; returns what it says. Ends it after `seconds`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.sipvicious", address, tool, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
    return output.decode("utf-8", "replace")


def _run(address: str, tool: str) -> None:
    class Bound(socket.socket):
        def bind(self, where: Any, /) -> None:
            super().bind((address, where[1]))

    socket.socket = Bound  # type: ignore[misc]
    importlib.import_module(f"sipvicious.{tool}").main()


if __name__ == "__main__":
    chosen = sys.argv[1:3]
    sys.argv = [chosen[1], *sys.argv[3:]]
    if not chosen[0].startswith("127."):
        raise SystemExit("only loopback addresses are attacked from")
    _run(*chosen)
