"""Attacks on phones: scanners, guesses, garbage, floods, forged senders. See docs/operating.md, "Bans"."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.answers import compare
from tests.support.attacker import Attacker
from tests.support.pbx import STRONG, TestPbx, running_pbx
from tests.support.phone import Phone
from tests.support.sipvicious import sipvicious
from tests.support.torture import MESSAGES
from tests.support.waiting import eventually

from attack.attempt import Attempt

EXTENSIONS = range(1000, 1100)
NOBODY = "7777"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class House:
    """A PBX under attack, with a call that has to go on."""

    pbx: TestPbx
    short: bool

    @property
    def engine(self) -> int:
        """The engine's process."""
        return int(json.loads((self.pbx.settings.data / "run/engine.json").read_text())["pid"])

    @property
    def target(self) -> tuple[str, ...]:
        """Where SIPVicious is sent."""
        return "-p", str(self.pbx.settings.sip_port), "127.0.0.1"

    async def banned(self) -> set[str]:
        """Who is banned now."""
        return {ban.address for ban in await self.pbx.core.bans.living()}

    async def until_banned(self, address: str, seconds: float) -> float | None:
        """Seconds until an address is banned; None if it is not within `seconds`."""
        begin = time.monotonic()
        while address not in await self.banned():
            if time.monotonic() - begin > seconds:
                return None
            await asyncio.sleep(0.01)
        return time.monotonic() - begin


@asynccontextmanager
async def house(short: bool) -> AsyncIterator[House]:
    """A PBX with a hundred extensions."""
    rows = "".join(
        f'- {{number: "{n}", username: "U{n}", registername: "{n}", registerpassword: "{STRONG}"}}\n'
        for n in EXTENSIONS
    )
    async with running_pbx() as pbx:
        await pbx.apply(f"extensions:\n{rows}")
        yield House(pbx, short)


async def scanners(it: House) -> list[Attempt]:
    """SIPVicious: which extensions are there, and what is a password."""
    rows = []
    for last, method in ((21, "REGISTER"), (22, "INVITE"), (23, "OPTIONS")):
        span = f"{EXTENSIONS[0]}-{EXTENSIONS[-1]}"
        said = await sipvicious(
            f"127.0.0.{last}", "svwar", "--force", "-m", method, "-e", span, *it.target, seconds=30
        )
        found = sum(f"| {number} " in said for number in EXTENSIONS)
        rows.append(
            Attempt(what=f"svwar {method}, 100 extensions", tries=100, got_in=found, promise="finds none")
        )
    before, address = it.pbx.pbx.protection.bans.attempts, "127.0.0.24"
    cracking = asyncio.create_task(
        sipvicious(
            address, "svcrack", "-u", "1000", "-r", "1000-9999", *it.target, seconds=5 if it.short else 30
        )
    )
    waited = await it.until_banned(address, 10)
    said = await cracking
    guesses = (it.pbx.pbx.protection.bans.attempts - before) // 2
    rows.append(
        Attempt(
            what="svcrack, 9000 passwords of one extension",
            tries=guesses,
            got_in=int("| 1000 " in said),
            figures=f"banned after {guesses} guesses",
            promise="banned within 10 guesses",
            kept=waited is not None and guesses <= 10,
        )
    )
    return rows


async def guesses_by_hand(it: House) -> list[Attempt]:
    """A guesser who waits for each answer; how many passwords are looked at before he is refused."""
    rows = []
    for last, name in ((31, "1000"), (32, NOBODY)):
        async with Attacker(it.pbx.registrar, f"127.0.0.{last}") as attacker:
            statuses = [await attacker.guess(name, f"guess{turn}") for turn in range(40)]
        looked = statuses.index(403) if 403 in statuses else len(statuses)
        kind = "a known" if name != NOBODY else "an unknown"
        rows.append(
            Attempt(
                what=f"guesses at {kind} name, one by one",
                tries=len(statuses),
                got_in=statuses.count(200),
                figures=f"{looked} answered",
                promise="banned within 10 guesses",
                kept=looked <= 10,
            )
        )
    return rows


async def likeness(it: House) -> list[Attempt]:
    """Can a name that exists be told from one that does not?"""
    rows = []
    await it.pbx.apply("bans: {enabled: off}")
    async with Attacker(it.pbx.registrar, "127.0.0.41") as attacker:
        for method in ("REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE"):
            for guess in (False, True):
                seen = await compare(attacker, method, ("1050", NOBODY), 200, guess=guess)
                medians = ", ".join(f"{1000 * median:.2f} ms" for median in seen.medians.values())
                rows.append(
                    Attempt(
                        what=f"known or not by {seen.what}",
                        tries=400,
                        got_in=int(not seen.same_text),
                        figures=f"medians {medians}",
                        promise="same text, within 1 ms",
                        kept=seen.apart < 0.001,
                    )
                )
    await it.pbx.apply("bans: {enabled: on}")
    return rows


@asynccontextmanager
async def talking(it: House) -> AsyncIterator[tuple[Phone, Phone]]:
    """Two phones in a call; the second answers by itself."""
    one, two = await it.pbx.phone("1000"), await it.pbx.phone("1001")
    two.auto_answer = True
    call = await one.call("1001")
    await call.answered()
    await call.hears(440)
    yield one, two
    call.rtp.forget()
    await call.hears(440)
    await call.hangup()
    one.forget_calls()
    two.forget_calls()


