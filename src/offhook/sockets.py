"""What the ports share that speak TLS and plain text alike."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

TLS_HANDSHAKE = b"\x16"
"""The first byte of every TLS connection (RFC 8446, section 5.1); no text protocol begins with it."""

_REST_SECONDS = 0.2


async def accepted(listener: socket.socket, log: logging.Logger) -> AsyncIterator[tuple[socket.socket, Any]]:
    """Connections that come in, each with its peer's address as the system gives it; goes on for ever."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection = await loop.sock_accept(listener)
        except OSError as failure:
            # out of descriptors, as a rule: those that are open will end, so wait for them
            log.error("no connection can be taken: %s", failure)
            await asyncio.sleep(_REST_SECONDS)
            continue
        yield connection


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


def find_dead_peer(sock: socket.socket, seconds: int, *, send_buffer: int) -> None:
    """Have the system end a connection whose other side does not answer for `seconds`, and bound what it
    keeps for one that does not read (bytes)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    third = seconds // 3
    options = {
        "TCP_KEEPIDLE": third,
        "TCP_KEEPINTVL": third // 2,
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": seconds * 1000,  # for what was sent and not acknowledged
    }
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
