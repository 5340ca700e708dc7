"""What the engine says while a test runs: the dialplan's UserEvents by AMI, and CEL rows from its file.

Independent of offhook's own AMI client and record keeper, so that these cannot hide a fault from the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.support.phone import eventually

_FLUSH_SECONDS = 0.04  # the engine sends what waits with the answer to any line (asterisk issue 2145)


class EngineLog:
    """AMI events since the login and CEL rows since the beginning of the test."""

    def __init__(self, cel_file: Path) -> None:
        self.events: list[dict[str, str]] = []
        self._cel_file = cel_file
        self._begin = cel_file.stat().st_size if cel_file.exists() else 0

    def named(self, name: str) -> list[dict[str, str]]:
        """The AMI events of one name."""
        return [event for event in self.events if event.get("Event") == name]

    def told(self, name: str, *headers: str) -> list[tuple[str, ...]]:
        """The UserEvents of one name as tuples of the headers asked for."""
        found = [event for event in self.named("UserEvent") if event.get("UserEvent") == name]
        return [tuple(event[header] for header in headers) for event in found]

    async def wait_told(self, name: str, *headers: str) -> tuple[str, ...]:
        """Wait for a UserEvent; returns the headers of the first."""
        await eventually(lambda: self.told(name), f"UserEvent {name}")
        return self.told(name, *headers)[0]

    def cel(self, kind: str) -> list[dict[str, Any]]:
        """The CEL rows of one type, in the file's order; a user event's name is its type."""
        with self._cel_file.open(encoding="utf-8") as file:
            file.seek(self._begin)
            rows: list[dict[str, Any]] = [json.loads(line) for line in file if line.endswith("\n")]
        return [row for row in rows if row["eventtype"] == kind]

    def cel_told(self, name: str) -> list[str]:
        """The extras of the CEL user events of one name; the engine wraps each in JSON of its own."""
        return [str(json.loads(row["eventextra"])["extra"]) for row in self.cel(name)]


def bad_expressions(log: Path, begin: int = 0) -> list[str]:
    """What the engine's log says, from a byte on, of expressions in the dialplan that have no meaning."""
    if not log.exists():
        return []
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        lines = file.read().splitlines()
    # the expression itself stands in the next line
    return ["\n".join(lines[at : at + 2]) for at, line in enumerate(lines) if "ast_yyerror" in line]


@contextlib.asynccontextmanager
async def engine_log(port: int, user: str, secret: str, cel_file: Path) -> AsyncIterator[EngineLog]:
    """Listen to the engine for the time of a block."""
    log = EngineLog(cel_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\n\r\n".encode())
    logged_in = asyncio.Event()

    async def read() -> None:
        while True:
            block = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
            event = dict(line.partition(": ")[::2] for line in block.split("\r\n") if line)
            if event.get("Message") == "Authentication accepted":
                logged_in.set()
            if "Event" in event:
                log.events.append(event)

    async def flush() -> None:
        while True:
            writer.write(b"Action: Ping\r\n\r\n")
            await asyncio.sleep(_FLUSH_SECONDS)

    tasks = [asyncio.create_task(read()), asyncio.create_task(flush())]
    try:
        async with asyncio.timeout(5):
            await logged_in.wait()
        yield log
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
