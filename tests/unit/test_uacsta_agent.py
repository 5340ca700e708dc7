"""The uaCSTA agent on real sockets: who is heard, what is repeated, what is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from offhook.areas.uacsta import agent as agent_module
from offhook.areas.uacsta.agent import BURST, RATE, Agent, Rings
from offhook.areas.uacsta.dialog import Dialog
from offhook.areas.uacsta.phone import PhoneSession, Surroundings
from offhook.areas.uacsta.session import State
from offhook.areas.uacsta.sip import Address, Contact, Login, Message, encode, parse, respond, written
from offhook.areas.uacsta.transaction import NoAnswer
from tests.support.phone import eventually

EVENT = b"<DeliveredEvent><connection><callID>1</callID></connection></DeliveredEvent>"


class Peer(asyncio.DatagramProtocol):
    """The other end, by hand: keeps what comes, sends what it is told."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.on_message: Callable[[Message, Address], None] = lambda _message, _address: None
        self.agent: Address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._transport = transport
        self.address: Address = transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = parse(data)
        self.agent = addr
        self.heard.append(message)
        self.on_message(message, addr)

    def send(self, message: Message | bytes, to: Address | None = None) -> None:
        if self._transport is not None:
            data = message if isinstance(message, bytes) else encode(message)
            self._transport.sendto(data, to or self.agent)

    def methods(self) -> list[str]:
        return [message.method for message in self.heard if message.method]

    def statuses(self) -> list[int]:
        return [message.status for message in self.heard if message.status]

    def accept(self, invite: Message) -> None:
        self.send(respond(invite, 200, "phone"))

    def info(self, invite: Message, cseq: int, *, branch: str = "", tag: str = "phone") -> Message:
        """A request of the phone within the dialog that `invite` opened."""
        headers = [
            ("via", f"SIP/2.0/UDP {written(self.address)};branch=z9hG4bK{branch or cseq}"),
            ("from", f"{invite.get('to')};tag={tag}"),
            ("to", invite.get("from")),
            ("call-id", invite.get("call-id")),
            ("cseq", f"{cseq} INFO"),
            ("content-type", "application/csta+xml"),
        ]
        return Message(tuple(headers), EVENT, "INFO", "sip:offhook")


class Ends:
    """An agent, a peer, and a dialog between them; `taken` are the requests that the dialog got."""

    def __init__(self, agent: Agent, peer: Peer) -> None:
        self.agent = agent
        self.peer = peer
        self.own = ("127.0.0.1", agent.port)
        self.contact = Contact(f"sip:1000@{written(peer.address)}", peer.address)
        self.taken: list[Message] = []

    def dialog(self) -> Dialog:
        dialog = Dialog(self.contact, self.own, "1000")
        self.agent.attach(dialog, self.taken.append)
        return dialog

    async def has_heard(self, count: int) -> None:
        """Wait until the agent has taken or dropped so many messages."""
        await eventually(lambda: len(self.taken) + self.agent.dropped == count, f"{count} messages")

    async def opened(self) -> tuple[Dialog, Message]:
        """A dialog that the peer has accepted, and its INVITE."""
        dialog = self.dialog()
        self.peer.on_message = lambda message, _: (
            self.peer.accept(message) if message.method == "INVITE" else None
        )
        answer = await self.agent.invite(dialog, dialog.request("INVITE", b"<a/>"))
        assert answer.status == 200
        await eventually(lambda: "ACK" in self.peer.methods(), "ACK")
        return dialog, next(message for message in self.peer.heard if message.method == "INVITE")


@asynccontextmanager
async def two_ends() -> AsyncIterator[Ends]:
    agent, peer = Agent(), Peer()
    await agent.open("127.0.0.1", 0)
    await peer.open()
    try:
        yield Ends(agent, peer)
    finally:
        await agent.close(0.05)
        peer.close()


