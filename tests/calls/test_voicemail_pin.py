"""The PIN of a box: guessing is counted over calls, boxes and phones, and locks (issue 5)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.asterisk.ami import actions
from offhook.asterisk.switch import SwitchError
from tests.support.engine_log import EngineLog, engine_log
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.queue_calls import carrier_to
from tests.support.story import phones
from tests.support.voicemail import opens

pytestmark = pytest.mark.asyncio(loop_scope="session")

PIN, NEW_PIN = "90817", "61809"
GUARD = {"pinattempts": 2, "callerattempts": 3, "pinwindow": 600, "pinlock": 600}
KEYS = ("box-1001", "box-1002", "inside-1000", "inside-1001", "inside-1002", "outside-12345678")


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(pbx: TestPbx) -> AsyncIterator[TestPbx]:
    """The PBX with a strict guard; what was counted is forgotten at the end."""
    before = await pbx.admin("GET", "/settings/voicemail")
    await pbx.admin("PATCH", "/settings/voicemail", GUARD)
    yield pbx
    await pbx.admin("PATCH", "/settings/voicemail", before)
    for key in KEYS:
        with contextlib.suppress(SwitchError):
            await pbx.pbx.switch.act(actions.DBDel(family="offhook-pin", key=key))


async def _refused(phone: Phone, code: str, keys: str, log: EngineLog) -> None:
    """A call in which these keys are pressed, and refused."""
    before = len(log.told("OffhookPin"))
    call = await phone.call(code)
    await call.answered()
    await call.rtp.press(keys)
    await eventually(lambda: len(log.told("OffhookPin")) > before, "the PIN is refused")
    await call.hangup()


async def test_guessing_locks_the_box_and_the_caller(
    guarded: TestPbx, caplog: pytest.LogCaptureFixture
) -> None:
    pbx = guarded
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1001={"vmsecret": PIN})
    port, secret = pbx.pbx.engine.ami
    cel = pbx.settings.data / "cel" / "cel.json"
    journal = pbx.settings.data / "asterisk" / "log" / "messages"
    with caplog.at_level(logging.WARNING):
        async with engine_log(port, "offhook", secret, cel) as log:
            # the third PIN is the right one, and sounds as wrong as the others
            call = await one.call("*02")
            await call.answered()
            await call.rtp.press(f"1001#31415#1001#92653#1001#{PIN}#")
            await call.over()
            await _refused(two, "*2", f"{PIN}#", log)
            # the caller has had his three wrong ones: no box opens for him, not even by the right PIN
            await _refused(one, "*02", "1002#1002#", log)
            assert log.told("OffhookPin", "Mailbox", "By", "Locked") == [
                ("1001", "inside-1000", "no"),
                ("1001", "inside-1000", "no"),
                ("1001", "inside-1000", "yes"),
                ("1001", "inside-1001", "yes"),
                ("1002", "inside-1000", "yes"),
            ]
            told = "".join(value for event in log.events for value in event.values())
    told += cel.read_text(encoding="utf-8") + journal.read_text("utf-8", "replace") + caplog.text
    assert not [pin for pin in ("31415", "92653", PIN) if pin in told]
    assert caplog.text.count("box 1001 or caller inside-1000 is locked") == 1

    # it is written where it outlives the engine
    def stored() -> str:
        with contextlib.closing(
            sqlite3.connect(pbx.settings.data / "asterisk/var/astdb.sqlite3")
        ) as database:
            rows = database.execute("SELECT value FROM astdb WHERE key = '/offhook-pin/box-1001'").fetchall()
        return str(rows[0][0]) if rows else ""

    await eventually(lambda: stored().startswith("2-"), "the engine's database has it")

    # the same PIN once more is no new one; a new one lifts the lock of the box
    await pbx.client.ok("extension/update", {"number": "1001", "vmsecret": PIN, "username": "Ann"})
    assert await pbx.pbx.switch.items(actions.DBGet(family="offhook-pin", key="box-1001"))
    await pbx.client.ok("extension/update", {"number": "1001", "vmsecret": NEW_PIN})
    assert not await pbx.pbx.switch.items(actions.DBGet(family="offhook-pin", key="box-1001"))
    call = await two.call("*2")
    await call.answered()
    await call.rtp.press(f"{NEW_PIN}#")
    await opens(pbx, "1001")
    await call.hangup()

    call = await three.call("*2")
    await call.answered()
    await call.rtp.press("1002#")
    await opens(pbx, "1002")
    await call.hangup()

    # the lock of 1001 ends by the clock
    for key in ("box-1001", "inside-1001"):
        await pbx.pbx.switch.act(actions.DBPut(family="offhook-pin", key=key, val="3-1700000000"))
    call = await two.call("*2")
    await call.answered()
    await call.rtp.press(f"00#{NEW_PIN}#")
    await opens(pbx, "1001")
    await call.hangup()
    assert not await pbx.pbx.switch.items(actions.DBGet(family="offhook-pin", key="box-1001"))
    (left,) = await pbx.pbx.switch.items(actions.DBGet(family="offhook-pin", key="inside-1001"))
    assert left["Val"].startswith("1-"), "the right PIN does not forget the caller's wrong one"

    # what is long over is forgotten, or every number that ever called would stay in the engine's database
    await pbx.pbx.switch.act(actions.DBPut(family="offhook-pin", key="outside-110", val="1-1700000000"))
    await pbx.pbx.messages.voicemail.guard.sweep()
    kept = await pbx.pbx.switch.items(actions.DBGetTree(family="offhook-pin"))
    assert sorted(one["Key"] for one in kept) == ["/offhook-pin/inside-1000", "/offhook-pin/inside-1001"]


async def test_a_default_pin_does_not_open_a_box_from_outside(guarded: TestPbx) -> None:
    pbx = guarded
    await phones(pbx, "1001", "1002", e1001={"vmsecret": PIN})
    await pbx.prompt("menu", 1200, 0.3)
    await pbx.apply(
        "ivrs: [{number: 6500, ivrname: Menu, prompt: menu, dialext: off, dialtocheckvoicemail: on, "
        "keystar: hangup, digittimeout: 2}]"
    )
    carrier = await carrier_to(pbx, "ivr", "6500")
    call = await carrier.call_in("1")
    await call.hears(1200)
    await call.rtp.press("*2")
    await eventually(lambda: pbx.receiver.named("DTMF"), "the code is told")
    await call.rtp.press(f"1002#1002#1001#{PIN}#")
    await opens(pbx, "1001")
    assert not await pbx.pbx.messages.voicemail.service.open_on({"1002"})
    await call.hangup()


async def _asks(pbx: TestPbx, prompt: str) -> None:
    """Wait until a phone is asked by this prompt; keys that come during another one are not taken."""
    for _ in range(200):
        channels = (await pbx.pbx.switch.snapshot()).channels
        if any(prompt in channel["ApplicationData"] for channel in channels):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nobody is asked by {prompt}: {channels}")


async def _types(pbx: TestPbx, call: Call, first: str, second: str) -> None:
    await _asks(pbx, "vm-newpassword")
    await call.rtp.press(f"{first}#")
    await _asks(pbx, "vm-reenterpassword")
    await call.rtp.press(f"{second}#")


async def _pin(pbx: TestPbx, number: str) -> str:
    (shown,) = (await pbx.client.ok("extension/query", {"number": number}))["extinfos"]
    return str(shown["vmsecret"])


async def test_a_pin_is_changed_by_phone_and_in_no_log(
    pbx: TestPbx, caplog: pytest.LogCaptureFixture
) -> None:
    (two,) = await phones(pbx, "1001", e1001={"vmsecret": PIN})
    port, secret = pbx.pbx.engine.ami
    cel = pbx.settings.data / "cel" / "cel.json"
    journal = pbx.settings.data / "asterisk" / "log" / "messages"
    with caplog.at_level(logging.DEBUG):
        async with engine_log(port, "offhook", secret, cel) as log:
            call = await two.call("*77")
            await call.answered()
            await call.rtp.press(f"31415#{PIN}#")  # the old one first, and it is asked for again
            await _types(pbx, call, "24680", "24681")  # not the same twice
            await _types(pbx, call, "2468*0", "2468*0")  # no PIN
            assert await _pin(pbx, "1001") == PIN
            await _types(pbx, call, NEW_PIN, NEW_PIN)
            await call.over()
            assert await _pin(pbx, "1001") == NEW_PIN
            told = "".join(value for event in log.events for value in event.values())
    assert "box 1001 has a new PIN" in caplog.text
    told += cel.read_text(encoding="utf-8") + journal.read_text("utf-8", "replace") + caplog.text
    assert not [pin for pin in ("24680", "24681", "2468*0", NEW_PIN) if pin in told]
    assert not pbx.receiver.named("DTMF"), "nor is it told to applications"


async def test_a_pin_stays_when_there_is_nobody_who_stores_it(pbx: TestPbx) -> None:
    (two,) = await phones(pbx, "1001", e1001={"vmsecret": PIN})
    call = await two.call("*077")
    await call.answered()
    await call.rtp.press(f"1001#{PIN}#")
    await _asks(pbx, "vm-newpassword")

    async def typed() -> None:
        await call.rtp.press(f"{NEW_PIN}#{NEW_PIN}#")
        await eventually(lambda: call.ended, "it is said that this did not work", 15)

    await pbx.restart_control(typed)
    assert await _pin(pbx, "1001") == PIN
