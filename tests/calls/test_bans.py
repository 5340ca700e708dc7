"""Attackers of phones are refused by the engine; phones, carriers and permitted addresses never are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.areas.bans.address import source_of
from offhook.areas.bans.model import Verdict
from offhook.operations import Operations
from tests.support.attacker import Attacker
from tests.support.pbx import STRONG, Json, TestPbx
from tests.support.phone import Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "127.0.0.9"


@pytest_asyncio.fixture(loop_scope="session")
async def evil(pbx: TestPbx) -> AsyncIterator[Attacker]:
    """An attacker on an address of his own."""
    await pbx.apply("bans: {permitted: 127.0.0.1}")
    async with Attacker(pbx.registrar, EVIL) as attacker:
        yield attacker


async def forgive(pbx: TestPbx) -> None:
    for ban in await bans(pbx):
        await pbx.pbx.protection.bans.lift(ban["address"])


async def bans(pbx: TestPbx) -> list[Json]:
    items: list[Json] = (await pbx.admin("GET", "/bans"))["items"]
    return items


async def command(pbx: TestPbx, **arguments: str) -> str:
    """`offhook api blocked` as an operator of the running PBX."""
    answer = await Operations(pbx.core).perform("api-blocked", dict(arguments))
    return "\n".join(answer["lines"])


async def until_banned(pbx: TestPbx, attacker: Attacker) -> Json:
    """Wait until the attacker is refused; returns the ban."""
    async with asyncio.timeout(5):
        while not (  # noqa: ASYNC110
            found := [ban for ban in await bans(pbx) if ban["address"] == attacker.address]
        ):
            await asyncio.sleep(0.02)
    assert await attacker.request("REGISTER", "1000") == 403
    return found[0]


async def test_who_guesses_a_password_is_banned(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.extension("1000")
    assert [await evil.guess("1000", f"wrong{turn}") for turn in range(4)] == [401] * 4
    ban = await until_banned(pbx, evil)
    assert (ban["type"], ban["times"]) == ("SIP-IP", 1)
    assert 299 <= ban["until"] - ban["since"] <= 300
    alarms = (await pbx.admin("GET", "/alarms"))["items"]
    assert any(alarm["key"] == "attack" and alarm["active"] and EVIL in alarm["text"] for alarm in alarms)
    phone = await pbx.phone("1000")
    assert phone.registered, "others are not concerned"


async def test_a_ban_is_lifted_by_the_operator(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.extension("1000")
    for turn in range(4):
        await evil.guess(f"77{turn}", "wrong")
    await until_banned(pbx, evil)
    assert f"SIP-IP  {EVIL}" in await command(pbx)
    await command(pbx, release=EVIL)
    assert await evil.request("REGISTER", "1000") == 401
    await pbx.admin("DELETE", f"/bans/{EVIL}", status=404)
    for turn in range(5):
        await evil.guess(f"77{turn}", "wrong")
    await until_banned(pbx, evil)
    await pbx.admin("DELETE", f"/bans/{EVIL}", status=204)
    assert await evil.request("REGISTER", "1000") == 401


async def test_a_ban_ends_by_itself_and_grows(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.apply("bans: {attempts: 2, bantime: 1}")
    for times in (1, 2):
        await evil.guess("7777", "wrong")
        assert (await until_banned(pbx, evil))["times"] == times
        async with asyncio.timeout(8):
            while await evil.request("REGISTER", "1000") == 403:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_name_that_is_known_is_refused_as_soon_as_one_that_is_not(
    pbx: TestPbx, evil: Attacker
) -> None:
    await pbx.extension("1000")
    for name in ("1000", "7777"):
        for _ in range(7):
            assert await evil.request("REGISTER", name) == 401
        assert not await bans(pbx)
        await evil.request("REGISTER", name)
        await until_banned(pbx, evil)
        await forgive(pbx)


async def test_bans_outlive_the_control_plane_and_work_without_it(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.extension("1000")
    for turn in range(4):
        await evil.guess("1000", f"wrong{turn}")
    await until_banned(pbx, evil)

    async def meanwhile() -> None:
        assert await evil.request("INVITE", "1000") == 403

    await pbx.restart_control(meanwhile)
    assert await evil.request("REGISTER", "1000") == 403
    assert [ban["address"] for ban in await bans(pbx)] == [EVIL]


async def test_forged_requests_ban_neither_carriers_nor_phones(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.apply("bans: {permitted: ''}")
    await pbx.extension("1000")
    await pbx.trunk(await pbx.carrier(address="127.0.0.3"))
    phone = await pbx.phone("1000")  # on 127.0.0.1
    before = pbx.pbx.protection.bans.attempts
    for address in ("127.0.0.1", "127.0.0.3"):
        async with Attacker(pbx.registrar, address) as forger:
            for turn in range(20):
                forger.send(forger.message("REGISTER", f"77{turn}", authorization='Digest username="x"'))
                await forger.request("REGISTER", f"77{turn}")
    for _ in range(8):
        await evil.request("REGISTER", "7777")
    await until_banned(pbx, evil)  # what was sent before has been judged too
    assert pbx.pbx.protection.bans.attempts > before + 40
    assert [ban["address"] for ban in await bans(pbx)] == [EVIL]
    assert await phone.register() == 200


async def test_a_permitted_address_is_never_banned(pbx: TestPbx, evil: Attacker) -> None:
    await pbx.extension("1000")
    for _ in range(8):
        await evil.request("REGISTER", "7777")
    await until_banned(pbx, evil)
    await pbx.apply(f"bans: {{permitted: '{EVIL}/32'}}")
    assert await evil.request("REGISTER", "1000") == 401, "who is permitted is let in at once"
    before = pbx.pbx.protection.bans.attempts
    for turn in range(20):
        assert await evil.guess("1000", f"wrong{turn}") == 401
    await eventually(lambda: pbx.pbx.protection.bans.attempts >= before + 40, "all are heard of")
    assert await bans(pbx) == []


async def test_switched_off_nobody_is_refused(pbx: TestPbx, evil: Attacker) -> None:
    await evil.guess("7777", "wrong")
    await pbx.apply("bans: {attempts: 1}")
    await evil.guess("7777", "wrong")
    await until_banned(pbx, evil)
    await pbx.apply("bans: {enabled: off}")
    assert [await evil.request("REGISTER", "1000") for _ in range(5)] == [401] * 5


async def test_garbage_is_banned_within_two_seconds(pbx: TestPbx, evil: Attacker) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for turn in range(200):
        evil.send(b"INVITE sip:x SIP/2.0\r\nVia: \x00\xff" + bytes([turn % 256]) * 40 + b"\r\n\r\n")
        await asyncio.sleep(0.001)
    await until_banned(pbx, evil)
    assert loop.time() - begin < 2.0


async def test_a_phone_whose_registername_is_not_its_number_is_no_attacker(pbx: TestPbx) -> None:
    await pbx.apply("bans: {permitted: 127.0.0.1}")
    await pbx.extension("1000", registername="anna")
    async with Phone("1000", STRONG, pbx.registrar, address="127.0.0.12", username="anna") as phone:
        for _ in range(10):
            assert await phone.register() == 200
    assert await bans(pbx) == []


async def test_a_banned_network_of_ipv6_shuts_nobody_else_out(pbx: TestPbx, evil: Attacker) -> None:
    """The engine refuses everybody when it cannot read its ACL."""
    await pbx.extension("1000")
    verdicts = [Verdict(source_of(text), "a test", True) for text in ("2001:db8:1:2::9", EVIL)]
    await pbx.core.bans.ban(verdicts, 300, 300)
    assert await evil.request("REGISTER", "1000") == 403
    phone = await pbx.phone("1000")
    assert phone.registered


async def test_hundreds_of_bans_leave_room_for_calls(pbx: TestPbx, evil: Attacker) -> None:
    """Only so many are given to the engine; what cannot be forged stays among them."""
    await pbx.extension("1000")
    await pbx.core.bans.ban([Verdict(EVIL, "a test", True)], 300, 300)
    for part in range(3):
        forged = [Verdict(f"10.{part}.{last}.1", "a test", False) for last in range(200)]
        await pbx.core.bans.ban(forged, 300, 300)
    assert await evil.request("REGISTER", "1000") == 403
    phone = await pbx.phone("1000")
    assert phone.registered
    await pbx.core.bans.lift_in(None)


async def test_a_carrier_that_called_too_early_is_let_in_with_its_trunk(pbx: TestPbx, evil: Attacker) -> None:
    for _ in range(8):
        await evil.request("INVITE", "5503301")
    await until_banned(pbx, evil)
    carrier = await pbx.carrier(address=EVIL)
    await pbx.trunk(carrier)
    assert await bans(pbx) == []


async def test_over_tcp_who_guesses_is_banned_from_where_phones_are_too(pbx: TestPbx) -> None:
    """A connection cannot be forged. The phone next to him has to be let in again by the operator."""
    office = "127.0.0.13"
    await pbx.apply("bans: {permitted: 127.0.0.1}")
    await pbx.extension("1000")
    async with Phone("1000", STRONG, pbx.registrar, address=office) as phone:
        assert await phone.register() == 200
        async with Attacker(pbx.registrar, office) as forger:
            for _ in range(40):
                await forger.request("REGISTER", "1000")
            reader, writer = await asyncio.open_connection(*pbx.registrar, local_addr=(office, 0))
            try:
                for turn in range(40):
                    writer.write(
                        forger.message("REGISTER", f"77{turn}").replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
                    )
                    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                    if answer.startswith(b"SIP/2.0 403"):
                        break
                    assert not await bans(pbx) or turn >= 15, "twice as many are let pass where a phone is"
            finally:
                writer.close()
            ban = await until_banned(pbx, forger)
        assert ban["address"] == office
        await pbx.admin("DELETE", f"/bans/{office}", status=204)
        assert await phone.register() == 200
