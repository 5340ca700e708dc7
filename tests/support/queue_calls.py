"""For tests of queues, groups and IVRs: a caller, agents, what the engine knows of them, what was told."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.areas.queues.engine import names_of
from offhook.asterisk.ami import actions
from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

CALLER = 440
AGENTS = (620, 750, 910)
"""Frequencies of the phones, in Hz."""


async def cast(pbx: TestPbx, count: int = 2, **fields: str) -> list[Phone]:
    """A caller, extension 1000, and so many agents from 1001 on; `fields` are the agents' settings."""
    phones = []
    for at, frequency in enumerate((CALLER, *AGENTS)[: count + 1]):
        number = str(1000 + at)
        await pbx.extension(number, **(fields if at else {}))
        phones.append(await pbx.phone(number, frequency=frequency))
    return phones


def document(number: int = 6700, /, **settings: object) -> str:
    plain = {
        "number": number,
        "queuename": "Support",
        "agents": [1001],
        "announcepos": "off",
        "announceholdtime": "off",
        "wrapuptime": 0,
        "retry": 1,
        **settings,
    }
    return "{" + ", ".join(f"{name}: {value}" for name, value in plain.items()) + "}"


async def members(pbx: TestPbx, queue: str = "6700") -> dict[str, tuple[str, str]]:
    """The agents as the engine knows them: their device's state (1: free) and whether they are paused."""
    found = await pbx.client.ok("queue/query", {"number": queue})
    name = names_of(queue)[found["queues"][0]["ringstrategy"] == "Linear"]
    items = await pbx.pbx.switch.items(actions.QueueStatus(queue=name))
    members = (item for item in items if item.get("Event") == "QueueMember")
    return {one.get("Name", ""): (one.get("Status", ""), one.get("Paused", "")) for one in members}


async def until(pbx: TestPbx, agents: dict[str, str], queue: str = "6700") -> None:
    """Wait until the engine has found the agents' phones in these states."""
    async with asyncio.timeout(12):
        while True:
            found = await members(pbx, queue)
            if all(found.get(number, ("", ""))[0] == state for number, state in agents.items()):
                return
            await asyncio.sleep(0.05)


async def make_queue(pbx: TestPbx, *free: str, **settings: object) -> None:
    """Make queue 6700 and wait until the phones of the agents `free` are known to be."""
    await pbx.apply(f"queues: [{document(**settings)}]")
    await until(pbx, dict.fromkeys(free or ("1001",), "1"))
    await pbx.quiet()
    pbx.receiver.clear()


async def has_told(pbx: TestPbx, step: str, seconds: float = 8.0) -> None:
    await eventually(
        lambda: step in steps(pbx.receiver.events), f"{step} in {steps(pbx.receiver.events)}", seconds
    )


async def wait_in(phone: Phone, queue: str = "6700") -> Call:
    """A call that has entered the queue."""
    call = await phone.call(queue)
    await call.answered()
    return call


async def running(pbx: TestPbx) -> list[str]:
    """The channels that are up."""
    return [one.get("Channel", "") for one in await pbx.pbx.switch.items(actions.CoreShowChannels())]


async def record_of(pbx: TestPbx) -> dict[str, Any]:
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 15)
    await pbx.quiet()
    (record,) = pbx.receiver.named("NewCdr")
    return dict(record)


async def carrier_to(pbx: TestPbx, desttype: str, dest: str) -> Carrier:
    """A carrier whose calls go to a destination."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "trunks": "siptrunk", "desttype": desttype, "dest": dest}
    await pbx.client.ok("inroute/add", route)
    await pbx.quiet()
    pbx.receiver.clear()
    return carrier


async def ready(pbx: TestPbx) -> None:
    """Wait until all is quiet, and forget what was told."""
    await pbx.quiet()
    pbx.receiver.clear()


async def all_events(pbx: TestPbx, seconds: float = 12.0) -> list[str]:
    """Everything that was told, once the one record has come."""
    await eventually(lambda: pbx.receiver.named("NewCdr"), f"{steps(pbx.receiver.events)}", seconds)
    await pbx.quiet()
    return steps(pbx.receiver.events)
