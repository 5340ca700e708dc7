"""Receives events and prints them: as an HTTP receiver on port 8260, or as a client of the event port."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BODY_MAX = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDR", help="where to listen")
    parser.add_argument("--port", type=int, default=8260, help="port to listen on (default 8260)")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="connect to this event port instead")
    parser.add_argument("--username", default=os.environ.get("OFFHOOK_API_USERNAME", "api"))
    parser.add_argument("--password", default=os.environ.get("OFFHOOK_API_PASSWORD"), help="for --tcp")
    parser.add_argument("--version", default="2.0.0", help="format of events for --tcp")


def run(arguments: argparse.Namespace) -> int:
    """Print events until interrupted; 1 when the port cannot be used or the login is refused."""
    try:
        if arguments.tcp:
            password = (
                arguments.password if arguments.password is not None else getpass.getpass("API password: ")
            )
            return asyncio.run(_follow(arguments, password))
        asyncio.run(_listen(arguments.bind, arguments.port))
    except OSError as failure:
        sys.stderr.write(f"offhook listen: {failure}\n")
        return 1
    return 0


async def _listen(bind: str, port: int) -> None:
    server = await asyncio.start_server(_receive, bind, port)
    sys.stderr.write(f"listening for events on http://{bind}:{port}/\n")
    async with server:
        await server.serve_forever()


async def _receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        body = await reader.readexactly(min(length, _BODY_MAX))
        _show(body)
        writer.write(_ANSWER)
        await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError) as failure:
        sys.stderr.write(f"no event: {failure}\n")
    finally:
        writer.close()


async def _follow(arguments: argparse.Namespace, password: str) -> int:
    host, _, port = arguments.tcp.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    packet = (
        f"Action: login\r\nUsername: {arguments.username}\r\nSecret: {password}\r\n"
        f"Version: {arguments.version}\r\n\r\n"
    )
    writer.write(packet.encode())
    reply = await reader.readline()
    sys.stderr.write(reply.decode("utf-8", "replace"))
    if b"Success" not in reply:
        return 1
    while line := await reader.readline():
        _show(line.rstrip())
    return 0


def _show(body: bytes) -> None:
    sys.stdout.write(body.decode("utf-8", "replace") + "\n")
    sys.stdout.flush()
