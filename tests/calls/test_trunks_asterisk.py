"""Trunks with a second Asterisk as the provider: registrations, transports, its death (spec 03-trunk)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.second_asterisk import ACCOUNT, GATEWAY, PASSWORD, PHONES, SecondAsterisk

pytestmark = pytest.mark.asyncio(loop_scope="session")

OUTSIDE, DID = PHONES[0], "5503301"
NOTICED = 16.0
"""Seconds until a dead peer is noticed: it is asked every 10 s and has 3 s to answer."""

REGISTER = {"trunktype": "register", "username": ACCOUNT, "authname": ACCOUNT, "password": PASSWORD}
GATEWAY_TRUNK = {
    "trunkname": "siptrunk",
    "trunktype": "account",
    "username": GATEWAY,
    "authname": GATEWAY,
    "password": PASSWORD,
}


class Line:
    """A house with one extension, a provider, and an outside phone at it."""

    def __init__(self, pbx: TestPbx, provider: SecondAsterisk) -> None:
        self.pbx, self.provider = pbx, provider
        self.inside: Phone
        self.outside: Phone

    async def plug_in(self, address: str = "127.0.0.1") -> None:
        """Make extension and routes for trunks that are there, and register both phones."""
        trunks = ",".join(one["trunkname"] for one in await self.trunks())
        await self.pbx.extension("1000")
        self.inside = await self.pbx.phone("1000", frequency=440, address=address)
        self.outside = await self.provider.phone(OUTSIDE, frequency=900)
        inward = {"name": "in", "trunks": trunks, "desttype": "extension", "dest": "1000"}
        await self.pbx.client.ok("inroute/add", inward)
        outward = {"name": "out", "prefix": "9X.", "strip": "1", "trunks": trunks, "extensions": "1000"}
        await self.pbx.client.ok("outroute/add", outward)
        await self.pbx.quiet()
        self.pbx.receiver.clear()

    async def trunks(self) -> list[dict[str, str]]:
        """What trunk/list tells."""
        found: list[dict[str, str]] = (await self.pbx.client.ok("trunk/list"))["trunklist"]
        return found

    async def is_(self, state: str, seconds: float = NOTICED, name: str = "siptrunk") -> float:
        """Wait for the state of a trunk; returns how long it took."""
        loop = asyncio.get_running_loop()
        begin, now = loop.time(), ""
        while now != state:
            assert loop.time() - begin < seconds, f"{name} is {now}, not {state}, after {seconds:g} s"
            now = next(one["status"] for one in await self.trunks() if one["trunkname"] == name)
            await asyncio.sleep(0.05)
        return loop.time() - begin

    async def calls_in(self, did: str = DID) -> str:
        """A call from outside on which both hear each other; returns the caller as the extension saw him."""
        call = await self.outside.call(did)
        ring = await self.inside.incoming()
        await ring.answer()
        await self.talk(call, ring)
        return ring.shown

    async def calls_out(self) -> dict[str, str]:
        """A call to outside on which both hear each other; returns what the provider was sent."""
        call = await self.inside.call(f"9{OUTSIDE}")
        ring = await self.outside.incoming()
        assert ring.invite is not None
        told = {name: ring.invite.get(f"x-{name}") for name in ("from", "uri", "via", "endpoint")}
        await ring.answer()
        await self.talk(call, ring)
        return told

    async def talk(self, call: Call, other: Call) -> None:
        """Both hear each other; then the first hangs up."""
        await call.hears(other.phone.frequency)
        await other.hears(call.phone.frequency)
        await call.hangup()
        await other.over()

    async def cdr(self) -> dict[str, str]:
        """The record of the only call since the last one."""
        await eventually(lambda: self.pbx.receiver.named("NewCdr"), "the record", 12)
        (found,) = self.pbx.receiver.named("NewCdr")
        self.pbx.receiver.clear()
        return dict(found)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def the_provider(the_pbx: TestPbx) -> AsyncIterator[SecondAsterisk]:
    """A provider that lives as long as the tests of this file."""
    async with SecondAsterisk(the_pbx.registrar) as provider:
        yield provider


@pytest_asyncio.fixture(loop_scope="session")
async def line(pbx: TestPbx, the_provider: SecondAsterisk) -> AsyncIterator[Line]:
    """A house and a provider; the trunk is up to the test."""
    await the_provider.line("pbx")
    yield Line(pbx, the_provider)
    await the_provider.unplug()
    await the_provider.quiet()


# -- registrations ------------------------------------------------------------------------------------


async def test_a_register_trunk_proves_itself(line: Line) -> None:
    await line.pbx.trunk(line.provider, **REGISTER, fromuser=ACCOUNT)
    assert f"sip:{ACCOUNT}@127.0.0.1" in await line.provider.registered()
    await line.is_("registered")
    await line.plug_in()
    told = await line.calls_out()
    # known by its account, so the provider has asked for the password of the call too
    assert told["endpoint"] == ACCOUNT
    assert f"<sip:{ACCOUNT}@{line.provider.address}>" in told["from"]
    assert told["uri"].startswith(f"sip:{OUTSIDE}@{line.provider.address}")
    assert (await line.cdr())["dsttrcunkname"] == "siptrunk"

    await line.provider.line(ACCOUNT)  # the called number at the contact that we have registered
    assert OUTSIDE in await line.calls_in()
    assert (await line.cdr())["didnumber"] == DID
    await line.provider.line("account")  # the contact as it is: only our account is named
    assert OUTSIDE in await line.calls_in()
    cdr = await line.cdr()
    assert (cdr["srctrunkname"], cdr["didnumber"]) == ("siptrunk", ACCOUNT)


async def test_a_wrong_password_and_then_the_right_one(line: Line) -> None:
    identity = await line.pbx.trunk(line.provider, **{**REGISTER, "password": "wrong"})
    await line.is_("failure")
    body = {"id": identity, "trunktype": "register"}
    await line.pbx.client.ok("trunk/update_siptrunk", {**body, "password": PASSWORD})
    await line.is_("registered", 5)
    await line.provider.registered(seconds=1)
    await line.pbx.client.ok("trunk/update_siptrunk", {**body, "username": "nobody"})
    await line.is_("failure", 5)
    await line.provider.unregistered()
    await line.pbx.client.ok("trunk/update_siptrunk", {**body, "username": ACCOUNT})
    await line.is_("registered", 5)
    await line.pbx.client.ok("trunk/delete_siptrunk", {"id": identity})
    await line.provider.unregistered()


async def test_two_trunks_of_one_account_have_states_of_their_own(line: Line) -> None:
    await line.pbx.trunk(line.provider, "good", **REGISTER)
    body = {"trunkname": "bad", "host": "127.0.0.9", "domain": line.provider.address, "port": "5099"}
    await line.pbx.client.ok("trunk/add_siptrunk", {**REGISTER, **body})
    await line.is_("registered", name="good")
    await line.is_("failure", name="bad")
    await line.is_("registered", 1, name="good")


async def test_a_provider_that_forgot_us_is_registered_at_again(pbx: TestPbx) -> None:
    async with SecondAsterisk(pbx.registrar, address="127.0.0.6") as provider:
        line = Line(pbx, provider)
        await pbx.trunk(provider, **REGISTER)
        await provider.registered()
        await line.is_("registered")
        await provider.kill()
        print(f"register trunk, provider dead: told after {await line.is_('failure'):.1f} s")
        await provider.restart()
        assert not await provider.contact()
        # its own registration would be renewed after two minutes only
        await provider.registered(seconds=NOTICED)
        await line.is_("registered", 2)
        await line.plug_in()
        await provider.line(ACCOUNT)
        await line.calls_in()


async def test_an_account_trunk_of_a_real_far_end(pbx: TestPbx) -> None:
    async with SecondAsterisk(pbx.registrar, address="127.0.0.6", registers=True) as provider:
        line = Line(pbx, provider)
        identity = str((await pbx.client.ok("trunk/add_siptrunk", GATEWAY_TRUNK))["id"])
        await line.is_("registered")
        await line.plug_in()
        await provider.line(GATEWAY)
        assert OUTSIDE in await line.calls_in()
        cdr = await line.cdr()
        assert (cdr["srctrunkname"], cdr["didnumber"], cdr["callfrom"]) == ("siptrunk", DID, OUTSIDE)
        told = await line.calls_out()
        assert told["uri"].startswith(f"sip:{OUTSIDE}@")
        assert (await line.cdr())["dsttrcunkname"] == "siptrunk"

        await pbx.client.ok(
            "trunk/update_siptrunk", {"id": identity, "trunktype": "account", "password": "Changed-1"}
        )
        call = await line.outside.call(DID)
        assert await call.refused() in {401, 403, 503}
        await pbx.client.ok(
            "trunk/update_siptrunk", {"id": identity, "trunktype": "account", "password": PASSWORD}
        )
        await line.calls_in()
        await provider.kill()
        print(f"account trunk, far end dead: told after {await line.is_('unknown'):.1f} s")


# -- what is sent -------------------------------------------------------------------------------------


async def test_who_is_shown_to_the_provider(line: Line) -> None:
    identity = await line.pbx.trunk(line.provider)
    await line.pbx.client.ok(
        "trunk/update_siptrunk", {"id": identity, "trunktype": "peer", "domain": "sip.example.org"}
    )
    await line.plug_in()
    assert "<sip:1000@sip.example.org>" in (await line.calls_out())["from"]
    await line.pbx.admin("PATCH", f"/trunks/{identity}", {"callerid": "+4955033"})
    assert "<sip:+4955033@sip.example.org>" in (await line.calls_out())["from"]
    await line.pbx.client.ok("extensiongroup/add", {"name": "sales", "members": "1000"})
    dods = {"id": identity, "trunktype": "peer", "extensionsgroupdod": "5503302-Sales-sales"}
    await line.pbx.client.ok("trunk/update_siptrunk", dods)
    assert '"Sales" <sip:5503302@' in (await line.calls_out())["from"]
    dods["extensionsdod"] = "5503301-Ann-1000"
    await line.pbx.client.ok("trunk/update_siptrunk", dods)
    assert '"Ann" <sip:5503301@' in (await line.calls_out())["from"]
    await line.pbx.client.ok("trunk/update_siptrunk", {**dods, "extensionsdod": "", "extensionsgroupdod": ""})
    assert "<sip:+4955033@" in (await line.calls_out())["from"]


@pytest.mark.parametrize(
    ("didsource", "account_called", "expected"),
    [("auto", DID, DID), ("to", DID, "5503309"), ("requesturi", DID, DID), ("requesturi", "1", "1")],
)
async def test_where_the_called_number_stands(
    pbx: TestPbx, didsource: str, account_called: str, expected: str
) -> None:
    carrier = await pbx.carrier()
    identity = await pbx.trunk(carrier)
    await pbx.admin("PATCH", f"/trunks/{identity}", {"didsource": didsource})
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    route = {"name": "in", "did": expected, "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    await pbx.client.ok("inroute/add", route)
    call = await carrier.call_in(account_called, to="5503309")
    await (await one.incoming()).answer()
    await call.answered()
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert pbx.receiver.named("NewCdr")[0]["didnumber"] == expected


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_other_transports(pbx: TestPbx, transport: str) -> None:
    tls = transport == "tls"
    async with SecondAsterisk(
        pbx.registrar,
        address="127.0.0.6",
        transport=transport,
        pbx_port=pbx.settings.tls_port if tls else 0,
    ) as provider:
        line = Line(pbx, provider)
        fields = {"port": str(provider.tls_port)} if tls else {}
        identity = await pbx.trunk(provider, **REGISTER, fromuser=ACCOUNT, **fields)
        await pbx.admin("PATCH", f"/trunks/{identity}", {"transport": transport})
        await provider.registered()
        await line.is_("registered")
        await line.plug_in()
        told = await line.calls_out()
        assert told["via"].startswith(f"SIP/2.0/{transport.upper()} ")
        assert told["endpoint"] == ACCOUNT
        await line.calls_in()
        await provider.line(ACCOUNT)
        await line.calls_in()
        await provider.kill()
        print(f"{transport} trunk, provider dead: told after {await line.is_('failure'):.1f} s")


# -- changes while it runs -----------------------------------------------------------------------------


async def test_changes_are_in_force_at_once_and_running_calls_go_on(line: Line) -> None:
    stranger = await line.provider.phone(OUTSIDE)
    assert await (await stranger.call(DID)).refused() in {401, 403}
    await line.provider.unplug()
    identity = await line.pbx.trunk(line.provider)
    await line.plug_in()
    running = await line.outside.call(DID)
    talk = await line.inside.incoming()
    await talk.answer()
    await running.hears(440)

    other = await line.provider.phone(PHONES[1], frequency=1150)
    for number in range(3):
        body = {"trunkname": f"more{number}", "trunktype": "peer", "port": "5060"}
        address = f"127.0.0.{20 + number}"
        await line.pbx.client.ok("trunk/add_siptrunk", {**body, "host": address, "domain": address})
        running.rtp.forget()
        talk.rtp.forget()
        await running.hears(440)
        await talk.hears(900)
    assert len(await line.trunks()) == 4

    # away: the provider is a stranger at once, and its running call goes on
    moved = {"id": identity, "trunktype": "peer", "host": "127.0.0.30"}
    await line.pbx.client.ok("trunk/update_siptrunk", moved)
    assert await (await other.call(DID)).refused() in {401, 403}
    await line.pbx.client.ok("trunk/update_siptrunk", {**moved, "host": line.provider.address})
    back = await other.call(DID)
    await (await line.inside.incoming()).answer()
    await back.hears(440)
    await back.hangup()
    await line.pbx.client.ok("trunk/delete_siptrunk", {"id": identity})
    assert await (await other.call(DID)).refused() in {401, 403}
    assert await (await line.inside.call(f"9{OUTSIDE}")).refused() == 500
    await eventually(lambda: line.pbx.receiver.named("CallFailed"), "the failure is told")
    assert line.pbx.receiver.named("CallFailed")[-1]["reason"] == "Line Unreachable"

    running.rtp.forget()
    talk.rtp.forget()
    await running.hears(440)
    await talk.hears(900)
    await running.hangup()
    await talk.over()


async def test_a_disabled_trunk(line: Line) -> None:
    identity = await line.pbx.trunk(line.provider)
    await line.plug_in()
    await line.calls_in()
    await line.pbx.admin("PATCH", f"/trunks/{identity}", {"enabled": False})
    await line.is_("disable", 1)
    assert await (await line.outside.call(DID)).refused() in {401, 403}
    assert await (await line.inside.call(f"9{OUTSIDE}")).refused() == 500
    await line.pbx.admin("PATCH", f"/trunks/{identity}", {"enabled": True})
    await line.calls_in()
    await line.calls_out()
    await line.is_("registered")


async def test_no_more_calls_than_the_trunk_carries(line: Line) -> None:
    identity = await line.pbx.trunk(line.provider)
    await line.pbx.admin("PATCH", f"/trunks/{identity}", {"maxchannels": 1})
    await line.plug_in()
    other = await line.provider.phone(PHONES[1], frequency=1150)
    first = await line.outside.call(DID)
    ring = await line.inside.incoming()
    await ring.answer()
    await first.hears(440)
    assert await (await other.call(DID)).refused() == 503
    out = await line.inside.call(f"9{PHONES[1]}")
    assert await out.refused() == 503
    failed = line.pbx.receiver.named
    await eventually(lambda: len(failed("CallFailed")) == 2, "both failures are told")
    assert {event["reason"] for event in failed("CallFailed")} == {"Circuit/channel congestion"}
    await first.hangup()
    await ring.over()
    await line.calls_out()


# -- its death ------------------------------------------------------------------------------------------


async def test_the_next_trunk_takes_over_from_a_dead_one(pbx: TestPbx) -> None:
    async with (
        SecondAsterisk(pbx.registrar, address="127.0.0.6") as first,
        SecondAsterisk(pbx.registrar, address="127.0.0.7") as second,
    ):
        line = Line(pbx, second)
        await pbx.trunk(first, "first")
        await pbx.trunk(second, "second")
        for name in ("first", "second"):
            await line.is_("registered", name=name)
        await line.plug_in()

        async def call_over(name: str, seconds: float) -> float:
            begin = asyncio.get_running_loop().time()
            call = await line.inside.call("9700700", seconds=seconds)
            await call.hears(700)
            took = asyncio.get_running_loop().time() - begin
            await call.hangup()
            assert (await line.cdr())["dsttrcunkname"] == name
            return took

        await call_over("first", 8)
        first.freeze()
        print(f"dead, not yet known: a call takes {await call_over('second', 12):.1f} s")
        print(f"dead: told after {await line.is_('failure', name='first'):.1f} s")
        took = await call_over("second", 2)
        print(f"dead and known: a call takes {took:.1f} s")
        assert took < 2
        first.thaw()
        print(f"back: told after {await line.is_('registered', name='first'):.1f} s")
        await call_over("first", 8)
        await first.kill()
        print(f"killed: told after {await line.is_('failure', name='first'):.1f} s")
        assert await call_over("second", 2) < 2


# -- addresses ------------------------------------------------------------------------------------------


async def test_two_trunks_behind_one_address(pbx: TestPbx) -> None:
    async with (
        SecondAsterisk(pbx.registrar, address="127.0.0.6") as first,
        SecondAsterisk(pbx.registrar, address="127.0.0.6") as second,
    ):
        assert first.port != second.port
        await pbx.trunk(first, "first")
        await pbx.trunk(second, "second")
        for provider, name in ((first, "first"), (second, "second")):
            line = Line(pbx, provider)
            await pbx.client.post("inroute/delete", {"id": "all"})
            await pbx.client.post("outroute/delete", {"id": "all"})
            await line.plug_in()
            routes = (await pbx.client.ok("outroute/query", {"id": "all"}))["outroutes"]
            await pbx.client.ok("outroute/update", {"id": routes[0]["id"], "trunks": name})
            await line.calls_in()
            assert (await line.cdr())["srctrunkname"] == name
            await line.calls_out()
            assert (await line.cdr())["dsttrcunkname"] == name


async def test_a_host_name_instead_of_an_address(pbx: TestPbx) -> None:
    async with SecondAsterisk(pbx.registrar, address="127.0.0.1") as provider:
        line = Line(pbx, provider)
        body = {"trunkname": "siptrunk", "trunktype": "peer", "host": "localhost", "domain": "localhost"}
        await pbx.client.ok("trunk/add_siptrunk", {**body, "port": str(provider.port)})
        # a name that nobody knows must not keep the others from working
        unknown = {**body, "trunkname": "unknown", "host": "nowhere.invalid", "domain": "nowhere.invalid"}
        await pbx.client.ok("trunk/add_siptrunk", {**unknown, "port": "5060"})
        await line.is_("registered")
        await line.plug_in(address="127.0.0.8")
        await line.calls_in()
        assert "@localhost>" in (await line.calls_out())["from"]
