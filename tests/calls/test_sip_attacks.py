"""Attacks on the SIP port as they are seen in the wild, in a short form; the long one is scripts/attack."""

from __future__ import annotations

import asyncio
import sys

import pytest
import pytest_asyncio

from tests.support.answers import compare
from tests.support.attacker import Attacker
from tests.support.pbx import STRONG, TestPbx
from tests.support.sipvicious import sipvicious
from tests.support.torture import MESSAGES
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXTENSIONS = range(1000, 1100)
NOBODY = "7777"


@pytest_asyncio.fixture(loop_scope="session")
async def house(pbx: TestPbx) -> TestPbx:
    """A PBX with some extensions that bans attackers."""
    for number in ("1000", "1001", "1002", "1003"):
        await pbx.extension(number)
    await pbx.apply("bans: {permitted: 127.0.0.1}")
    return pbx


async def test_svwar_finds_none_of_a_hundred_extensions(house: TestPbx) -> None:
    rows = "".join(
        f'- {{number: "{n}", username: "U{n}", registername: "{n}", registerpassword: "{STRONG}"}}\n'
        for n in EXTENSIONS
    )
    await house.apply(f"extensions:\n{rows}")
    for address, method in (("127.0.0.21", "REGISTER"), ("127.0.0.22", "INVITE")):
        said = await sipvicious(
            *(address, "svwar", "--force", "-m", method, "-e", f"{EXTENSIONS[0]}-{EXTENSIONS[-1]}"),
            *("-p", str(house.settings.sip_port), "127.0.0.1"),
        )
        assert "found nothing" in said
        assert "reqauth" not in said


async def test_svcrack_is_banned_within_ten_guesses(house: TestPbx) -> None:
    cracking = asyncio.create_task(
        sipvicious(
            *("127.0.0.23", "svcrack", "-u", "1000", "-r", "1000-9999"),
            *("-p", str(house.settings.sip_port), "127.0.0.1"),
            seconds=3,
        )
    )
    before = house.pbx.protection.bans.attempts
    await eventually(lambda: house.pbx.protection.bans.active, "it is banned", 10)
    said = await cracking
    assert "1000 |" not in said
    assert house.pbx.protection.bans.attempts - before <= 2 * 10, "a guess is two requests"


async def test_answers_are_alike_for_names_that_exist_and_that_do_not(house: TestPbx) -> None:
    await house.apply("bans: {enabled: off}")
    async with Attacker(house.registrar, "127.0.0.24") as attacker:
        for method in ("REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"):
            tries = 200 if method in {"REGISTER", "INVITE"} else 20
            for guess in (False, True):
                for last in (False, False, True):  # what differs for a reason differs each time
                    seen = await compare(attacker, method, ("1002", NOBODY), tries, guess=guess)
                    assert seen.same_text, seen.shapes
                    if tries < 200 or seen.apart < 0.001:
                        break
                    assert not last, seen.medians


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_thousand_broken_messages_a_second_stop_no_call(house: TestPbx, transport: str) -> None:
    address = "127.0.0.25" if transport == "udp" else "127.0.0.26"
    one, two, three = [await house.phone(number) for number in ("1000", "1001", "1002")]
    two.auto_answer = three.auto_answer = True
    call = await one.call("1001")
    await call.answered()
    await call.hears(440)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.fuzz", transport, address, f"127.0.0.1:{house.settings.sip_port}"),
        *("--rate", "1000", "--seconds", "3", "--seed", "4475"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    loop = asyncio.get_running_loop()
    begin = loop.time()
    banned = house.pbx.protection.bans
    await eventually(lambda: banned.active, "the source is banned", 3)
    assert loop.time() - begin < 2.0
    other = await (await house.phone("1003")).call("1002")
    await other.answered()
    await other.hears(440)
    await process.wait()
    call.rtp.forget()
    await call.hears(440)
    assert house.pbx.engine.alive
    assert house.pbx.switch.healthy


async def test_the_torture_messages_stop_no_call(house: TestPbx) -> None:
    """Each goes alone, as a whole and cut off in its middle, and with the address of a real extension."""
    await house.apply("bans: {enabled: off}")
    one, two = await house.phone("1000"), await house.phone("1001")
    two.auto_answer = True
    call = await one.call("1001")
    await call.answered()
    async with Attacker(house.registrar, "127.0.0.27") as attacker:
        for message in MESSAGES:
            aimed = message.data.replace(b"sip:user@example.com", b"sip:1001@127.0.0.1")
            for data in (message.data, aimed, message.data[: len(message.data) // 2]):
                attacker.send(data)
            assert await attacker.request("OPTIONS", "1000") == 401, message.name
        assert attacker.statuses[200] == 0
    await call.hears(440)
    assert len(two.calls) == 1, "nobody else got through"
    assert len(MESSAGES) == 49
    assert house.pbx.switch.healthy
