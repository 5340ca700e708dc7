"""Hundreds of wake-up calls due at once: when the first and the last phone rings, and what it costs.

`scripts/bench wakeup [rooms]`; it waits for a whole minute, as wake-up calls do.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from typing import Self

from tests.support.pbx import STRONG, free_range
from tests.support.phone import eventually
from tests.support.process import UpProcess, up_process
from tests.support.sip import SipMessage, digest, parse, sdp, uri_of

from bench.__main__ import cpu_seconds
from bench.table import Row, print_rows

ROOMS = 500
RINGS, LISTENS = 1.0, 2.0  # seconds until a guest answers, and until he hangs up


class Hotel(asyncio.DatagramProtocol):
    """The phones of all rooms on one socket; each answers after a moment and soon hangs up."""

    def __init__(self, registrar: tuple[str, int], rooms: list[str]) -> None:
        self.rooms = rooms
        self.rung: dict[str, float] = {}
        self.over: set[str] = set()
        self._registrar = registrar
        self._port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[str, asyncio.Future[SipMessage]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: set[str] = set()

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.close()

    async def register(self) -> None:
        """Register every room's phone."""
        for at in range(0, len(self.rooms), 20):
            await asyncio.gather(*(self._register(room) for room in self.rooms[at : at + 20]))

    async def _register(self, room: str) -> None:
        domain = f"{self._registrar[0]}:{self._registrar[1]}"
        aor, call_id = f"<sip:{room}@{domain}>", secrets.token_hex(8)
        authorization: list[tuple[str, str]] = []
        for cseq in (1, 2):
            headers = [("from", f"{aor};tag={secrets.token_hex(4)}"), ("to", aor), ("call-id", call_id)]
            headers += [("contact", f"<sip:{room}@127.0.0.1:{self._port}>"), ("expires", "3600")]
            headers += [("cseq", f"{cseq} REGISTER"), *authorization]
            answer = await self._ask("REGISTER", f"sip:{domain}", headers)
            if answer.status == 200:
                return
            value = digest(answer.get("www-authenticate"), "REGISTER", f"sip:{domain}", room, STRONG)
            authorization = [("authorization", value)]
        raise SystemExit(f"{room} cannot register: {answer.status}")

    async def _ask(self, method: str, uri: str, headers: list[tuple[str, str]]) -> SipMessage:
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        via = ("via", f"SIP/2.0/UDP 127.0.0.1:{self._port};branch={branch};rport")
        self._waiting[branch] = asyncio.get_running_loop().create_future()
        message = SipMessage(f"{method} {uri} SIP/2.0", [via, ("max-forwards", "70"), *headers])
        for _ in range(8):
            self._write(message)
            done, _ = await asyncio.wait([self._waiting[branch]], timeout=1)
            if done:
                break
        async with asyncio.timeout(5):
            return await self._waiting.pop(branch)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message from the PBX."""
        message = parse(data)
        if message.status:
            branch = message.get("via").partition("branch=")[2].split(";")[0]
            waiting = self._waiting.get(branch)
            if message.status >= 200 and waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif message.method == "INVITE":
            if message.get("call-id") not in self._known:
                self._known.add(message.get("call-id"))
                task = asyncio.create_task(self._guest(message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        elif message.method != "ACK":
            self._reply(message, 200)

    async def _guest(self, invite: SipMessage) -> None:
        room = invite.uri.partition("sip:")[2].partition("@")[0]
        self.rung.setdefault(room, time.time())
        to = f"{invite.get('to')};tag={secrets.token_hex(4)}"
        self._reply(invite, 180, to)
        await asyncio.sleep(RINGS)
        self._reply(invite, 200, to, sdp("127.0.0.1", 9))
        await asyncio.sleep(LISTENS)
        headers = [("from", to), ("to", invite.get("from")), ("call-id", invite.get("call-id"))]
        await self._ask("BYE", uri_of(invite.get("contact")), [*headers, ("cseq", "1 BYE")])
        self.over.add(room)

    def _reply(self, request: SipMessage, status: int, to: str = "", body: str = "") -> None:
        headers = [("via", value) for value in request.all("via")]
        headers += [(name, request.get(name)) for name in ("from", "call-id", "cseq")]
        headers += [("to", to or request.get("to")), ("contact", f"<sip:guest@127.0.0.1:{self._port}>")]
        headers += [("content-type", "application/sdp")] if body else []
        self._write(SipMessage(f"SIP/2.0 {status} x", headers, body))

    def _write(self, message: SipMessage) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), self._registrar)


async def _declare(up: UpProcess, rooms: list[str]) -> None:
    lines = [
        f'{{number: "{n}", username: Guest, registername: "{n}", registerpassword: "{STRONG}"}}'
        for n in rooms
    ]
    path = up.data / "rooms.yaml"
    path.write_text("extensions:\n" + "".join(f"- {line}\n" for line in lines))
    status, output = await up.command("apply", str(path))
    if status:
        raise SystemExit(output)


def _outcomes(up: UpProcess) -> Counter[str]:
    with closing(sqlite3.connect(up.data / "offhook.db")) as store:
        return Counter(row[0] for row in store.execute("SELECT outcome FROM wakeup_journal"))


async def main(count: int) -> None:
    """Let so many rooms be woken at the same minute."""
    rooms = [str(20000 + n) for n in range(count)]
    async with up_process() as up:
        up.rtp = free_range(600)
        await up.start()
        client = await up.client()
        await client.login()
        await _declare(up, rooms)
        async with Hotel(("127.0.0.1", up.sip_port), rooms) as hotel:
            await hotel.register()
            due = (int(time.time()) // 60 + (2 if time.time() % 60 > 50 else 1)) * 60
            at = f"{datetime.datetime.fromtimestamp(due, datetime.UTC):%H:%M}"
            begin = time.perf_counter()
            wish = {"time": at, "type": "onetime", "repeats": "1", "repeatinterval": "5"}
            await client.ok("wakeupcall/create", {"number": ",".join(rooms), "wakeup": wish})
            created = time.perf_counter() - begin
            await asyncio.sleep(max(0.0, due - 1 - time.time()))
            before = cpu_seconds(up.pid), cpu_seconds(up.engine_pid)
            await eventually(lambda: len(hotel.rung) == count, "every phone has rung", 180)
            await eventually(lambda: _outcomes(up)["answered"] == count, "every try is settled", 60)
            ours, engine = cpu_seconds(up.pid) - before[0], cpu_seconds(up.engine_pid) - before[1]
            first, last = (moment - due for moment in (min(hotel.rung.values()), max(hotel.rung.values())))
        await client.close()
    print_rows(
        [
            Row(f"wakeupcall/create for {count} extensions", f"{created * 1000:.0f} ms"),
            Row(f"{count} due at once: first and last ring", f"{first:.1f} s, {last:.1f} s", "within 60 s"),
            Row("CPU of the control plane per wake-up call", f"{ours / count * 1000:.1f} ms"),
            Row("CPU of the engine per wake-up call", f"{engine / count * 1000:.1f} ms"),
        ]
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROOMS))
