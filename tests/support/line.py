"""A trunk that asks applications about its calls, and who calls over it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

CALLER, DID = "12345678", "5503301"
WHO = f"{CALLER}>{DID}"
REACHED = [
    f"CallStatus {WHO} ALERT, 1000 RING",
    "1000 Ringing",
    f"CallStatus {WHO} ANSWERED, 1000 ANSWER",
    "1000 Busy",
    f"CallStatus {WHO} BYE",
    "CallStatus 1000 BYE",
    "1000 Registered",
    f"NewCdr {CALLER} 1000 ANSWERED Inbound",
]
"""A call that 1000 answers and the caller ends."""

GIVEN_UP = f"NewCdr {CALLER} {DID} NO ANSWER Inbound"


class Line:
    """A trunk that asks applications, a carrier that calls on it, and 1000 where its route leads."""

    def __init__(self, pbx: TestPbx, carrier: Carrier, phone: Phone, trunk: str) -> None:
        self.pbx, self.carrier, self.phone, self.trunk = pbx, carrier, phone, trunk
        self.callid = ""
        self._calling: list[asyncio.Task[Call]] = []

    async def set(self, **settings: str) -> None:
        """Change settings of the trunk as an operator does."""
        await self.pbx.admin("PATCH", f"/trunks/{self.trunk}", settings)
        await self.pbx.quiet()
        self.pbx.receiver.clear()

    async def ring(self, caller: str = CALLER) -> Call:
        """Call in, without waiting for an answer of the PBX."""
        count = len(self.carrier.calls)
        self._calling.append(asyncio.create_task(self.carrier.call_in(DID, caller=caller)))
        await eventually(lambda: len(self.carrier.calls) > count, "the carrier calls")
        return self.carrier.calls[-1]

    async def told(self, name: str, count: int = 1) -> dict[str, str]:
        """Wait for an Invite or Incoming; returns its inbound member."""
        await eventually(lambda: len(self.pbx.receiver.named(name)) >= count, name, 15)
        event = self.pbx.receiver.named(name)[-1]
        self.callid = event["callid"]
        assert list(event) == ["event", "callid", "members", "sn"]
        (member,) = event["members"]
        assert list(member) == ["inbound"]
        inbound: dict[str, str] = member["inbound"]
        assert list(inbound) == ["from", "to", "trunkname", "channelid"]
        assert (inbound["to"], inbound["trunkname"]) == (DID, "siptrunk")
        return inbound

    async def say(self, word: str, channelid: str, **fields: str) -> str:
        """Let the application decide; returns the errno, empty for a success."""
        callid = self.callid
        answer = await self.pbx.client.post(f"call/{word}", {"channelid": channelid, **fields})
        if answer["status"] == "Success":
            assert answer["callid"] == callid
        return str(answer.get("errno", ""))

    async def talk(self, call: Call, incoming: Call | None = None) -> None:
        """The call reaches a phone, 1000 unless it is told, which answers; the caller ends it."""
        incoming = incoming or await self.phone.incoming()
        assert 200 not in call.statuses, "nobody has answered yet"
        await incoming.answer()
        await call.answered()
        await call.hears(incoming.phone.frequency)
        await incoming.hears(self.carrier.frequency)
        await call.hangup()
        await incoming.over()

    async def all_told(self) -> list[str]:
        """Wait until all is over and nothing is left in the engine; the whole sequence."""
        await self.pbx.quiet()
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        return steps(self.pbx.receiver.events)


async def line(pbx: TestPbx, settings: Mapping[str, str] | None = None, **route: str) -> Line:
    """A line whose trunk has these settings; `route` changes where the calls go."""
    await pbx.extension("1000", noanswerforward="off", busyforward="off")
    phone = await pbx.phone("1000")
    carrier = await pbx.carrier()
    made = Line(pbx, carrier, phone, await pbx.trunk(carrier))
    to = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000", **route}
    await pbx.client.ok("inroute/add", to)
    await made.set(**(settings or {"control_answering": "on"}))
    return made


async def shown(pbx: TestPbx, callid: str) -> list[dict[str, dict[str, str]]]:
    """The members that call/query shows."""
    (call,) = (await pbx.client.ok("call/query", {"callid": callid}))["Calls"]
    members: list[dict[str, dict[str, str]]] = call["members"]
    return members
