"""What carriers send and callers key in is data: names and numbers of callers, called numbers, many keys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.asterisk.ami import actions
from offhook.asterisk.static import AMI_USER
from tests.support.engine_log import EngineLog, engine_log
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def log(pbx: TestPbx) -> AsyncIterator[EngineLog]:
    """What the engine says during the test."""
    port, secret = pbx.pbx.engine.ami
    async with engine_log(port, AMI_USER, secret, pbx.settings.data / "cel" / "cel.json") as log:
        yield log


INJECTED = (
    "1%0d%0a%0d%0aEvent%3a%20UserEvent%0d%0aUserEvent%3a%20OffhookFeature%0d%0aFeature%3a%20dnd%0d%0a"
    "Extension%3a%201000%0d%0aArgument%3a%20%0d%0aChannel%3a%20x"
)
"""A caller whose number would be an event of the engine that switches do not disturb on."""

FROMS = (
    ('"${EPOCH} $[1+1] ${SHELL(id)}" <sip:123@127.0.0.2>', "123", "${EPOCH} $[1+1] ${SHELL(id)}"),
    ('"Lee, Ann & | ; %s <script>" <sip:123@127.0.0.2>', "123", "Lee, Ann & | ; %s <script>"),
    ('"a\\"b\\\\c" <sip:123@127.0.0.2>', "123", None),
    ('"\\"x" <sip:123@127.0.0.2>', "123", None),
    ('"ünï 日本 \u202e \U0001f4de" <sip:+123@127.0.0.2>', "+123", "ünï 日本 \u202e \U0001f4de"),
    (f'"{"x" * 1500}" <sip:123@127.0.0.2>', "123", None),
    (f"<sip:{INJECTED}@127.0.0.2>", None, None),
    (f'"{"x" * 5000}" <sip:{INJECTED}@127.0.0.2>', None, None),
    ("<sip:%24%7bEPOCH%7d@127.0.0.2>", "anonymous", None),
    ("<sip:1%22%5c%24%5b1%2b1%5d@127.0.0.2>", "11+1", None),
    ("<sip:%2b49123;isub=99@127.0.0.2;user=phone>", "+49123", None),
    (f"<sip:{'9' * 200}@127.0.0.2>", None, None),
    ('"Anonymous" <sip:anonymous@anonymous.invalid>', "anonymous", "Anonymous"),
    ("<sip:127.0.0.2>", "anonymous", None),
    ("<tel:+4930123>", "+4930123", None),
    ("sip:77@127.0.0.2", "77", None),
)
"""From headers, the number that may be told of each (None: any), and the name that the phone has to show."""


async def test_who_calls_over_a_trunk_is_data(pbx: TestPbx, log: EngineLog) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    await pbx.client.ok("inroute/add", route)
    asserted = [("P-Asserted-Identity", '"${EPOCH}" <sip:666@h>'), ("Remote-Party-ID", "<sip:667@h>")]
    await pbx.quiet()
    for shown, number, name in FROMS:
        pbx.receiver.clear()
        call = await carrier.call_in("5503301", shown=shown, headers=asserted)
        incoming = await one.incoming()
        assert name is None or incoming.shown.startswith(f'"{name}" <'), (shown, incoming.shown)
        await incoming.answer()
        await call.answered()
        await call.hangup()
        await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
        await pbx.quiet(still=0.05)
        told = pbx.receiver.named("NewCdr")[0]["callfrom"]
        members = [event["members"][0] for event in pbx.receiver.named("CallStatus")]
        assert {member["inbound"]["from"] for member in members if "inbound" in member} == {told}
        assert re.fullmatch("[0-9+*#]+|anonymous", told), shown
        assert told == number or number is None, shown
        events = re.sub(r"'(callid|sn)': '[^']*'", "", str(pbx.receiver.events))  # digits by chance
        assert not re.search(r"666|667|EPOCH|script|SHELL|Feature", events), shown
    assert all("Privilege" in event for event in log.events), "an event of the carrier's making"
    assert not log.told("OffhookFeature")
    extension = (await pbx.client.ok("extension/query", {"number": "1000"}))["extinfos"][0]
    assert extension["dnd"] == "off"


CALLED = (
    "1%0d%0aLinkedid%3a%201.1",
    "%24%7bEPOCH%7d",
    "1%22%5c%24%5b1%2b1%5d",
    "..%2f..%2fetc",
    "offhook-failed",
    "s,1",
    "9" * 200,
    "h",
    "known",
    "i",
    "acct%00",
    "1;phone-context=x",
)


async def _decided(call: Call) -> None:
    await eventually(lambda: any(status >= 180 for status in call.statuses), "it is refused, or rings")


async def test_what_a_carrier_calls_is_data(pbx: TestPbx, log: EngineLog) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    route = {"name": "in", "did": "1X.", "trunks": "siptrunk", "desttype": "extension", "dest": "1000"}
    await pbx.client.ok("inroute/add", route)
    for did in CALLED:
        call = await carrier.call_in(did)
        assert await call.refused() in {400, 404, 416, 484}, did
        # and in To, where the request names nobody
        call = await carrier.call_in("", to=did)
        await _decided(call)
        await call.hangup()
    await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls have ended")
    await pbx.quiet()
    assert all("Privilege" in event for event in log.events), "an event of the carrier's making"
    assert all(re.fullmatch("[0-9+*#]*", cdr["didnumber"]) for cdr in pbx.receiver.named("NewCdr"))
    one.forget_calls()
    call = await carrier.call_in("12345")
    await (await one.incoming()).answer()
    await call.answered()
    await call.hangup()


FLOOD = "0123456789*#ABCD" * 20


async def test_floods_of_keys_open_nothing(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(
        """
outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}]
disa: [{name: remote, password: "471147114711", digittimeout: 1, responsetimeout: 1, outroutes: out}]
conferences: [{number: 6400, name: R, participantepassword: "471147114711", announcements: off}]
ivrs: [{number: 6500, ivrname: I, promptrepeat: 1, responsetimeout: 1, digittimeout: 1}]
inroutes:
- {name: d, did: "1", trunks: siptrunk, desttype: disa, dest: remote}
- {name: c, did: "2", trunks: siptrunk, desttype: conference, dest: 6400}
- {name: i, did: "3", trunks: siptrunk, desttype: ivr, dest: 6500}
"""
    )
    calls: list[Call] = [await carrier.call_in(did) for did in ("1", "2", "3")]
    for call in calls:
        await call.answered()
        call.rtp.flood(FLOOD)
    await asyncio.gather(*(call.over() for call in calls))
    await pbx.quiet()
    assert not [call for call in carrier.calls if call.incoming], "nobody is called"
    assert not await pbx.pbx.switch.items(actions.ConfbridgeListRooms())
    told = steps(pbx.receiver.named("DTMF"))
    assert all("/6500" in step for step in told), "keys of a password are never told"
    assert len(pbx.receiver.named("NewCdr")) == 3
