"""From the API request to the effect at the phone, and a hundred calls under random control.

`python -m bench.control` prints p50 and p99 of hangup, hold, transfer, mute and dial; `--minutes 5` adds the
hundred calls, with the checks of tests/support/consistency.py at their end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.support.consistency import check_ends, same_picture
from tests.support.pbx import STRONG, Client, TestPbx, running_pbx
from tests.support.phone import Call, Phone, eventually
from tests.support.process import up_process
from tests.support.rtp import strength

from bench.table import Row, print_rows, spread

ROUNDS = 40
CALLS = 100
ORDINARY = {"10007", "10015", "10102", "10103"}


class Talk:
    """Two phones that talk through a PBX in a process of its own."""

    def __init__(self, client: Client, caller: Call, callee: Call) -> None:
        self.client, self.caller, self.callee = client, caller, callee
        self.channels: dict[str, str] = {}

    async def look(self) -> None:
        """Learn the channelids."""
        calls = (await self.client.ok("call/query", {"callid": "all"}))["Calls"]
        members = [body for call in calls for member in call["members"] for body in member.values()]
        self.channels = {body["number"]: body["channelid"] for body in members}

    async def ask(self, operation: str, call: Call, **more: str) -> None:
        """Ask for an operation on a phone's leg."""
        await self.client.ok(f"call/{operation}", {"channelid": self.channels[call.phone.number], **more})

    async def end(self) -> None:
        """Hang up, and let go of the sockets."""
        for call in (self.caller, self.callee):
            if not call.ended:
                await call.hangup()
        await idle(self.client)
        self.caller.phone.forget_calls()
        self.callee.phone.forget_calls()


async def idle(client: Client) -> None:
    """Wait until no call runs."""
    for _ in range(200):
        if not (await client.ok("call/query", {"callid": "all"}))["Calls"]:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("a call is left")


async def talk(client: Client, one: Phone, other: Phone) -> Talk:
    """Let one phone call the other."""
    caller = await one.call(other.number)
    callee = await other.incoming()
    await callee.answer()
    await caller.hears(other.frequency)
    await callee.hears(one.frequency)
    found = Talk(client, caller, callee)
    await found.look()
    return found


async def silence_since(call: Call, frequency: int) -> float:
    """When the last frame with a tone came, once no more has come for a while."""
    last = time.perf_counter()
    frames = call.rtp.packets
    while time.perf_counter() - last < 0.3:
        await asyncio.sleep(0.001)
        if call.rtp.packets != frames and strength(call.rtp.last, frequency) > 0.5:
            last = time.perf_counter()
        frames = call.rtp.packets
    return last


async def timed(
    client: Client, phones: list[Phone], what: str, effect: Callable[[Talk], Awaitable[float]]
) -> Row:
    """Repeat an operation on fresh talks; `effect` does it and returns the seconds until it was felt."""
    taken = []
    for turn in range(ROUNDS):
        one = await talk(client, phones[turn % 4], phones[4 + turn % 4])
        taken.append(await effect(one))
        await one.end()
    return Row(what, spread(taken))


async def latencies(client: Client, phones: list[Phone]) -> list[Row]:
    """Every operation of the table."""

    async def hangup(one: Talk) -> float:
        begin = time.perf_counter()
        asking = asyncio.create_task(one.ask("hangup", one.callee))
        await eventually(lambda: one.callee.ended, "BYE")
        taken = time.perf_counter() - begin
        await asking
        return taken

    async def hold(one: Talk) -> float:
        begin = time.perf_counter()
        asking = asyncio.create_task(one.ask("hold", one.callee))
        felt = await silence_since(one.callee, one.caller.phone.frequency)
        await asking
        return felt - begin

    async def mute(one: Talk) -> float:
        begin = time.perf_counter()
        asking = asyncio.create_task(one.ask("mute", one.caller))
        felt = await silence_since(one.callee, one.caller.phone.frequency)
        await asking
        return felt - begin

    async def transfer(one: Talk) -> float:
        begin = time.perf_counter()
        asking = asyncio.create_task(one.ask("transfer", one.caller, number=phones[8].number))
        third = await phones[8].incoming()
        taken = time.perf_counter() - begin
        await asking
        await third.refuse(486)
        phones[8].forget_calls()
        return taken

    async def dial() -> Row:
        taken = []
        for turn in range(ROUNDS):
            caller, callee = phones[turn % 4], phones[4 + turn % 4]
            begin = time.perf_counter()
            body = {"caller": caller.number, "callee": callee.number}
            asking = asyncio.create_task(client.ok("call/dial", body))
            call = await caller.incoming()
            taken.append(time.perf_counter() - begin)
            await asking
            await call.refuse(486)
            await idle(client)
            caller.forget_calls()
        return Row("call/dial to INVITE", spread(taken))

    return [
        await timed(client, phones, "call/hangup to BYE", hangup),
        await timed(client, phones, "call/hold to the last frame of the other", hold),
        await timed(client, phones, "call/mute to the last frame heard", mute),
        await timed(client, phones, "call/transfer to INVITE of the third", transfer),
        await dial(),
    ]