async def test_only_phones_that_we_speak_with_are_heard() -> None:
    async with two_ends() as ends:
        stranger = Peer()
        await stranger.open()
        _, invite = await ends.opened()
        stranger.agent = ends.own
        stranger.send(ends.peer.info(invite, 1))
        await eventually(lambda: ends.agent.dropped == 1, "dropped unread")
        ends.peer.send(b"no message at all")
        await eventually(lambda: ends.agent.dropped == 2, "dropped as no message")
        ends.peer.send(b"\r\n\r\n")
        ends.peer.send(ends.peer.info(invite, 1))
        await eventually(lambda: len(ends.taken) == 1, "the phone is heard")
        assert stranger.heard == []
        stranger.close()


async def test_a_phone_is_told_which_dialogs_are_over() -> None:
    async with two_ends() as ends:
        dialog, invite = await ends.opened()
        unknown = ends.peer.info(invite, 1)
        headers = tuple((n, "of old" if n == "call-id" else v) for n, v in unknown.headers)
        ends.peer.send(Message(headers, EVENT, "INFO", "sip:offhook"))
        await eventually(lambda: ends.peer.statuses() == [481], "after a restart of ours")
        ends.peer.send(ends.peer.info(invite, 2, tag="another"))
        await eventually(lambda: ends.peer.statuses() == [481, 481], "another tag")
        ends.agent.leave(dialog)
        await eventually(lambda: "BYE" in ends.peer.methods(), "BYE")
        ends.peer.send(ends.peer.info(invite, 3))
        await eventually(lambda: ends.peer.statuses() == [481, 481, 481], "a dialog that we ended")
        assert ends.taken == []


async def test_no_phone_speaks_for_another() -> None:
    async with two_ends() as ends:
        _, invite = await ends.opened()
        other = Peer()
        await other.open()
        dialog = Dialog(Contact(f"sip:1001@{written(other.address)}", other.address), ends.own, "1001")
        ends.agent.attach(dialog, ends.taken.append)
        other.agent = ends.own
        other.send(ends.peer.info(invite, 1))
        await eventually(lambda: other.statuses() == [481], "refused")
        assert ends.taken == []
        other.close()


async def test_what_a_phone_repeats_is_taken_once() -> None:
    async with two_ends() as ends:
        _, invite = await ends.opened()
        for _ in range(3):
            ends.peer.send(ends.peer.info(invite, 5))
        await eventually(lambda: ends.peer.statuses() == [200, 200, 200], "answered each time")
        ends.peer.send(ends.peer.info(invite, 4))
        await eventually(lambda: ends.peer.statuses()[3:] == [500], "too late")
        assert len(ends.taken) == 1
        ends.peer.accept(invite)
        await eventually(lambda: ends.peer.methods().count("ACK") == 2, "ACK again")


async def test_a_flood_is_bounded() -> None:
    async with two_ends() as ends:
        _, invite = await ends.opened()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1, 201):
            ends.peer.send(ends.peer.info(invite, number))
            if number % 10 == 0:
                await ends.has_heard(number)
        allowed = BURST + (loop.time() - began) * RATE + 1
        assert BURST * 0.9 < len(ends.taken) <= min(allowed, 200)
        assert ends.agent.dropped or allowed > 200


async def test_requests_are_sent_again_until_they_are_answered() -> None:
    async with two_ends() as ends:
        dialog, invite = await ends.opened()
        ends.peer.on_message = lambda message, _: (
            ends.peer.send(respond(message, 200)) if ends.peer.methods().count("INFO") == 2 else None
        )
        answer = await ends.agent.request(dialog, dialog.request("INFO", EVENT), 4)
        assert answer.status == 200
        sent = [message for message in ends.peer.heard if message.method == "INFO"]
        assert sent[0] == sent[1]
        assert sent[0].cseq[0] == invite.cseq[0] + 1
        ends.peer.on_message = lambda _message, _address: None
        with pytest.raises(NoAnswer):
            await ends.agent.request(dialog, dialog.request("INFO", EVENT), 0.1)


