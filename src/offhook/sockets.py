"""What the ports share that speak TLS and plain text alike."""

from __future__ import annotations

import asyncio
import contextlib
import socket

TLS_HANDSHAKE = b"\x16"
"""The first byte of every TLS connection (RFC 8446, section 5.1); no text protocol begins with it."""


async def first_byte(sock: socket.socket) -> bytes:
    """The first byte of a connection, left in it; empty when the other side closed. Raises OSError."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(BlockingIOError):
        return sock.recv(1, socket.MSG_PEEK)
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _settle, readable)
    try:
        await readable
    finally:
        loop.remove_reader(sock)
    return sock.recv(1, socket.MSG_PEEK)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