async def measured() -> list[Row]:
    """The latencies, with a PBX in a process of its own as users have it."""
    async with up_process() as up, contextlib.AsyncExitStack() as stack:
        await up.start()
        client = await up.client()
        await client.login()
        phones = []
        for at in range(9):
            number = str(2000 + at)
            body = {"number": number, "username": number, "registername": number, "hasvoicemail": "off"}
            await client.ok("extension/add", {**body, "registerpassword": STRONG, "busyforward": "off"})
            registrar = ("127.0.0.1", up.sip_port)
            phone = await stack.enter_async_context(Phone(number, STRONG, registrar, frequency=400 + 50 * at))
            await phone.register()
            phones.append(phone)
        rows = await latencies(client, phones)
        await client.close()
    return rows


async def hundred(pbx: TestPbx, phones: list[Phone], minutes: float) -> list[Row]:
    """A hundred calls at once, each operated on at random; whoever has left calls again."""
    pbx.receiver.clear()
    dice, answers, calls = random.Random(4), Counter[str](), 0
    half = len(phones) // 2
    until = time.monotonic() + minutes * 60

    async def keep(at: int) -> None:
        nonlocal calls
        caller, callee = phones[at], phones[half + at]
        while time.monotonic() < until:
            call = await caller.call(callee.number)
            calls += 1
            while time.monotonic() < until and not call.ended:
                await asyncio.sleep(dice.uniform(0.5, 3))
                if any(status >= 300 for status in call.statuses):
                    break
            if not call.ended:
                await call.hangup()
            caller.forget_calls()
            await asyncio.sleep(0.2)

    async def control() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(0.05)
            members = [m for c in list(pbx.pbx.live.picture.calls.values()) for m in c.members]
            if not members:
                continue
            member = dice.choice(members)
            operation = dice.choice(["hold", "unhold", "mute", "unmute", "transfer", "hangup"])
            body = {"channelid": member.channelid}
            if operation == "transfer":
                body["number"] = dice.choice(phones[half:]).number
            answer = await pbx.client.post(f"call/{operation}", body)
            word = answer.get("errno", "Success")
            answers[word] += 1
            if word not in {*ORDINARY, "Success"}:
                raise AssertionError(f"{operation}: {answer}")

    begin = time.monotonic()
    await asyncio.gather(control(), *(keep(at) for at in range(CALLS)))
    await same_picture(pbx, 10)
    for phone in phones:
        for call in phone.calls:
            if not call.ended and not call.ended_by_us:
                await asyncio.wait([asyncio.create_task(call.hangup())], timeout=2)
    await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls have ended", 60)
    await pbx.quiet(seconds=60)
    seconds = time.monotonic() - begin
    check_ends(pbx.receiver.events, set())
    left = len((await pbx.pbx.switch.snapshot()).channels)
    events = len(pbx.receiver.events)
    return [
        Row(
            f"{CALLS} calls at once for {minutes:g} min", f"{calls} calls, {sum(answers.values())} operations"
        ),
        Row("  refused for the state of the call", f"{answers.total() - answers['Success']}"),
        Row("  channels left, calls without or with two records", f"{left}, 0", "0, 0"),
        Row("  events at the receiver", f"{events}, {events / seconds:.0f}/s, none lost"),
    ]


async def main(minutes: float) -> None:
    """Run and print."""
    rows = await measured()
    if minutes:
        async with running_pbx(rtp_ports=2000) as pbx:
            phones = []
            for at in range(2 * CALLS):
                await pbx.extension(str(2000 + at), hasvoicemail="off", ringtimeout="5")
                phones.append(await pbx.phone(str(2000 + at), frequency=400 + 20 * (at % 10)))
                phones[-1].auto_answer = True
            rows += await hundred(pbx, phones, minutes)
    print_rows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="of a hundred calls at once")
    asyncio.run(main(parser.parse_args().minutes))
