"""Limits of calls to the outside, at a real carrier: by caller and by trunk, with offhook and without."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from offhook.areas.spending.model import SPENT
from offhook.asterisk.ami import actions
from offhook.asterisk.process import engine_pid
from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.story import outside, phones

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "90043555123"
"""Austria, over a route that strips the 9."""

BEEP = 700


class Ear:
    """Listens to a call all the time for a tone; `times` is how often it came."""

    def __init__(self, call: Call, frequency: int) -> None:
        self.times = 0
        self._call, self._frequency = call, frequency
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        heard = False
        while not self._call.ended:
            before, heard = heard, self._call.rtp.hears(self._frequency, 0.3)
            self.times += heard and not before
            await asyncio.sleep(0.05)

    async def heard(self) -> None:
        """Wait for the first time."""
        await eventually(lambda: self.times, f"{self._frequency} Hz are heard", 15)


async def _house(pbx: TestPbx, limits: str, *numbers: str, spending: str = "") -> tuple[Carrier, list[Phone]]:
    """Phones that may call out, and limits; nothing was used of them."""
    found = await phones(pbx, *(numbers or ("1001",)))
    carrier = await outside(pbx)
    await pbx.apply(f"spending: {{announce: off, country: 49{spending}}}\ncalllimits:\n{limits}")
    for usage in await _used(pbx):
        await pbx.admin("DELETE", f"/spending/{usage}", status=204)
    return carrier, found


async def _used(pbx: TestPbx) -> dict[str, dict[str, Any]]:
    return {one["who"]: one for one in (await pbx.admin("GET", "/spending"))["items"]}


async def _out(phone: Phone, carrier: Carrier, number: str = NUMBER) -> tuple[Call, Call]:
    """A call to the outside that is answered."""
    call = await phone.call(number)
    far = await carrier.incoming()
    await far.answer()
    await call.hears(900)
    return call, far


async def _refused(pbx: TestPbx, phone: Phone, number: str = NUMBER) -> str:
    """A call that has to be refused; returns the reason that is told."""
    before = len(pbx.receiver.named("CallFailed"))
    call = await phone.call(number)
    assert await call.refused() >= 400
    await eventually(lambda: len(pbx.receiver.named("CallFailed")) > before, "it is told")
    failed = pbx.receiver.named("CallFailed")[-1]
    await pbx.receiver.cdr(failed["callid"])
    return str(failed["reason"])


async def test_calls_of_a_day(pbx: TestPbx) -> None:
    carrier, (one, two) = await _house(pbx, "- {name: few, extensions: 1001, calls: 2}", "1001", "1002")
    for _ in range(2):
        call, _far = await _out(one, carrier)
        await call.hangup()
    assert await _refused(pbx, one) == "NO Outbound Restriction"
    assert (await _used(pbx))["1001"]["calls"] == 2
    # at a phone it is said by words, once it is told to applications
    await pbx.apply("spending: {announce: on}")
    call = await one.call(NUMBER)
    assert await call.refused() == 403
    assert 183 in call.statuses
    # it is the limit of one only
    call, _far = await _out(two, carrier)
    await call.hangup()
    assert len(carrier.calls) == 3
    assert (await _used(pbx)).keys() == {"1001"}


async def test_minutes_end_calls_and_are_shared(pbx: TestPbx) -> None:
    carrier, (one, two) = await _house(pbx, "- {name: short, trunks: siptrunk, minutes: 1}", "1001", "1002")
    who = f"trunk{(await pbx.admin('GET', '/trunks'))['items'][0]['id']}"
    await _spend(pbx, who, seconds=55)
    first, _ = await _out(one, carrier)
    second, _ = await _out(two, carrier)
    await first.over()
    await second.over()
    await eventually(lambda: not pbx.pbx.live.picture.calls, "nobody talks")
    used = (await _used(pbx))[who]
    # each end is cut to a whole second
    assert 57 <= used["seconds"] <= 61
    await _spend(pbx, who, seconds=60)
    assert await _refused(pbx, one) == "NO Outbound Restriction"


@pytest.mark.parametrize(
    ("limits", "who", "by"),
    [
        ("- {name: short, extensions: 1001, minutes: 1}", "1001", "phone"),
        ("- {name: line, trunks: siptrunk, minutes: 1}\n- {name: own, others: on, minutes: 9}", "", "dial"),
    ],
    ids=["caller", "trunk"],
)
async def test_who_calls_hears_a_beep_before_his_call_is_cut(
    pbx: TestPbx, limits: str, who: str, by: str
) -> None:
    carrier, (one,) = await _house(pbx, limits, spending=", warning: 3")
    who = who or f"trunk{(await pbx.admin('GET', '/trunks'))['items'][0]['id']}"
    await _spend(pbx, who, seconds=54)
    if by == "phone":
        call, far = await _out(one, carrier)
    else:
        await pbx.client.ok("call/dial", {"caller": "1001", "callee": NUMBER, "dialpermission": "1001"})
        call = await one.incoming()
        await call.answer()
        far = await carrier.incoming()
        await far.answer()
        await call.hears(900)
    begun, beeps, told = time.monotonic(), Ear(call, BEEP), Ear(far, BEEP)
    await beeps.heard()
    assert 1.5 <= time.monotonic() - begun <= 4, "three seconds before the end"
    await call.hears(900)
    await far.hears(440)
    assert (beeps.times, told.times) == (1, 0), "one beep, for him only"
    await far.over()
    await call.over()
    assert 4 <= time.monotonic() - begun <= 7.5
    assert beeps.times == 1
    assert 59 <= (await _used(pbx))[who]["seconds"] <= 61


async def test_a_call_that_was_passed_on_is_cut_without_a_beep(pbx: TestPbx) -> None:
    carrier, (one, two) = await _house(
        pbx, "- {name: short, extensions: 1001, minutes: 1}", "1001", "1002", spending=", warning: 3"
    )
    await _spend(pbx, "1001", seconds=54)
    call, far = await _out(one, carrier)
    begun = time.monotonic()
    assert await call.refer("1002") == 202
    talk = await two.incoming()
    await talk.answer()
    await talk.hears(900)
    beeps = Ear(talk, BEEP)
    await far.over()
    await talk.over()
    assert 4 <= time.monotonic() - begun <= 7.5
    assert beeps.times == 0
    assert 59 <= (await _used(pbx))["1001"]["seconds"] <= 61


async def test_calls_that_run_are_left_alone_if_the_operator_wants_it(pbx: TestPbx) -> None:
    limits = "- {name: short, extensions: 1001, minutes: 1}\n- {name: line, trunks: siptrunk, minutes: 1}"
    carrier, (one, two) = await _house(pbx, limits, "1001", "1002", spending=", cut: off, warning: 2")
    await _spend(pbx, "1001", seconds=57)
    call, far = await _out(one, carrier)
    await pbx.client.ok("extension/update", {"number": "1002", "maxduration": "2"})
    other, _ = await _out(two, carrier)
    beeps = Ear(call, BEEP)
    await other.over()  # by the longest duration of his own calls

    async def used() -> int:
        return int((await _used(pbx))["1001"]["seconds"])

    while await used() < 62:
        assert call.is_up
        await asyncio.sleep(0.2)
    await call.hears(900)
    await far.hears(440)
    assert beeps.times == 0
    assert await _refused(pbx, one) == "NO Outbound Restriction", "but for new ones"
    assert call.is_up
    await call.hangup()
    await far.over()
    await pbx.quiet()
    assert await used() >= 62, "it is counted to its end"


async def test_who_goes_on_by_himself_is_counted(pbx: TestPbx) -> None:
    """Whom an application or a room has called stays when what called him is gone."""
    await pbx.prompt("low", 500, 2.0)
    carrier, (one,) = await _house(pbx, "- {name: short, extensions: 1001, minutes: 1}")
    await pbx.apply(
        "conferences: [{number: 6400, name: Room, allowinvite: yes, announcements: off, musiconhold: no}]"
    )
    await _spend(pbx, "1001", seconds=56)
    body = {"number": NUMBER, "prompt": "low", "count": "5", "dialpermission": "1001"}
    await pbx.client.ok("call/playprompt", body)
    heard = await carrier.incoming()
    await heard.answer()
    await heard.hears(500)
    room = await one.call("6400")
    await room.answered()
    await room.rtp.press("#")
    await room.rtp.press(f"{NUMBER}#")
    invited = await carrier.incoming()
    await invited.answer()
    await eventually(lambda: heard.ended and invited.ended, "both are cut when the minute is used up")
    assert room.is_up
    assert (await _used(pbx))["1001"]["seconds"] >= 58
    await room.hangup()


async def test_at_once_and_where_to(pbx: TestPbx) -> None:
    limits = "- {name: some, extensions: 1001, simultaneous: 1, allow: [43, 49], deny: [43900, 49900]}"
    carrier, (one, two) = await _house(pbx, limits, "1001", "1002")
    call, far = await _out(one, carrier)
    # passed on, it still counts for who made it
    assert await call.refer("1002") == 202
    talk = await two.incoming()
    await talk.answer()
    await far.hears(570)
    assert await _refused(pbx, one) == "Circuit/channel congestion"
    await talk.hangup()
    await far.over()
    plus = {"name": "plus", "prefix": "+X.", "trunks": "siptrunk", "extensions": "1001"}
    await pbx.client.ok("outroute/add", plus)
    for number in ("9030123", "+493012", "9004930123", "90043555"):
        call = await one.call(number)
        far = await carrier.incoming()
        await far.refuse(486)
        assert await call.refused() == 486
    await pbx.quiet()
    for number in ("9001555123", "90043900123", "+1555123", "+49900123", "90900123"):
        assert await _refused(pbx, one, number) == "NO Outbound Restriction"
    assert len(carrier.calls) == 5


async def test_night_stop_and_emergency(pbx: TestPbx) -> None:
    limits = """\
