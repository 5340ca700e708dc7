"""Very many callers at one carrier, without audio: one socket, and a line of state for each call."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Self

from tests.support.sip import SipMessage, parse, sdp


@dataclass(slots=True)
class Caller:
    """One call; `statuses` are the answers to its INVITE."""

    number: str
    invite: SipMessage
    statuses: list[int] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the call was refused or given up."""
        return any(status >= 300 for status in self.statuses)


class Crowd(asyncio.DatagramProtocol):
    """Calls `did` from as many numbers as one likes; nobody ever hears anything."""

    def __init__(self, registrar: tuple[str, int], *, address: str = "127.0.0.2") -> None:
        self.address = address
        self.port = 0
        self.callers: dict[str, Caller] = {}
        self._registrar = registrar
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(self.address, 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
        if self._transport is not None:
            self._transport.close()

    async def call(self, did: str, numbers: list[str], *, rate: float = 200) -> None:
        """Call from each of these numbers, so many a second."""
        for number in numbers:
            self._invite(did, number)
            await asyncio.sleep(1 / rate)

    async def leave(self) -> None:
        """Give up all calls that are not over."""
        for caller in self.callers.values():
            if not caller.ended:
                self._send("CANCEL", caller)
        for _ in range(400):
            if all(caller.ended for caller in self.callers.values()):
                return
            await asyncio.sleep(0.01)

    def _invite(self, did: str, number: str) -> None:
        host = f"{self._registrar[0]}:{self._registrar[1]}"
        uri, call_id = f"sip:{did}@{host}", secrets.token_hex(10)
        headers = [
            ("via", f"SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{call_id};rport"),
            ("max-forwards", "70"),
            ("from", f"<sip:{number}@{self.address}>;tag={secrets.token_hex(4)}"),
            ("to", f"<{uri}>"),
            ("call-id", call_id),
            ("cseq", "1 INVITE"),
            ("contact", f"<sip:crowd@{self.address}:{self.port}>"),
            ("content-type", "application/sdp"),
        ]
        invite = SipMessage(f"INVITE {uri} SIP/2.0", headers, sdp(self.address, 9))
        self.callers[call_id] = Caller(number, invite)
        self._write(invite)

    def _send(self, method: str, caller: Caller, to: str = "") -> None:
        invite = caller.invite
        headers = [("max-forwards", "70")]
        headers += [(name, invite.get(name)) for name in ("via", "from", "call-id")]
        headers += [("to", to or invite.get("to")), ("cseq", f"1 {method}")]
        self._write(SipMessage(f"{method} {invite.uri} SIP/2.0", headers))

    def _write(self, message: SipMessage) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), self._registrar)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message from the PBX."""
        message = parse(data)
        caller = self.callers.get(message.get("call-id"))
        if not message.status:
            if message.method == "OPTIONS":
                names = ("via", "from", "to", "call-id", "cseq")
                self._write(SipMessage("SIP/2.0 200 OK", [(name, message.get(name)) for name in names]))
        elif caller is not None and message.cseq[1] == "INVITE":
            if message.status > 100:
                caller.statuses.append(message.status)
            if message.status >= 300:
                self._send("ACK", caller, message.get("to"))
