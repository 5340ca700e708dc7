"""Sends a file to a client, and finds out whether the client has taken all of it.

Until the first byte everything that goes wrong is a failure in JSON. After it the connection is cut, so that
a part never looks like the whole: by a length that is not reached, by chunks without an end, for clients of
HTTP/1.0 by a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import inspect
import logging
import os
import socket
import stat
import struct
import termios
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import HttpVersion11, web

from offhook.contract.errors import ContractError
from offhook.contract.results import Download

log = logging.getLogger(__name__)

STALL_SECONDS = 60.0
_CHUNK = 256 << 10
_POLL_SECONDS = 0.02
_MOMENT = 0.001
_TCP_CLOSE = 7  # linux/tcp_states.h
_HEADERS = {"Accept-Ranges": "none", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def send(
    request: web.BaseRequest, download: Download, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Deliver a file. Raises ContractError, and what its body raises, before the first byte only."""
    delivered = False
    try:
        async with contextlib.AsyncExitStack() as stack:
            chunks, size = await _source(download, stack)
            first = await anext(chunks, b"")
            response = _response(request, download, headers, size)
            try:
                sock = stack.enter_context(_handle(request))
                sent = await _write(request, response, first, chunks)
                if size is not None and sent != size:
                    raise EOFError(f"{sent} of {size} bytes were there")
                await _soon(response.write_eof())
                delivered = await _is_taken(request, sock)
            except (OSError, TimeoutError) as gone:
                log.info("api: %s %s: not taken whole: %s", request.remote, request.path, gone)
            except Exception:
                log.exception("api: %s %s broke off", request.remote, request.path)
            finally:
                if not delivered:
                    _cut(request)
    finally:
        download.ended(delivered)
    if delivered:
        log.info("api: %s %s: delivered, %d bytes", request.remote, request.path, sent)
    return response


async def _source(
    download: Download, stack: contextlib.AsyncExitStack
) -> tuple[AsyncIterator[bytes], int | None]:
    if not isinstance(download.body, Path):
        if inspect.isasyncgen(download.body):
            stack.push_async_callback(download.body.aclose)
        return download.body, None
    try:
        file, size = await asyncio.to_thread(_open, download.body)
    except OSError as failure:
        raise ContractError(download.missing, f"it cannot be read: {failure.strerror}") from None
    stack.callback(file.close)
    return _read(file, size), size


def _open(path: Path) -> tuple[BinaryIO, int]:
    """The file and its length now; what is appended to it later is not sent."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise OSError(0, "it is no file")
    return file, status.st_size


async def _read(file: BinaryIO, size: int) -> AsyncIterator[bytes]:
    while size > 0 and (chunk := await asyncio.to_thread(file.read, min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


def _response(
    request: web.BaseRequest, download: Download, headers: Mapping[str, str], size: int | None
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **headers,
            **_HEADERS,
            "Content-Type": download.content_type,
            "Content-Disposition": disposition(download.filename),
        }
    )
    if size is not None:
        response.content_length = size
    elif request.version >= HttpVersion11:
        response.enable_chunked_encoding()
    response.force_close()
    return response


def disposition(filename: str) -> str:
    """The header of a file to be saved under a name (RFC 6266); the name cannot end the header."""
    name = "".join(ch if ch.isprintable() and ch not in "/\\" else "_" for ch in filename)
    plain = "".join(ch if " " <= ch <= "~" and ch not in '"%' else "_" for ch in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _handle(request: web.BaseRequest) -> socket.socket:
    """The connection's socket once more; raises ConnectionResetError when the client has gone."""
    sock = request.transport.get_extra_info("socket") if request.transport is not None else None
    if sock is None or sock.fileno() < 0:
        raise ConnectionResetError("the client has gone")
    copy: socket.socket = sock.dup()
    return copy


async def _write(
    request: web.BaseRequest, response: web.StreamResponse, first: bytes, chunks: AsyncIterator[bytes]
) -> int:
    if request.transport is None:
        raise ConnectionResetError("the client has gone")
    # As little as can be may wait in our own memory when all is written; asyncio's TLS never resumes at 0.
    request.transport.set_write_buffer_limits(high=1, low=0)
    await _soon(response.prepare(request))
    await _soon(response.write(first))
    sent = len(first)
    async for chunk in chunks:
        await _soon(response.write(chunk))
        sent += len(chunk)
    return sent


async def _soon(writing: object) -> None:
    """A client that takes nothing for a while is let go."""
    async with asyncio.timeout(STALL_SECONDS):
        await writing  # type: ignore[misc]


async def _is_taken(request: web.BaseRequest, sock: socket.socket) -> bool:
    """Wait until the other machine has acknowledged every byte; False when it has broken off before.

    A client that has everything may be gone at once, so `sock` is a handle of our own on its connection.
    """
    empty = 0
    async with asyncio.timeout(STALL_SECONDS):
        # Twice: what TLS still held may have moved into the empty queue meanwhile.
        while empty < 2:
            waiting = request.transport.get_write_buffer_size() if request.transport is not None else 0
            if _is_broken(sock):
                return False
            empty = 0 if waiting or _unacknowledged(sock) else empty + 1
            await asyncio.sleep(_MOMENT if empty else _POLL_SECONDS)
    return True


def _is_broken(sock: socket.socket) -> bool:
    """Whether the connection was reset or timed out (tcp(7), TCP_INFO); the peer closing it is neither."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def _unacknowledged(sock: socket.socket) -> int:
    """Bytes in the kernel's send queue that the peer has not acknowledged (tcp(7), SIOCOUTQ)."""
    (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))
    return int(count)


def _cut(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