- {name: day, extensions: 1001, calls: 100}
- {name: night, others: on, timecondition: nights, barred: on}
- {name: porter, extensionsgroup: door, timecondition: nights, calls: 100}
extensiongroups: [{name: door, members: [1002]}]
timeconditions: [{name: nights, times: "*"}]
"""
    carrier, (one, two) = await _house(pbx, limits, "1001", "1002", spending=", emergency: [112]")
    assert await _refused(pbx, one) == "NO Outbound Restriction"
    running, far = await _out(two, carrier)
    emergency, help_ = await _out(one, carrier, "9112")
    assert (await pbx.admin("POST", "/spending/stop", {"endcalls": True}))["ended"] == 1
    await running.over()
    await far.over()
    assert await _refused(pbx, two) == "NO Outbound Restriction"
    assert help_.is_up
    await emergency.hangup()
    more, _ = await _out(two, carrier, "9112")
    await more.hangup()
    await pbx.admin("POST", "/spending/resume", status=204)
    call, _ = await _out(two, carrier)
    await call.hangup()


async def test_it_holds_while_offhook_is_away_and_over_a_crash(pbx: TestPbx) -> None:
    carrier, (one,) = await _house(pbx, "- {name: few, extensions: 1001, calls: 3, minutes: 10}")

    async def meanwhile() -> None:
        for _ in range(2):
            call, _far = await _out(one, carrier)
            await call.hangup()

    await pbx.restart_control(meanwhile)
    assert (await _used(pbx))["1001"]["calls"] == 2
    await _out(one, carrier)

    def kept() -> bool:
        path = pbx.settings.data / "asterisk/var/astdb.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT value FROM astdb WHERE key = '/offhook-spent/1001'").fetchall()
        return bool(rows) and rows[0][0].split("-")[1] == "3"

    await eventually(kept, "the engine has written its database, as it does each second")
    pid = engine_pid(pbx.settings.data)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not pbx.pbx.switch.healthy, "the engine is gone")
    await eventually(lambda: pbx.pbx.switch.healthy, "the engine is back", 30)
    await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))
    assert await one.register() == 200
    assert await _refused(pbx, one) == "NO Outbound Restriction"
    # the call that was lost counts until then, and is no more among those that run
    used = (await _used(pbx))["1001"]
    assert used["running"] == 0
    assert used["seconds"] <= 10


async def test_the_operator_is_told_once(pbx: TestPbx) -> None:
    carrier, (_, one) = await _house(pbx, "- {name: few, extensions: 1007, calls: 5}", "1001", "1007")
    await _spend(pbx, "1007", calls=3)
    call, _ = await _out(one, carrier)
    await call.hangup()
    await pbx.pbx.protection.spending.look()
    await pbx.pbx.protection.spending.look()

    near, full = "spending:1007:calls-80", "spending:1007:calls"
    assert await _alarms(pbx) == {near: 1}
    call, _ = await _out(one, carrier)
    await call.hangup()
    for _ in range(2):
        await _refused(pbx, one)
    await pbx.pbx.protection.spending.look()
    assert await _alarms(pbx) == {near: 1, full: 1}
    await pbx.admin("DELETE", "/spending/1007", status=204)
    await pbx.pbx.protection.spending.look()
    assert await _alarms(pbx) == {}


async def _alarms(pbx: TestPbx) -> dict[str, int]:
    """The alarms of limits that last, and how often each was raised; what was begun is written first."""
    await pbx.pbx.protection.alarms._tasks.finish()
    items = (await pbx.admin("GET", "/alarms"))["items"]
    return {
        one["key"]: one["count"] for one in items if one["key"].startswith("spending:1007:") and one["active"]
    }


async def _spend(pbx: TestPbx, who: str, *, calls: int = 0, seconds: int = 0) -> None:
    """As if so much was used today."""
    value = f"{datetime.now(UTC):%Y%m%d}-{calls}-{seconds}-0-0"
    await pbx.pbx.switch.act(actions.DBPut(family=SPENT, key=who, val=value))
