"""A loudspeaker that listens on a multicast address: any phone in the house may do so (spec 08-paging)."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Self

from tests.support.rtp import RtpPort


class Loudspeaker:
    """Joins a group on one interface, given by its address, and measures what it hears."""

    def __init__(self, group: str, port: int, interface: str = "127.0.0.1") -> None:
        self.group = group
        self.port = port
        self.interface = interface
        self.rtp = RtpPort(0)
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.group, self.port))
        joined = struct.pack("4s4s", socket.inet_aton(self.group), socket.inet_aton(self.interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self.rtp, sock=sock)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)
