"""Values that would be dialplan are data at the running engine: nothing of them is carried out.

The canary is an entry of the engine's own database. Each value holds a call of a function that is loaded and
would delete it, in some form in which a value could leave its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from offhook.asterisk.ami import actions
from offhook.asterisk.switch import SwitchError
from offhook.store.unit import UnitOfWork
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually
from tests.support.story import phones

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FAMILY, _KEY = "offhook-canary", "bird"
_KILL = "DB_DELETE(offhook-canary/bird)"
FORMS = (
    f"${{{_KILL}}}",
    f"$[${{{_KILL}}}]",
    f'" = ""]?x) & ${{{_KILL}}}',
    f"),Set(X=${{{_KILL}}}",
    f"|${{{_KILL}}}|",
    f"\\${{{_KILL}}}",
    f"a;${{{_KILL}}}",
    f"]${{{_KILL}}}[",
    f"^${{{_KILL}}}^",
    f"${{EVAL(${{{_KILL}}})}}",
    f"${{${{{_KILL}}}}}",
    f"%24%7b{_KILL}%7d",
    f"',${{{_KILL}}}--",
)
HOSTILE = st.builds(
    "{}{}{}".format,
    st.text("ab\"'\\,;()[]{}&|", max_size=3),
    st.sampled_from(FORMS),
    st.text('])}"', max_size=2),
)
"""Values with a call in them."""


async def _alive(pbx: TestPbx) -> bool:
    found = await pbx.pbx.switch.items(actions.DBGet(family=_FAMILY, key=_KEY))
    return bool(found)


_TEXTS = {
    "extensions": "username",
    "trunk_dods": "name",
    "queues": "queuename",
    "ivrs": "ivrname",
    "ringgroups": "name",
    "conferences": "name",
    "disas": "name",
    "outroutes": "name",
    "calllimits": "name",
    "mailboxes": "address",
}
"""Columns whose text people choose freely. Numbers, patterns and passwords are digits by their rules."""


async def _store(pbx: TestPbx, value: str) -> int:
    """Write the value past every rule into all of them; how many rows have it."""

    def work(unit: UnitOfWork) -> int:
        return sum(
            unit.connection.exec_driver_sql(f"UPDATE {table} SET {column} = ?", (value,)).rowcount
            for table, column in _TEXTS.items()
        )

    return await pbx.core.store.write("test: hostile values", work)


async def _is_over(call: Call, callee: Phone) -> None:
    """Wait until the call is refused, answered or rings at the callee, and end it."""

    def rings() -> list[Call]:
        return [one for one in callee.calls if one.incoming and not one.taken]

    await eventually(
        lambda: call.ended or 200 in call.statuses or rings() or call.statuses[-1] >= 400, "it goes on"
    )
    if rings():
        await (await callee.incoming()).refuse(486)
    if not call.ended and call.statuses[-1] < 400:
        await call.hangup()


_HOUSE = """\
outroutes: [{name: out, prefix: 9X., strip: 1, trunks: near, extensions: "1000,1002"}]
disa: [{name: remote, password: '4711'}]
calllimits: [{name: few, extensions: 1000, calls: 1000}]
ringgroups: [{number: 6200, name: Group, members: 1001}]
queues: [{number: 6700, queuename: Help, agents: 1001}]
conferences: [{number: 6400, name: Room}]
ivrs: [{number: 6500, ivrname: Menu, responsetimeout: 1}]
mailboxes: [{extension: 1001}]
spending: {announce: off}
inroutes:
- {name: one, did: '1', trunks: near, desttype: extension, dest: 1000}
- {name: disa, did: '2', trunks: near, desttype: disa, dest: remote}
"""


async def test_no_stored_value_and_no_header_is_carried_out(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    carrier = await pbx.carrier()
    trunk = await pbx.trunk(carrier, "near")
    await pbx.apply(_HOUSE)
    dod = {"id": trunk, "trunktype": "peer", "extensionsdod": "5503301-a-1002"}
    await pbx.client.ok("trunk/update_siptrunk", dod)
    canary = actions.DBPut(family=_FAMILY, key=_KEY, val="1")
    await pbx.pbx.switch.act(canary)
    taken = rang = 0

    async def attack(value: str) -> None:
        nonlocal taken, rang
        taken += await _store(pbx, value)
        shown = json.dumps(value)
        headers = [
            ("x-value", value),
            ("p-asserted-identity", f"{shown} <sip:1@127.0.0.1>"),
            ("subject", value),
        ]
        for did in ("1", "2"):
            caller = await carrier.call_in(did, shown=f"{shown} <sip:77@127.0.0.2>", headers=headers)
            await _is_over(caller, one)
        three.display = json.dumps(value)[1:-1]
        for phone, number in (
            (one, "9004912"),
            (three, "9004912"),
            (one, "6200"),
            (one, "6700"),
            (one, "6500"),
        ):
            before = len(two.calls) + len(carrier.calls)
            call = await phone.call(number, headers)
            await _is_over(call, carrier if number[0] == "9" else two)
            rang += len(two.calls) + len(carrier.calls) > before
        assert await _alive(pbx), f"carried out: {value}"

    loop = asyncio.get_running_loop()

    @seed(6)
    @settings(max_examples=len(FORMS), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(HOSTILE)
    def all_of_it(value: str) -> None:
        asyncio.run_coroutine_threadsafe(attack(value), loop).result(30)

    try:
        await asyncio.to_thread(all_of_it)
    finally:
        with contextlib.suppress(SwitchError):
            await pbx.pbx.switch.act(actions.DBDel(family=_FAMILY, key=_KEY))
    assert taken >= len(_TEXTS) * len(FORMS)
    assert rang >= 3 * len(FORMS), "the calls were made"