async def torture(it: House) -> list[Attempt]:
    """The messages of RFC 4475, one by one."""
    got_in = 0
    await it.pbx.apply("bans: {enabled: off}")
    async with talking(it), Attacker(it.pbx.registrar, "127.0.0.51") as attacker:
        for message in MESSAGES:
            before = attacker.statuses.copy()
            attacker.send(message.data)
            await attacker.request("OPTIONS", "1000")  # answered after it
            got_in += attacker.statuses[200] > before[200]
    await it.pbx.apply("bans: {enabled: on}")
    alive = it.pbx.pbx.engine.alive and it.pbx.pbx.switch.healthy
    return [
        Attempt(
            what="torture messages of RFC 4475",
            tries=len(MESSAGES),
            got_in=got_in,
            promise="no call stops",
            kept=alive,
        )
    ]


async def broken(it: House) -> list[Attempt]:
    """A thousand broken messages a second, while people talk and call."""
    rows, seconds = [], 5 if it.short else 60
    for last, transport in ((61, "udp"), (62, "tcp")):
        address, engine = f"127.0.0.{last}", it.engine
        async with talking(it):
            begin, spent = time.monotonic(), cpu_seconds(engine)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.support.fuzz", transport, address, f"127.0.0.1:{it.pbx.settings.sip_port}"),
                *("--seconds", str(seconds), "--seed", "4475"),
                stdout=asyncio.subprocess.PIPE,
            )
            banned = await it.until_banned(address, 5)
            calls, three = 0, await it.pbx.phone("1003")
            four = await it.pbx.phone("1004")
            four.auto_answer = True
            while process.returncode is None:
                call = await three.call("1004")
                await call.answered()
                await call.hears(440)
                await call.hangup()
                three.forget_calls()
                four.forget_calls()
                calls += 1
                await asyncio.sleep(0.2)
            said, _ = await process.communicate()
            share = (cpu_seconds(engine) - spent) / (time.monotonic() - begin)
        shown = "never" if banned is None else f"{banned:.2f} s"
        shown = f"banned after {shown}, {calls} calls made, engine {share:.0%} of a core"
        rows.append(
            Attempt(
                what=f"1000 broken messages a second by {transport}",
                tries=int(json.loads(said)["sent"]),
                got_in=0,
                figures=shown,
                promise="banned within 2 s, calls go on",
                kept=banned is not None and banned < 2 and calls > 0 and it.pbx.pbx.engine.alive,
            )
        )
    return rows


async def flood(it: House) -> list[Attempt]:
    """Valid requests of one address at full speed: what the ban saves."""
    rows, engine, count = [], it.engine, 500 if it.short else 3000
    async with Attacker(it.pbx.registrar, "127.0.0.71") as attacker:
        costs = []
        for state in ("off", "on"):
            await it.pbx.apply(f"bans: {{enabled: {state}}}")
            if state == "on":
                async with asyncio.timeout(10):
                    while await attacker.request("REGISTER", "1000") != 403:
                        pass
            spent, refused = cpu_seconds(engine), attacker.refused
            for _ in range(count):
                await attacker.request("REGISTER", "1000")
            costs.append((cpu_seconds(engine) - spent) / count * 1e6)
        rows.append(
            Attempt(
                what="REGISTER flood from a banned address",
                tries=count,
                got_in=count - (attacker.refused - refused),
                figures=f"engine {costs[1]:.0f} us each, {costs[0]:.0f} us unbanned",
                promise="refused before anything is looked up",
            )
        )
    return rows


async def forged(it: House) -> list[Attempt]:
    """Requests that seem to come from a phone, and from a carrier: neither may be shut out by them."""
    await it.pbx.apply("bans: {permitted: ''}")
    carrier = await it.pbx.carrier(address="127.0.0.81")
    await it.pbx.trunk(carrier)
    phone = Phone("1005", STRONG, it.pbx.registrar, address="127.0.0.82")
    count = 200
    async with phone:
        if await phone.register() != 200:
            raise AssertionError("the phone cannot register")
        for address in ("127.0.0.81", "127.0.0.82"):
            async with Attacker(it.pbx.registrar, address) as forger:
                for turn in range(count):
                    forger.send(forger.message("REGISTER", f"77{turn}", authorization='Digest username="x"'))
                    forger.send(b"garbage\r\n\r\n" * 10)
                    await asyncio.sleep(0.005)
        async with Attacker(it.pbx.registrar, "127.0.0.83") as other:
            for _ in range(20):
                await other.request("REGISTER", NOBODY)
        waited = await it.until_banned("127.0.0.83", 5)
        shut_out = len(await it.banned() & {"127.0.0.81", "127.0.0.82"})
        status = await phone.register()
    await it.pbx.apply("bans: {permitted: '127.0.0.1/32,::1/128'}")
    return [
        Attempt(
            what="forged as a phone and as a carrier",
            tries=4 * count,
            got_in=shut_out,
            figures="another address is banned meanwhile",
            promise="neither is banned",
            kept=waited is not None and status == 200,
        )
    ]


async def run(short: bool) -> Sequence[Attempt]:
    """Attack the SIP ports of a PBX."""
    attempts: list[Attempt] = []
    async with house(short) as it:
        for attack in (scanners, guesses_by_hand, likeness, torture, broken, flood, forged):
            attempts += await attack(it)
        await eventually(lambda: it.pbx.pbx.switch.healthy, "the PBX is well")
    return attempts
