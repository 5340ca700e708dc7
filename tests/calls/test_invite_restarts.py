"""Calls that wait for an application while offhook starts anew (spec 13-call, 15-events)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.carrier import Carrier
from tests.support.line import CALLER, DID
from tests.support.pbx import STRONG, Client, Receiver
from tests.support.phone import Call, Phone, eventually
from tests.support.process import UpProcess, up_process

pytestmark = pytest.mark.asyncio(loop_scope="session")


DECLARED = f"""
extensions:
- {{{{number: "1000", username: One, registername: "1000", registerpassword: "{STRONG}"}}}}
trunks:
- {{{{trunkname: siptrunk, trunktype: peer, host: 127.0.0.2, domain: 127.0.0.2, port: {{0}},
    control_answering: on}}}}
- {{{{trunkname: other, trunktype: peer, host: 127.0.0.3, domain: 127.0.0.3, port: {{1}},
    control_destination: on}}}}
inroutes:
- {{{{name: in, trunks: "siptrunk,other", desttype: extension, dest: "1000"}}}}
"""


@contextlib.asynccontextmanager
async def two_waiting() -> AsyncIterator[tuple[UpProcess, Client, Receiver, Phone, list[Call], list[str]]]:
    """A PBX of its own where one call waits in Invite and one in Incoming; their channelids."""
    async with contextlib.AsyncExitStack() as stack:
        up = await stack.enter_async_context(up_process())
        await up.start()
        client, receiver = await up.client(), Receiver()
        await receiver.start()
        stack.push_async_callback(receiver.close)
        stack.push_async_callback(client.close)
        await client.login(version="2.0.0", port=str(receiver.port))
        where = ("127.0.0.1", up.sip_port)
        carriers = [
            await stack.enter_async_context(Carrier(where, address=address, frequency=frequency))
            for address, frequency in (("127.0.0.2", 900), ("127.0.0.3", 700))
        ]
        declared = up.data / "declared.yaml"
        declared.write_text(DECLARED.format(*(carrier.port for carrier in carriers)))
        status, output = await up.command("apply", str(declared))
        assert status == 0, output
        phone = await stack.enter_async_context(Phone("1000", STRONG, where))
        assert await phone.register() == 200
        calls, channels = [], []
        for carrier, name in zip(carriers, ("Invite", "Incoming"), strict=True):
            calls.append(await carrier.call_in(DID, caller=CALLER))
            await eventually(lambda name=name: receiver.named(name), name)  # type: ignore[misc]
            channels.append(receiver.named(name)[0]["members"][0]["inbound"]["channelid"])
        yield up, client, receiver, phone, calls, channels


async def test_a_new_control_plane_goes_on_asking() -> None:
    async with two_waiting() as (up, client, receiver, phone, calls, channels):
        asked = [receiver.named(name)[0] for name in ("Invite", "Incoming")]
        receiver.clear()
        await up.command("restart")
        await up.ready()
        await eventually(lambda: len(receiver.events) == 2, "both are asked about once more")
        assert sorted(receiver.events, key=lambda one: str(one["event"]), reverse=True) == asked
        for event in asked:
            (found,) = (await client.ok("call/query", {"callid": event["callid"]}))["Calls"]
            (member,) = found["members"]
            assert member["inbound"]["memberstatus"] == "ALERT"
        assert await client.errno("call/refuse_inbound", {"channelid": channels[1]}) == "10016"
        assert await client.errno("call/transfer", {"channelid": channels[0], "number": "1000"}) == "10102"
        await client.ok("call/accept_inbound", {"channelid": channels[0]})
        await client.ok("call/transfer", {"channelid": channels[1], "number": "1000"})
        ringing = [await phone.incoming() for _ in calls]  # in whatever order
        for incoming in ringing:
            await incoming.answer()
        for call, event in zip(calls, asked, strict=True):
            await eventually(lambda call=call: call.is_up, "it is up")  # type: ignore[misc]
            await call.hangup()
            cdr = await receiver.cdr(event["callid"])
            assert (cdr["callto"], cdr["status"], cdr["didnumber"]) == ("1000", "ANSWERED", DID)
        for incoming in ringing:
            await incoming.over()
        assert len(receiver.named("NewCdr")) == 2


async def test_calls_go_on_while_nobody_is_there_to_ask() -> None:
    async with two_waiting() as (up, client, receiver, phone, calls, channels):
        asked = [receiver.named(name)[0] for name in ("Invite", "Incoming")]
        receiver.clear()
        await up.kill()
        await eventually(lambda: len(phone.calls) == 2, "both ring", 15)
        await up.start()
        for channelid in channels:
            assert await client.errno("call/accept_inbound", {"channelid": channelid}) == "10016"
        for _ in calls:
            await (await phone.incoming()).answer()
        for call, event in zip(calls, asked, strict=True):
            await call.answered()
            await call.hangup()
            assert (await receiver.cdr(event["callid"]))["status"] == "ANSWERED"
        assert not receiver.named("Invite")
        assert not receiver.named("Incoming")
        assert len(receiver.named("NewCdr")) == 2
