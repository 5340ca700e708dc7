"""A scripted phone that speaks uaCSTA (ECMA TR/87): its calls come from the PBX, its orders from the agent.

It registers and takes calls as every scripted phone; on the same socket it answers the INVITE of an agent,
tells its calls in INFO or NOTIFY, and does what AnswerCall and ClearConnection ask for.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.support.phone import Call, Phone, eventually
from tests.support.sip import SipMessage, parse, tag_of, uri_of

CSTA = "application/csta+xml"
_EDITIONS = "http://www.ecma-international.org/standards/ecma-323/csta/"


@dataclass(slots=True)
class Agent:
    """A session that an agent has opened with the phone."""

    address: tuple[str, int]
    call_id: str
    local: str
    remote: str
    target: str
    monitored: bool = False
    ended: bool = False
    cseq: int = 0
    statuses: list[int] = field(default_factory=list)  # of what the agent answered to our requests


class UacstaPhone(Phone):
    """`carrier` is the method that carries events; `replies` says where responses go: in the answer's body
    (answer), in a request of the phone (message), or nowhere (none). `challenge` asks for the password."""

    def __init__(
        self,
        *arguments: Any,
        carrier: str = "INFO",
        replies: str = "answer",
        edition: str = "ed4",
        challenge: bool = False,
        local_port: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.carrier = carrier
        self.replies = replies
        self.namespace = _EDITIONS + edition
        self.challenge = challenge
        self.local_port = local_port
        self.agents: list[Agent] = []
        self.invites: list[SipMessage] = []
        self.orders: list[str] = []  # names of the CSTA requests, in the order they came
        self.strangers: list[SipMessage] = []  # everything that did not come from the PBX itself
        self.refuse_sessions = 0
        self.ring_sessions = False
        self.deaf = False
        self.error = ""
        self.callids: dict[str, Call] = {}
        self._told_over: set[str] = set()
        self._next_callid = 32784

    @property
    def ipaddress(self) -> str:
        """The phone as the API names it."""
        return f"{self.address}:{self.port}"

    @property
    def session(self) -> Agent | None:
        """The newest session that goes on."""
        return next((agent for agent in reversed(self.agents) if not agent.ended), None)

    async def monitored(self) -> Agent:
        """Wait until an agent monitors this phone."""
        await eventually(
            lambda: self.session is not None and self.session.monitored and "SnapshotDevice" in self.orders,
            f"{self.number} is monitored, so far {self.orders}",
            15,
        )
        session = self.session
        if session is None:
            raise AssertionError("the session is gone")
        return session

    def callid_of(self, call: Call) -> str:
        """The phone's own id of a call."""
        return next(callid for callid, one in self.callids.items() if one is call)

    def reboot(self) -> None:
        """Forget every session without a word."""
        for agent in self.agents:
            agent.ended = True
        self.orders.clear()

    async def answer_by_hand(self, call: Call) -> None:
        """A person lifts the handset."""
        await call.answer()
        self._tell_established(call)

    # -- the wire ---------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """What does not come from the PBX comes from an agent."""
        if addr == self.registrar:
            super().datagram_received(data, addr)
            return
        message = parse(data)
        self.strangers.append(message)
        if self.deaf:
            return
        if message.status:
            agent = next((one for one in self.agents if one.call_id == message.get("call-id")), None)
            if agent is not None:
                agent.statuses.append(message.status)
            return
        self._on_agent(message, addr)

    def _on_agent(self, message: SipMessage, address: tuple[str, int]) -> None:
        call_id = message.get("call-id")
        agent = next((one for one in self.agents if one.call_id == call_id and not one.ended), None)
        match message.method:
            case "INVITE":
                self._on_session(message, address)
            case "ACK":
                pass
            case "CANCEL":
                self._reply_to(address, message, 200)
                self._reply_to(address, self.invites[-1], 487)
            case _ if agent is None:
                self._reply_to(address, message, 481)
            case "INFO":
                self._on_order(agent, message)
            case "BYE":
                agent.ended = True
                self._reply_to(address, message, 200)

    def _on_session(self, message: SipMessage, address: tuple[str, int]) -> None:
        self.invites.append(message)
        if self.refuse_sessions:
            self._reply_to(address, message, self.refuse_sessions)
            return
        if self.challenge and not self._proved(message):
            asking = 'Digest realm="offhook", nonce="5ccc069c403ebaf9", algorithm=MD5, qop="auth"'
            self._reply_to(address, message, 401, headers=[("www-authenticate", asking)])
            return
        if self.ring_sessions:
            self._reply_to(address, message, 180, tag="ringing")
            return
        tag = secrets.token_hex(4)
        local = f"{message.get('to')};tag={tag}"
        target = uri_of(message.get("contact"))
        self.agents.append(Agent(address, message.get("call-id"), local, message.get("from"), target))
        body = self._xml("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>")
        self._reply_to(address, message, 200, body, tag=tag)

    def _proved(self, message: SipMessage) -> bool:
        return f'username="{self.username}"' in message.get("authorization")

    def _on_order(self, agent: Agent, message: SipMessage) -> None:
        order = re.search(r"<(\w+) xmlns", message.body)
        name = order[1] if order else ""
        self.orders.append(name)
        self._keep(self._obey(agent, message, name))

    async def _obey(self, agent: Agent, message: SipMessage, name: str) -> None:
        match name:
            case "MonitorStart":
                agent.monitored = True
                self._done(agent, message, name, "<monitorCrossRefID>7</monitorCrossRefID>")
            case "SnapshotDevice":
                self._done(agent, message, name, self._snapshot())
            case "AnswerCall" | "ClearConnection":
                await self._order_of_call(agent, message, name)
            case _:
                self._done(agent, message, name)

    async def _order_of_call(self, agent: Agent, message: SipMessage, name: str) -> None:
        callid = re.search(r"<callID>(.*?)</callID><deviceID>(.+?)</deviceID>", message.body)
        call = self.callids.get(callid[1]) if callid else None
        if self.error or call is None or call.ended:
            body = f"<operation>{self.error or 'invalidCallID'}</operation>"
            self._reply_to(agent.address, message, 200, self._xml("CSTAErrorCode", body))
            return
        self._done(agent, message, name)
        if name == "AnswerCall":
            await call.answer()
            self._tell_established(call)
        elif 200 in call.statuses:
            await call.hangup()
            self._tell_cleared()
        else:
            await call.refuse(603)
            self._tell_cleared()

    def _done(self, agent: Agent, message: SipMessage, name: str, inner: str = "") -> None:
        body = self._xml(f"{name}Response", inner)
        self._reply_to(agent.address, message, 200, body if self.replies == "answer" else "")
        if self.replies == "message":
            self._request(agent, "INFO", body)

    def _reply_to(
        self,
        address: tuple[str, int],
        request: SipMessage,
        status: int,
        body: str = "",
        *,
        tag: str = "",
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        to = request.get("to")
        if not tag_of(to) and status > 100:
            to = f"{to};tag={tag or secrets.token_hex(4)}"
        copied = [("via", value) for value in request.all("via")]
        copied += [("from", request.get("from")), ("to", to)]
        copied += [(name, request.get(name)) for name in ("call-id", "cseq")]
        copied += [("contact", f"<{self.contact}>"), *(headers or [])]
        if body:
            copied.append(("content-type", CSTA))
        self.send_to(address, SipMessage(f"SIP/2.0 {status} Answer", copied, body))

    def _request(self, agent: Agent, method: str, body: str) -> None:
        agent.cseq += 1
        headers = [
            ("via", f"SIP/2.0/UDP {self.ipaddress};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("max-forwards", "70"),
            ("from", agent.local),
            ("to", agent.remote),
            ("call-id", agent.call_id),
            ("cseq", f"{agent.cseq} {method}"),
            ("contact", f"<{self.contact}>"),
            ("content-type", CSTA),
        ]
        if method == "NOTIFY":
            headers += [("event", "csta"), ("subscription-state", "active")]
        self.send_to(agent.address, SipMessage(f"{method} {agent.target} SIP/2.0", headers, body))

    def send_to(self, address: tuple[str, int], message: SipMessage) -> None:
        """Send a message to another than the PBX."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), address)

    # -- events -----------------------------------------------------------------------------------------

    def tell(self, name: str, inner: str) -> None:
        """Tell an event to everyone who monitors the phone."""
        body = self._xml(name, f"<monitorCrossRefID>7</monitorCrossRefID>{inner}")
        for agent in self.agents:
            if agent.monitored and not agent.ended:
                self._request(agent, self.carrier, body)

    def _xml(self, name: str, inner: str) -> str:
        return f'<?xml version="1.0" encoding="utf-8"?>\n<{name} xmlns="{self.namespace}">{inner}</{name}>'

    def _connection(self, name: str, callid: str) -> str:
        return f"<{name}><callID>{callid}</callID><deviceID>{self.number}</deviceID></{name}>"

    def _on_invite(self, message: SipMessage) -> None:
        super()._on_invite(message)
        callid, self._next_callid = str(self._next_callid), self._next_callid + 1
        self.callids[callid] = self.calls[-1]
        device = f"<alertingDevice><deviceIdentifier>{self.number}</deviceIdentifier></alertingDevice>"
        local = "<localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>"
        self.tell("DeliveredEvent", self._connection("connection", callid) + device + local)

    def _on_request(self, message: SipMessage) -> None:
        super()._on_request(message)
        self._tell_cleared()

    def _tell_established(self, call: Call) -> None:
        inner = self._connection("establishedConnection", self.callid_of(call))
        self.tell("EstablishedEvent", inner + "<localConnectionInfo>connected</localConnectionInfo>")

    def _tell_cleared(self) -> None:
        for callid, call in self.callids.items():
            if call.ended and callid not in self._told_over:
                self._told_over.add(callid)
                inner = self._connection("droppedConnection", callid)
                self.tell("ConnectionClearedEvent", inner + "<localConnectionInfo>null</localConnectionInfo>")

    def _snapshot(self) -> str:
        inner = ""
        for callid, call in self.callids.items():
            if not call.ended:
                state = "connected" if 200 in call.statuses else "alerting"
                inner += (
                    f"<snapshotDeviceResponseInfo>{self._connection('connectionIdentifier', callid)}"
                    "<localCallState><compoundCallState>"
                    f"<localConnectionState>{state}</localConnectionState>"
                    "</compoundCallState></localCallState></snapshotDeviceResponseInfo>"
                )
        return f"<crossRefIDorSnapshotData><snapshotData>{inner}</snapshotData></crossRefIDorSnapshotData>"
