"""Stands between offhook and the engine's AMI, and cuts, delays or tears what goes through."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Self


class Proxy:
    """A TCP relay to a loopback port.

    `delay` in seconds holds up each piece in both directions, `torn` has every answer end in the middle of
    its first piece, `closed` refuses whoever comes; `cut` ends what is there.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.delay = 0.0
        self.torn = False
        self.closed = False
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    def cut(self) -> None:
        """End every connection at once."""
        for writer in self._writers:
            writer.transport.abort()

    def retarget(self, port: int) -> None:
        """Lead new connections to another port."""
        self._target = port

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, other_writer}
        ways = [
            asyncio.create_task(self._pass(reader, other_writer, answers=False)),
            asyncio.create_task(self._pass(other_reader, writer, answers=True)),
        ]
        self._tasks |= set(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, other_writer):
                one.transport.abort()
            self._writers -= {writer, other_writer}
            self._tasks -= set(ways)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        """Read on while earlier pieces are held up, so that a delay is one and no bound on the rate."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            while piece := await reader.read(65536):
                pieces.put_nowait((time.monotonic() + self.delay, piece))
            pieces.put_nowait((time.monotonic(), b""))

        reading = asyncio.create_task(read())
        try:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not piece or writer.is_closing():
                    return
                torn = self.torn and answers
                writer.write(piece[: len(piece) // 2] if torn else piece)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                if torn:
                    return
        finally:
            reading.cancel()
