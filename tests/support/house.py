"""A PBX with three phones, two carriers and one of everything, for calls that applications set up."""

from __future__ import annotations

from typing import Any

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

DOCUMENT = """
outroutes:
  - {name: one, prefix: 9X., strip: 1, trunks: first, extensions: [1000, 1001]}
  - {name: two, prefix: 8X., strip: 1, trunks: second, extensions: 1000}
ivrs:
  - {number: 6500, ivrname: Menu, prompt: welcome, promptrepeat: 1, responsetimeout: 9, digittimeout: 1}
  - {number: 6501, ivrname: Out, dialoutboundroutes: on, responsetimeout: 9, promptrepeat: 1, outroutes: one}
ringgroups: [{number: 6200, name: Group, members: [1001, 1002], ringtime: 10}]
queues:
  - {number: 6700, queuename: Queue, agents: 1001, announcepos: off, announceholdtime: off, wrapuptime: 0}
conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]
paginggroups: [{number: 6300, name: Page, member: [1001, 1002]}]
"""


class House:
    """1000, 1001 and 1002 with a phone each; carriers behind 9 and 8; one of everything."""

    def __init__(
        self, pbx: TestPbx, phones: list[Phone], first: Carrier, second: Carrier, trunks: dict[str, str]
    ) -> None:
        self.pbx, self.first, self.second = pbx, first, second
        self.trunks = trunks
        self.one, self.two, self.three = phones

    async def dial(self, caller: str, callee: str, **fields: str) -> str:
        """call/dial; returns the callid."""
        answer = await self.pbx.client.ok("call/dial", {"caller": caller, "callee": callee, **fields})
        return str(answer["callid"])

    async def hang_up(self, callid: str) -> None:
        """call/hangup of the first member of a call."""
        (call,) = (await self.pbx.client.ok("call/query", {"callid": callid}))["Calls"]
        member = next(iter(call["members"][0].values()))
        await self.pbx.client.ok("call/hangup", {"channelid": member["channelid"]})

    async def transfer(self, callid: str, number: str) -> None:
        """call/transfer of the first member of a call."""
        (call,) = (await self.pbx.client.ok("call/query", {"callid": callid}))["Calls"]
        member = next(iter(call["members"][0].values()))
        await self.pbx.client.ok("call/transfer", {"channelid": member["channelid"], "number": number})

    async def told(self, step: str) -> None:
        """Wait for an event."""
        events = self.pbx.receiver.events
        await eventually(lambda: step in steps(events), f"{step} in {steps(events)}")

    async def over(self, callid: str) -> dict[str, Any]:
        """Wait for the end: one record, nothing is left in the engine."""
        cdr = await self.pbx.receiver.cdr(callid)
        await self.pbx.quiet()
        assert len(self.pbx.receiver.named("NewCdr")) == 1
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        ends = self.pbx.receiver.of_call(callid)
        assert ends[-1]["event"] == "NewCdr"
        return cdr

    def all(self) -> list[str]:
        """What was told."""
        return steps(self.pbx.receiver.events)


async def house(pbx: TestPbx, **settings: str) -> House:
    """Build it."""
    phones = []
    for number, tone in (("1000", 440), ("1001", 570), ("1002", 700)):
        await pbx.extension(number, **settings)
        phones.append(await pbx.phone(number, frequency=tone))
    first, second = await pbx.carrier(), await pbx.carrier(address="127.0.0.3", frequency=1150)
    trunks = {"first": await pbx.trunk(first, "first"), "second": await pbx.trunk(second, "second")}
    await pbx.prompt("welcome", 1500)
    await pbx.apply(DOCUMENT)
    await pbx.quiet()
    pbx.receiver.clear()
    return House(pbx, phones, first, second, trunks)


def dialled(call: Call) -> str:
    """The number that a carrier was asked for."""
    assert call.invite is not None
    return call.invite.uri.partition(":")[2].partition("@")[0]
