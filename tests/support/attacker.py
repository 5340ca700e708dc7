"""Who attacks phones from a loopback address of his own: asks for anything, guesses, floods."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

from tests.support.sip import digest, sdp


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as text, and after how many seconds."""

    text: str
    seconds: float

    @property
    def status(self) -> int:
        """The status; 0 when nothing came."""
        return int(self.text[8:11]) if self.text else 0

    @property
    def challenge(self) -> str:
        """The challenge in it, if there is one."""
        match = re.search(r"^WWW-Authenticate: (.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return match[1] if match else ""


class Attacker(asyncio.DatagramProtocol):
    """Sends requests from `address` to `target` over UDP; `statuses` counts the answers."""

    def __init__(self, target: tuple[str, int], address: str) -> None:
        self.target = target
        self.address = address
        self.port = 0
        self.statuses: Counter[int] = Counter()
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(self.address, 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)

    @property
    def refused(self) -> int:
        """How often it was refused as banned addresses are."""
        return self.statuses[403]

    def message(
        self, method: str, user: str, *, call_id: str = "", authorization: str = "", cseq: int = 1
    ) -> bytes:
        """A request of `user`; a body goes with an INVITE."""
        host, port = self.target
        uri = f"sip:{host}:{port}" if method == "REGISTER" else f"sip:1000@{host}:{port}"
        body = sdp(self.address, 4000) if method == "INVITE" else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport",
            "Max-Forwards: 70",
            f"From: <sip:{user}@{host}>;tag={secrets.token_hex(4)}",
            f"To: <sip:{user}@{host}>",
            f"Call-ID: {call_id or secrets.token_hex(8)}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{user}@{self.address}:{self.port}>",
            *([f"Authorization: {authorization}"] if authorization else []),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", body]).encode()

    def send(self, data: bytes) -> None:
        """Send anything."""
        if self._transport is not None:
            self._transport.sendto(data, self.target)

    async def ask(self, message: bytes, seconds: float = 2.0) -> Answer:
        """Send a request and wait for its final answer; one that never comes has the status 0."""
        call_id = _call_id(message)
        future = self._waiting[call_id] = asyncio.get_running_loop().create_future()
        begin = time.perf_counter()
        self.send(message)
        try:
            async with asyncio.timeout(seconds):
                text = await future
        except TimeoutError:
            return Answer("", seconds)
        finally:
            self._waiting.pop(call_id, None)
        return Answer(text.decode("utf-8", "replace"), time.perf_counter() - begin)

    async def request(self, method: str, user: str) -> int:
        """The status of a request without a password."""
        return (await self.ask(self.message(method, user))).status

    async def guess(self, user: str, password: str, method: str = "REGISTER") -> int:
        """The status of a request with a password, once it was asked for."""
        call_id = secrets.token_hex(8)
        first = await self.ask(self.message(method, user, call_id=call_id))
        if first.status != 401:
            return first.status
        host, port = self.target
        uri = f"sip:{host}:{port}" if method == "REGISTER" else f"sip:1000@{host}:{port}"
        shown = digest(first.challenge, method, uri, user, password)
        return (
            await self.ask(self.message(method, user, call_id=call_id, authorization=shown, cseq=2))
        ).status

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take an answer."""
        if not data.startswith(b"SIP/2.0 ") or data[8:9] == b"1":
            return
        self.statuses[int(data[8:11])] += 1
        future = self._waiting.get(_call_id(data))
        if future is not None and not future.done():
            future.set_result(data)


def _call_id(message: bytes) -> str:
    match = re.search(rb"^Call-ID: ([^\r\n]+)", message, re.MULTILINE)
    return match[1].decode() if match else ""
