"""Too many at once: phones that all register after a restart, and descriptors that run out."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import secrets
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from tests.support.pbx import STRONG
from tests.support.phone import Call, Phone, eventually
from tests.support.process import up_process
from tests.support.sip import SipMessage, digest, parse

from chaos.house import hang_up, until
from chaos.load import TALKS
from chaos.outcome import Outcome
from chaos.trial import Trial, again_and_again, trial

FIRST = 30000
_PAUSES = (0.5, 1.0, 2.0, 4.0)  # of repetitions over UDP (RFC 3261, section 17.1.2.2); the last repeats
DESCRIPTORS = 500
"""Of the engine, which has a hundred for itself and ten for each of CALLS."""
CALLS = 40
_PAIRS = 12  # that call each other while all phones register


@dataclass
class _Member:
    number: str
    call_id: str
    cseq: int = 0
    authorization: str = ""
    done: bool = False


class Registrants(asyncio.DatagramProtocol):
    """Very many phones on one socket that do nothing but register."""

    def __init__(self, registrar: tuple[str, int], numbers: list[str]) -> None:
        self._registrar = registrar
        self._members = {one.call_id: one for one in (_Member(n, secrets.token_hex(8)) for n in numbers)}
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        # two thousand phones have two thousand buffers; what is lost here would count as their silence
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def registered(self) -> int:
        """How many have their 200."""
        return sum(one.done for one in self._members.values())

    async def register(self, seconds: float) -> None:
        """All at once, again and again until each is registered. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            turn = 0
            while self.registered < len(self._members):
                for one in self._members.values():
                    if not one.done:
                        self._send(one)
                with contextlib.suppress(TimeoutError):
                    await eventually(
                        lambda: self.registered == len(self._members),
                        "all are registered",
                        _PAUSES[min(turn, len(_PAUSES) - 1)],
                    )
                turn += 1

    def _send(self, one: _Member) -> None:
        if self._transport is None:
            return
        host = f"{self._registrar[0]}:{self._registrar[1]}"
        port = self._transport.get_extra_info("sockname")[1]
        one.cseq += 1
        headers = [
            ("via", f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("max-forwards", "70"),
            ("from", f"<sip:{one.number}@{host}>;tag={secrets.token_hex(4)}"),
            ("to", f"<sip:{one.number}@{host}>"),
            ("call-id", one.call_id),
            ("cseq", f"{one.cseq} REGISTER"),
            ("contact", f"<sip:{one.number}@127.0.0.1:{port}>"),
            ("expires", "300"),
        ]
        if one.authorization:
            headers.append(("authorization", one.authorization))
        self._write(SipMessage(f"REGISTER sip:{host} SIP/2.0", headers))

    def _write(self, message: SipMessage) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), self._registrar)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take an answer, and answer 200 to whatever is asked."""
        message = parse(data)
        if not message.status:
            headers = [("via", value) for value in message.all("via")]
            headers += [(name, message.get(name)) for name in ("from", "to", "call-id", "cseq")]
            self._write(SipMessage("SIP/2.0 200 OK", headers))
            return
        one = self._members.get(message.get("call-id"))
        if one is None:
            return
        if message.status == 401 and not one.done:
            host = f"{self._registrar[0]}:{self._registrar[1]}"
            one.authorization = digest(
                message.get("www-authenticate"), "REGISTER", f"sip:{host}", one.number, STRONG
            )
            self._send(one)
        elif message.status == 200:
            one.done = True


async def registering(chance: random.Random, times: int = 1, rate: float = 5.0, count: int = 2000) -> Outcome:
    """Everything starts anew, and all phones register at the same moment, beside calls.

    `count` phones with those that make the load: a PBX has 2000 at most.
    """
    numbers = [str(FIRST + n) for n in range(count - 2 * _PAIRS - 2 * TALKS)]
    async with trial(
        f"{count} phones register", chance, rate=rate, pairs=_PAIRS, calls_suffer=True, numbers=numbers
    ) as one:
        for turn in range(times):
            if turn:
                await one.load.begin_talks()
            async with one.fault():
                one.house.kill_engine()
                await one.house.up.kill()
                await one.house.up.start()
                one.mended()
                registrar = ("127.0.0.1", one.house.up.sip_port)
                async with Registrants(registrar, numbers) as crowd:
                    await crowd.register(120)
                    await until(lambda: _all_are_known(one, numbers), "all are shown as registered", 60, 0.3)
    return one.outcome


async def _all_are_known(one: Trial, numbers: list[str]) -> bool:
    listed = await one.house.client.post("extension/list")
    if listed["status"] != "Success":
        await one.house.login()
        return False
    known = {ext["number"] for ext in listed["extlist"] if ext["status"] != "Unavailable"}
    return known >= set(numbers)


async def control_without_descriptors(
    chance: random.Random, times: int = 5, rate: float = 20.0, seconds: float = 5.0
) -> Outcome:
    """offhook may open nothing more for a while: no request, no event, no file."""
    return await again_and_again(
        "offhook without descriptors", chance, times, rate, partial(exhaust, seconds=seconds)
    )


async def exhaust(one: Trial, seconds: float) -> None:
    """Leave offhook only as many descriptors as it has, for so long."""
    async with one.fault():
        await _exhausted(one.house.up.pid, seconds)
        one.mended()
        await one.load.dials_again()


async def engine_at_capacity(
    chance: random.Random, times: int = 3, rate: float = 5.0, over: int = 20
) -> Outcome:
    """More calls than the engine has descriptors for: those above are refused at once, all others go on."""
    numbers = [str(FIRST + n) for n in range(2 * (CALLS + over))]
    async with (
        up_process(within=("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}")) as up,
        trial(
            f"descriptors for {CALLS} calls",
            chance,
            rate=rate,
            pairs=6,
            calls_suffer=True,
            up=up,
            numbers=numbers,
        ) as one,
    ):
        phones = [await one.house.phone(number, audio=False) for number in numbers]
        for _ in range(times):
            async with one.fault():
                calls = await asyncio.gather(
                    *(_begun(phones[at], phones[at + 1].number, at / 30) for at in range(0, len(phones), 2))
                )
                up_calls = [call for call in calls if call.is_up]
                await one.load.talks_are_heard()
                refused = sorted({call.statuses[-1] for call in calls if not call.is_up})
                one.outcome.notes.append(f"{len(up_calls)} calls taken, the rest refused with {refused}")
                if not refused or any(status < 400 for status in refused):
                    one.outcome.broken.append(f"calls above the capacity: {refused}")
                one.mended()
                await asyncio.gather(*(hang_up(call) for call in calls))
                await one.load.dials_again()
            one.outcome.calls += len(up_calls)
            pairs = {(call.phone.number, str(int(call.phone.number) + 1)) for call in up_calls}
            await until(lambda pairs=pairs: _have_records(one, pairs), "a record for each", 20)  # type: ignore[misc]
            for phone in phones:
                phone.forget_calls()
    return one.outcome


async def _begun(phone: Phone, number: str, after: float) -> Call:
    """A call that is up, or was refused in time."""
    await asyncio.sleep(after)
    call = await phone.call(number)
    await eventually(lambda: call.is_up or call.ended, "it is answered or refused", 8)
    return call


async def _have_records(one: Trial, pairs: set[tuple[str, str]]) -> bool:
    told = {(event["callfrom"], event["callto"]) for event in one.house.receiver.named("NewCdr")}
    return pairs <= told


async def _exhausted(pid: int, seconds: float) -> None:
    """Leave a process only as many descriptors as it has."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_highest(pid) + 1, hard))
    await asyncio.sleep(seconds)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def _highest(pid: int) -> int:
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
