"""A scripted SIP phone on the loopback address: registers, calls, answers, refuses, holds, presses keys.

    async with Phone("1000", "secret", registrar) as phone:
        await phone.register()
        call = await phone.call("1001")
        await call.answered()

Every wait has a time limit and ends with a TimeoutError that names what was waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from typing import Self

from tests.support.dialog import Call
from tests.support.rtp import RtpPort
from tests.support.sip import SipMessage, digest, parse, tag_of, uri_of
from tests.support.waiting import WAIT_SECONDS, eventually

__all__ = ["Call", "Phone", "eventually"]


class Phone(asyncio.DatagramProtocol):
    """A SIP phone. `frequency` is that of the tone it sends, in Hz."""

    make_rtp: type[RtpPort] = RtpPort

    def __init__(
        self,
        number: str,
        password: str,
        registrar: tuple[str, int],
        *,
        username: str = "",
        frequency: int = 440,
        address: str = "127.0.0.1",
        display: str = "",
        wideband: bool = False,
        audio: bool = True,
        sequence: int = 0,
    ) -> None:
        self.number = number
        self.username = username or number
        self.password = password
        self.registrar = registrar
        self.frequency = frequency
        self.address = address
        self.display = display
        self.sequence = sequence  # number of the first packet of its audio
        self.wideband = wideband  # speaks G.722 only, and hears nothing that it could measure
        self.audio = audio  # without it nothing is sent, for very many calls
        self.local_port = 0  # 0: any
        self.port = 0
        self.calls: list[Call] = []
        self.notifies: list[SipMessage] = []
        self.auto_ring = True
        self.auto_answer = False
        self.auto_refuse = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[str, asyncio.Future[SipMessage]] = {}
        self._replies: dict[str, bytes] = {}
        self._calls_by_branch: dict[str, Call] = {}
        self._register_id = secrets.token_hex(8)
        self._register_cseq = 0
        self.registered = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(self.address, self.local_port)
        )
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in self.calls:
            await self.leave(call)
            call.rtp.close()
        for task in list(self._tasks):
            task.cancel()
        if self.registered:
            await asyncio.wait([asyncio.create_task(self.register(0))], timeout=1)
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)  # the loop closes the sockets on its next turn

    def forget_calls(self) -> None:
        """Let go of all calls, without a word to the PBX."""
        for call in self.calls:
            call.rtp.close()
        self.calls.clear()

    async def leave(self, call: Call) -> None:
        """End a call in whatever state it is, so that the PBX does not go on ringing us."""
        if call.ended:
            return
        if call.incoming and 200 not in call.statuses:
            await call.refuse(480)
            return
        if not call.ended_by_us:
            await asyncio.wait([asyncio.create_task(call.hangup())], timeout=1)
        if call.incoming or call.ended:
            return
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: call.ended, "a final answer, or a BYE to it", 1)

    @property
    def contact(self) -> str:
        """This phone's Contact URI."""
        return f"sip:{self.username}@{self.address}:{self.port}"

    @property
    def domain(self) -> str:
        """Host and port of the registrar."""
        return f"{self.registrar[0]}:{self.registrar[1]}"

    async def register(self, expires: int = 300) -> int:
        """Register, or unregister with `expires` 0; returns the final status."""
        aor = f"<sip:{self.username}@{self.domain}>"
        status = 0
        authorization = ""
        for _ in range(2):
            self._register_cseq += 1
            headers = [
                ("from", f"{aor};tag={secrets.token_hex(4)}"),
                ("to", aor),
                ("call-id", self._register_id),
                ("contact", f"<{self.contact}>"),
                ("expires", str(expires)),
            ]
            if authorization:
                headers.append(("authorization", authorization))
            answer = await self.transact("REGISTER", f"sip:{self.domain}", headers, self._register_cseq)
            status = answer.status
            if status != 401 or authorization:
                break
            authorization = digest(
                answer.get("www-authenticate"), "REGISTER", f"sip:{self.domain}", self.username, self.password
            )
        self.registered = status == 200 and expires > 0
        return status

    async def call(
        self,
        number: str,
        headers: list[tuple[str, str]] | None = None,
        *,
        seconds: float = WAIT_SECONDS,
    ) -> Call:
        """Call a number; returns as soon as the PBX has taken the call or refused it."""
        call = Call(self, secrets.token_hex(10), incoming=False)
        self.calls.append(call)
        await call.rtp.open(self.address)
        uri = f"sip:{number}@{self.domain}"
        display = f'"{self.display}" ' if self.display else ""
        call.local = f"{display}<sip:{self.username}@{self.domain}>;tag={secrets.token_hex(4)}"
        call.remote, call.target = f"<{uri}>", uri
        self._keep(self._invite(call, uri, headers or []))
        await eventually(
            lambda: call.statuses or call.ended, f"{self.number}: the PBX answers the INVITE", seconds
        )
        return call

    async def _invite(self, call: Call, uri: str, extra: list[tuple[str, str]]) -> None:
        authorization = ""
        for _ in range(2):
            call.cseq += 1
            headers = [("from", call.local), ("to", call.remote), ("call-id", call.call_id), *extra]
            if authorization:
                headers.append(("authorization", authorization))
            body = call.offer()
            try:
                answer = await self.transact("INVITE", uri, headers, call.cseq, body, call=call)
            except TimeoutError:
                call.ended = True
                return
            if answer.status >= 300:
                self.send_ack(call, answer)
            if answer.status == 401 and not authorization:
                authorization = digest(
                    answer.get("www-authenticate"), "INVITE", uri, self.username, self.password
                )
                continue
            break
        if answer.status == 200:
            call.remote = answer.get("to")
            call.target = uri_of(answer.get("contact"))
            self.send_ack(call, answer)
            call.media(answer.body)
        else:
            call.ended = True
        call.statuses.append(answer.status)
        if call.is_up and call.ended_by_us:  # our CANCEL has crossed the answer (RFC 3261, section 9.1)
            await call.hangup()

    async def incoming(self) -> Call:
        """Wait for the next call that comes in and is not taken yet."""

        def waiting() -> Call | None:
            return next((c for c in self.calls if c.incoming and not c.taken), None)

        await eventually(waiting, f"{self.number} is called")
        call = waiting()
        if call is None:
            raise AssertionError("the call is gone")
        call.taken = True
        return call

    # -- the wire ---------------------------------------------------------------------------------------

    async def transact(
        self,
        method: str,
        uri: str,
        headers: list[tuple[str, str]],
        cseq: int,
        body: str = "",
        kind: str = "application/sdp",
        call: Call | None = None,
    ) -> SipMessage:
        """Send a request and return its final answer; it is sent again until one comes (RFC 3261, 17.1)."""
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        message = SipMessage(
            f"{method} {uri} SIP/2.0",
            [
                ("via", f"SIP/2.0/UDP {self.address}:{self.port};branch={branch};rport"),
                ("max-forwards", "70"),
                *headers,
                ("cseq", f"{cseq} {method}"),
                ("user-agent", "scripted phone"),
            ],
            body,
        )
        if method in {"INVITE", "REFER"}:
            message.headers.append(("contact", f"<{self.contact}>"))
        if body:
            message.headers.append(("content-type", kind))
        future: asyncio.Future[SipMessage] = asyncio.get_running_loop().create_future()
        self._waiting[branch] = future
        if call is not None:
            call.invite = message
            self._calls_by_branch[branch] = call
        self._send(message)
        try:
            for pause in (0.5, 1.0, 2.0, 4.0):
                done, _ = await asyncio.wait([future], timeout=pause)
                if done:
                    break
                if call is None or not call.statuses:
                    self._send(message)
            async with asyncio.timeout(60):
                return await future
        finally:
            self._waiting.pop(branch, None)

    def send_ack(self, call: Call, answer: SipMessage) -> None:
        """Acknowledge the final answer to an INVITE."""
        via = (
            answer.get("via")
            if answer.status >= 300
            else (f"SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport")
        )
        target = call.target if answer.status >= 300 else uri_of(answer.get("contact")) or call.target
        self._send(
            SipMessage(
                f"ACK {target} SIP/2.0",
                [
                    ("via", via),
                    ("max-forwards", "70"),
                    ("from", answer.get("from")),
                    ("to", answer.get("to")),
                    ("call-id", call.call_id),
                    ("cseq", f"{answer.cseq[0]} ACK"),
                ],
            )
        )

    def send_cancel(self, call: Call) -> None:
        """Cancel our INVITE (RFC 3261, section 9.1)."""
        invite = call.invite
        if invite is None:
            raise AssertionError("there is no INVITE to cancel")
        names = ("via", "from", "to", "call-id")
        headers = [("max-forwards", "70"), *((name, invite.get(name)) for name in names)]
        headers.append(("cseq", f"{invite.cseq[0]} CANCEL"))
        self._send(SipMessage(f"CANCEL {invite.uri} SIP/2.0", headers))

    def respond(
        self, request: SipMessage, status: int, *, to_tag: str = "", body: str = "", contact: str = ""
    ) -> None:
        """Answer a request; `contact` instead of this phone's own."""
        to = request.get("to")
        if to_tag and not tag_of(to):
            to = f"{to};tag={to_tag}"
        headers = [("via", value) for value in request.all("via")]
        headers += [("from", request.get("from")), ("to", to), ("call-id", request.get("call-id"))]
        headers += [("cseq", request.get("cseq")), ("contact", f"<{contact or self.contact}>")]
        if body:
            headers.append(("content-type", "application/sdp"))
        message = SipMessage(f"SIP/2.0 {status} {_REASONS.get(status, 'Answer')}", headers, body)
        self._replies[request.get("via") + request.get("cseq")] = message.encode()
        self._send(message)

    def _send(self, message: SipMessage) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), self.registrar)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message from the PBX."""
        if not data.strip():
            return
        message = parse(data)
        if message.status:
            self._on_response(message)
        else:
            self._on_request(message)

    def _on_response(self, message: SipMessage) -> None:
        branch = message.get("via").partition("branch=")[2].split(";")[0]
        call = self._calls_by_branch.get(branch)
        if message.status < 200:
            if call is not None and message.status > 100:
                call.statuses.append(message.status)
            return
        if message.cseq[1] == "CANCEL":  # has the branch of the INVITE that it ends (RFC 3261, section 9.1)
            return
        future = self._waiting.get(branch)
        if future is not None and not future.done():
            future.set_result(message)
        elif call is not None and message.cseq[1] == "INVITE":
            self.send_ack(call, message)

    def _on_request(self, message: SipMessage) -> None:
        again = self._replies.get(message.get("via") + message.get("cseq"))
        if again is not None and self._transport is not None:
            self._transport.sendto(again, self.registrar)
            return
        known = next((c for c in self.calls if c.call_id == message.get("call-id")), None)
        match message.method:
            case "INVITE" if known is None:
                self._on_invite(message)
            case "INVITE" if known is not None:
                self.respond(message, 200, body=known.offer())
                known.media(message.body)
            case "ACK":
                pass
            case "CANCEL" if known is not None and known.invite is not None:
                self.respond(message, 200)
                known.statuses.append(487)
                self.respond(known.invite, 487, to_tag=tag_of(known.local))
                known.ended = True
            case "BYE" if known is not None:
                self.respond(message, 200)
                known.on_bye()
            case "NOTIFY":
                self.notifies.append(message)
                self.respond(message, 200, to_tag=secrets.token_hex(4))
            case _:
                self.respond(message, 200 if message.method == "OPTIONS" else 481)

    def _on_invite(self, message: SipMessage) -> None:
        call = Call(self, message.get("call-id"), incoming=True)
        call.invite = message
        call.local = f"{message.get('to')};tag={secrets.token_hex(4)}"
        call.remote = message.get("from")
        call.target = uri_of(message.get("contact"))
        self.calls.append(call)
        self.respond(message, 100)
        if self.auto_refuse:
            self._keep(call.refuse(self.auto_refuse))
            return
        if self.auto_ring:
            self._keep(call.ring())
        if self.auto_answer:
            self._keep(call.answer())

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    302: "Moved Temporarily",
    488: "Not Acceptable Here",
    486: "Busy Here",
    487: "Request Terminated",
    603: "Decline",
}