async def test_an_answer_that_comes_too_late_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "INVITE_SECONDS", 0.1)
    async with two_ends() as ends:
        dialog = ends.dialog()
        with pytest.raises(NoAnswer):
            await ends.agent.invite(dialog, dialog.request("INVITE", b"<a/>"))
        ends.agent.leave(dialog)
        assert ends.peer.methods() == ["INVITE"]
        ends.peer.accept(ends.peer.heard[0])
        await eventually(lambda: ends.peer.methods()[1:3] == ["ACK", "BYE"], "undone")


async def test_a_phone_that_rings_is_let_go() -> None:
    async with two_ends() as ends:
        dialog = ends.dialog()

        def ring(message: Message, _: Address) -> None:
            if message.method == "INVITE":
                ends.peer.send(respond(message, 180, "phone"))
            elif message.method == "CANCEL":
                ends.peer.send(respond(message, 200))
                ends.peer.send(respond(ends.peer.heard[0], 487, "phone"))

        ends.peer.on_message = ring
        with pytest.raises(Rings):
            await ends.agent.invite(dialog, dialog.request("INVITE", b"<a/>"))
        await eventually(lambda: ends.peer.methods() == ["INVITE", "CANCEL", "ACK"], "called off")
        cancel, ack = ends.peer.heard[1:]
        assert cancel.branch == ack.branch == ends.peer.heard[0].branch


async def test_one_that_rings_and_answers_at_once_is_taken() -> None:
    async with two_ends() as ends:
        dialog = ends.dialog()

        def hurry(message: Message, _: Address) -> None:
            if message.method == "INVITE":
                ends.peer.send(respond(message, 180, "phone"))
                ends.peer.accept(message)

        ends.peer.on_message = hurry
        assert (await ends.agent.invite(dialog, dialog.request("INVITE", b"<a/>"))).status == 200
        await eventually(lambda: ends.peer.methods() == ["INVITE", "ACK"], "ACK")


async def test_several_extensions_of_one_phone() -> None:
    async with two_ends() as ends:
        first, invite = await ends.opened()
        second: list[Message] = []
        other = Dialog(ends.contact, ends.own, "1001")
        ends.agent.attach(other, second.append)
        await ends.agent.invite(other, other.request("INVITE", b"<a/>"))
        invites = [message for message in ends.peer.heard if message.method == "INVITE"]
        ends.peer.send(ends.peer.info(invites[1], 1, branch="b"))
        await eventually(lambda: len(second) == 1, "the second hears it")
        ends.agent.leave(first)
        ends.peer.send(ends.peer.info(invites[1], 2))
        await eventually(lambda: len(second) == 2, "and goes on when the first is gone")
        assert ends.taken == []
        assert invite is invites[0]


@pytest.mark.parametrize(
    ("status", "body", "kind", "then"),
    [
        (200, b"v=0\r\n", "application/sdp", ["INVITE", "ACK", "BYE"]),
        (
            200,
            b"<CSTAErrorCode><operation>serviceNotSupported</operation></CSTAErrorCode>",
            "application/csta+xml",
            ["INVITE", "ACK", "BYE"],
        ),
        (486, b"", "", ["INVITE", "ACK"]),
        (415, b"", "", ["INVITE", "ACK"]),
        (401, b"", "", ["INVITE", "ACK"]),
    ],
)
async def test_phones_without_uacsta(status: int, body: bytes, kind: str, then: list[str]) -> None:
    async with two_ends() as ends:

        async def login(_number: str) -> Login:
            return Login("1000", "offhook", "0" * 32)

        async def pace() -> None:
            return

        def answer(message: Message, _: Address) -> None:
            if message.method == "INVITE":
                bare = respond(message, status, "phone")
                headers = (*bare.headers, *((("content-type", kind),) if kind else ()))
                ends.peer.send(Message(headers, body, status=status))

        ends.peer.on_message = answer
        around = Surroundings(agent=ends.agent, login=login, pace=pace, own=lambda _: ends.own)
        session = PhoneSession("1000", ends.contact, around, lambda *_: None)
        await eventually(lambda: ends.peer.methods() == then, f"{then}, so far {ends.peer.methods()}")
        await eventually(lambda: session.state is State.DOWN, "the session is down")
        await session.close()
        assert session.state is State.CLOSED
