"""Attacks on the API and the operators' API: guesses, forged tokens, scopes, hostile requests, floods.

Addresses of attackers are of 127.0.0.0/8, so that locks and limits tell them apart. See SECURITY.md, "API".
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import random
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, seed, settings
from tests.support.hostile_requests import Complaints, Sent, requests_to, sent_to, wrong_in
from tests.support.openapi_fuzz import Told, operations_of, try_operation
from tests.support.pbx import TestPbx, running_pbx
from tests.support.switchboard import rows_of

from attack.attempt import Attempt
from offhook.contract.endpoint import Endpoint
from offhook.contract.scopes import ENDPOINTS, SESSION, Scope

PASSWORD = "ApiTest2019"
NO_REQUESTS = frozenset({"/login", "/logout", "/events"})


def md5(text: str) -> str:
    """What clients send of a password."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class House:
    """A PBX under attack; every stranger gets an address of its own."""

    pbx: TestPbx
    short: bool
    seed: int = field(default_factory=lambda: random.randrange(1 << 30))
    strangers: int = 0

    @property
    def port(self) -> int:
        """The web port."""
        return self.pbx.settings.http_port

    def stranger(self) -> str:
        """An address that has not come before."""
        self.strangers += 1
        return f"127.66.{self.strangers >> 8}.{self.strangers & 255}"

    async def raw(self, request: bytes, source: str) -> bytes:
        """Send bytes from an address; what comes back."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0), limit=1 << 22
        )
        try:
            writer.write(request)
            async with asyncio.timeout(30):
                return await reader.read()
        finally:
            writer.close()

    async def ask(self, path: str, body: Any, source: str, token: str = "") -> dict[str, Any]:
        """One request to the API from an address."""
        data = json.dumps(body).encode()
        more = f"?token={token}" if token else ""
        head = f"POST /api/v2.0.0/{path}{more} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        got = await self.raw(head.encode() + data, source)
        answer: dict[str, Any] = json.loads(got.partition(b"\r\n\r\n")[2])
        return answer

    async def token(self, account: int = 0) -> str:
        """A token as a client of an account has it."""
        return (await self.pbx.core.sessions.begin("127.0.0.1", "", account))[1].token


async def run(short: bool) -> Sequence[Attempt]:
    """Attack the API of a PBX."""
    attempts: list[Attempt] = []
    async with running_pbx() as pbx, _listened_to() as complaints:
        house = House(pbx, short)
        await pbx.extension("1000")
        await pbx.extension("1001")
        for one in _ATTACKS:
            attempts.append(await one(house))
        attempts.append(
            Attempt(
                what="complaints in the log meanwhile",
                tries=len(attempts),
                got_in=0,
                figures=f"{len(complaints.lines)}, seed {house.seed}",
                promise="0",
                kept=not complaints.lines,
            )
        )
    return attempts


@contextlib.asynccontextmanager
async def _listened_to() -> AsyncIterator[Complaints]:
    complaints = Complaints()
    logging.getLogger("offhook").addHandler(complaints)
    try:
        yield complaints
    finally:
        logging.getLogger("offhook").removeHandler(complaints)


async def _guesses(house: House) -> Attempt:
    """Passwords are guessed from many addresses, until each is locked and beyond; at last the right one."""
    addresses, got_in, slipped = 10 if house.short else 100, 0, 0
    for _ in range(addresses):
        source = house.stranger()
        for turn in range(8):
            password = md5(PASSWORD if turn == 7 else secrets.token_hex(8))
            answer = await house.ask("login", {"username": "api", "password": password}, source)
            got_in += answer["status"] == "Success"
            slipped += turn >= 5 and answer.get("errno") != "20002"
    return Attempt(
        what="API: passwords guessed from many addresses",
        tries=addresses * 8,
        got_in=got_in,
        figures=f"{slipped} tries after the fifth",
        promise="locked after 5",
        kept=not slipped,
    )


async def _names(house: House) -> Attempt:
    """Whether the time of a refusal tells that a name exists."""
    rounds, names = 25 if house.short else 150, ("api", "nobody")
    taken: dict[str, list[float]] = {name: [] for name in names}
    source, left = house.stranger(), 4
    for turn in range(rounds * 2):
        if not left:
            source, left = house.stranger(), 4
        left -= 1
        begin = time.perf_counter()
        await house.ask("login", {"username": names[turn % 2], "password": md5(f"{turn}")}, source)
        taken[names[turn % 2]].append(time.perf_counter() - begin)
    known, unknown = (statistics.median(taken[name]) for name in names)
    spread = statistics.quantiles(taken["api"], n=4)
    apart = abs(known - unknown)
    return Attempt(
        what="API: names told apart by time",
        tries=rounds * 2,
        got_in=0,
        figures=f"medians {known * 1000:.1f} and {unknown * 1000:.1f} ms",
        promise="less apart than half their quartiles, or 2 ms",
        kept=apart < max(0.002, (spread[2] - spread[0]) / 2),
    )


async def _tokens(house: House) -> Attempt:
    """Tokens that were never given, and real ones with something changed."""
    real, got_in, tries = await house.token(), 0, 60 if house.short else 600
    near = [
        real[:-1],
        real + "0",
        real[1:] + real[0],
        real[::-1],
        f"{int(real, 16) ^ 1:032x}",
        f" {real[:31]}",
    ]
    session = hashlib.sha256(real.encode()).hexdigest()
    for token in (*near, session, f"key:{session}", *(secrets.token_hex(16) for _ in range(tries))):
        answer = await house.ask("extension/list", {}, "127.0.0.1", token)
        got_in += answer["status"] == "Success"
    return Attempt(what="API: forged tokens", tries=tries + len(near) + 2, got_in=got_in)


async def _scopes(house: House) -> Attempt:
    """Each endpoint by an account that has every scope but the one needed."""
    tries = got_in = 0
    for missing in Scope:
        service = house.pbx.core.objects["apiaccounts"]
        values = {"username": f"no-{missing}", "password": "Attack1Attack"}
        values["scopes"] = ",".join(scope for scope in Scope if scope is not missing)
        token = await house.token(await service.create(service.kind.read_new(values)))
        for path in sorted(ENDPOINTS[missing]):
            answer = await house.ask(path, {"number": "1000", "callid": "1.1"}, "127.0.0.1", token)
            tries += 1
            got_in += answer.get("errno") != "10003"
    return Attempt(what="API: endpoints beyond one's scopes", tries=tries, got_in=got_in)


async def _hostile(house: House) -> Attempt:
    """Hostile values in every parameter of every endpoint."""
    loop, examples = asyncio.get_running_loop(), 3 if house.short else 40
    faults: list[str] = []
    tries = 0
    endpoints = [one for one in house.pbx.pbx.registry if one.path not in SESSION]
    for endpoint in endpoints:
        token = await house.token()
        tries += await asyncio.to_thread(_try_endpoint, house, endpoint, token, examples, loop, faults)
    await house.pbx.client.post("call/hangup", {"extid": "all"})
    for fault in faults[:5]:
        logging.getLogger("attack").warning("%s", fault)
    return Attempt(
        what=f"API: hostile requests to {len(endpoints)} endpoints",
        tries=tries,
        got_in=sum("changed" in fault for fault in faults),
        figures=f"{len(faults)} wrong answers" + (f": {faults[0][:120]}" if faults else ""),
        promise="0 wrong, refused changes nothing",
        kept=not faults,
    )


def _try_endpoint(
    house: House,
    endpoint: Endpoint[Any, Any],
    token: str,
    examples: int,
    loop: asyncio.AbstractEventLoop,
    faults: list[str],
) -> int:
    def do(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    tries = 0

    @seed(house.seed)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(requests_to(endpoint))
    def one(sent: Sent) -> None:
        nonlocal tries
        tries += 1
        before = do(rows_of(house.pbx.core.store, settings_only=True))
        head, body = do(sent_to(house.port, endpoint, sent, token))
        if wrong := wrong_in(endpoint, sent, head, body):
            faults.append(f"{endpoint.path} {sent}: {wrong}")
        elif b'"status":"Failed"' in body[:20]:
            after = do(rows_of(house.pbx.core.store, settings_only=True))
            if after != before:
                faults.append(f"{endpoint.path} {sent}: refused, and yet something was changed")

    one()
    return tries


async def _documents(house: House) -> Attempt:
    """Requests as the two OpenAPI documents describe them, and as they do not."""
    loop, examples = asyncio.get_running_loop(), 1 if house.short else 8
    password = house.pbx.core.first_passwords.console or ""
    basic = {"Authorization": aiohttp.encode_basic_auth("admin", password)}
    base = f"http://127.0.0.1:{house.port}"

    def fresh() -> dict[str, str]:
        return {"token": asyncio.run_coroutine_threadsafe(house.token(), loop).result(60)}

    faults: list[str] = []
    operations = 0
    for told in (
        Told(base, "/api/openapi.json", query=fresh),
        Told(base, "/admin/api/v1/openapi.json", headers=basic, envelope=False),
    ):
        for operation in await asyncio.to_thread(lambda told=told: [*operations_of(told)]):  # type: ignore[misc]
            if operation.path in NO_REQUESTS:
                continue
            operations += 1
            fault = await asyncio.to_thread(try_operation, operation, told, examples, house.seed)
            if fault:
                faults.append(f"{operation.method} {operation.path}: {fault}")
    return Attempt(
        what=f"API: schemathesis on {operations} operations",
        tries=operations * examples,
        got_in=0,
        figures=f"{len(faults)} wrong answers" + (f": {faults[0][:160]}" if faults else ""),
        promise="0",
        kept=not faults,
    )


async def _slow(house: House) -> Attempt:
    """Connections that never come to the point, of http and TLS, by hundreds; others are served."""
    count, source = 350, house.stranger()
    held = []
    for at in range(count):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", house.port, local_addr=(source, 0))
            writer.write((b"POST / HTTP/1.1\r\nX: ", b"\x16\x03\x01", b"", b"\x16")[at % 4])
            held.append(writer)
    slowest = await _slowest(house, 20)
    for writer in held:
        writer.transport.abort()
    await asyncio.sleep(0.5)
    answer = await house.ask("login", {"username": "api", "password": md5(PASSWORD)}, source)
    return Attempt(
        what="API: slow heads and half of TLS",
        tries=count,
        got_in=0,
        figures=f"others answered within {slowest * 1000:.0f} ms; its address then: {answer['status']}",
        promise="1 s; Success",
        kept=slowest < 1 and answer["status"] == "Success",
    )


async def _flood(house: House) -> Attempt:
    """As many requests as one address can send; what is over the limit is refused, others are served."""
    source, seconds = house.stranger(), 2.0 if house.short else 20.0
    until, sent, refused = time.monotonic() + seconds, 0, 0
    token = await house.token()

    async def ask() -> None:
        nonlocal sent, refused
        while time.monotonic() < until:
            answer = await house.ask("extension/query", {"number": "1000"}, source, token)
            sent += 1
            refused += answer.get("errno") == "10025"

    flood = [asyncio.create_task(ask()) for _ in range(40)]
    slowest = await _slowest(house, 20)
    await asyncio.gather(*flood)
    return Attempt(
        what="API: a flood from one address",
        tries=sent,
        got_in=0,
        figures=f"{sent / seconds:.0f} per second, {refused} refused; others within {slowest * 1000:.0f} ms",
        promise="1 s",
        kept=slowest < 1,
    )


async def _slowest(house: House, count: int) -> float:
    token, source, slowest = await house.token(), house.stranger(), 0.0
    for _ in range(count):
        begin = time.perf_counter()
        answer = await house.ask("extension/list", {}, source, token)
        slowest = max(slowest, time.perf_counter() - begin)
        if answer["status"] != "Success":
            return float("inf")
        await asyncio.sleep(0.02)
    return slowest


async def _pages(house: House) -> Attempt:
    """Pages of other sites, in a browser that has the operator's password, under rebound names."""
    password = house.pbx.core.first_passwords.console or ""
    basic = aiohttp.encode_basic_auth("admin", password)
    lies = ["Origin: https://evil.example", "Origin: null"]
    lies += ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]
    hosts = ["evil.example", f"evil.example:{house.port}", "127.0.0.1.evil.example", "localhost.evil.example"]
    wishes = [(f"127.0.0.1:{house.port}", lie) for lie in lies] + [(host, "X: y") for host in hosts]
    got_in = 0
    for host, lie in wishes:
        for line in ("POST /admin/api/v1/dialplan", "GET /admin/api/v1/trunks"):
            request = f"{line} HTTP/1.1\r\nHost: {host}\r\n{lie}\r\nAuthorization: {basic}\r\n"
            request += "Content-Length: 0\r\nConnection: close\r\n\r\n"
            answer = await house.raw(request.encode(), "127.0.0.1")
            got_in += b" 403 " not in answer.split(b"\r\n", 1)[0]
    return Attempt(what="Admin: pages of other sites, rebound names", tries=len(wishes) * 2, got_in=got_in)


_ATTACKS: Sequence[Callable[[House], Awaitable[Attempt]]] = (
    _guesses,
    _names,
    _tokens,
    _scopes,
    _pages,
    _slow,
    _flood,
    _documents,
    _hostile,
)
