"""A call's record as a file, fetched over HTTP as applications do it (spec 10-records)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.pbx import Json, TestPbx
from tests.support.phone import eventually
from tests.support.records import HEADING

pytestmark = pytest.mark.asyncio(loop_scope="session")

# as the event spells them
FIELDS = (
    *("callid", "timestart", "callfrom", "callto", "callduraction", "talkduraction", "srctrunkname"),
    *("dsttrcunkname", "status", "type", "pincode", "recording", "didnumber", "sn"),
)
DOCUMENT = "inroutes: [{name: in, did: 5503301, trunks: siptrunk, desttype: extension, dest: 1771}]"


def _line(event: Json) -> str:
    return ",".join(event[name] for name in FIELDS)


async def _file(pbx: TestPbx, number: str) -> list[str]:
    now = datetime.now(UTC)
    span = {
        "starttime": f"{now - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}",
        "endtime": f"{now:%Y-%m-%d %H:%M:%S}",
    }
    answer = await pbx.client.ok("cdr/get_random", {"number": number, **span})
    assert answer.pop("status") == "Success"
    assert list(answer) == ["number", "starttime", "endtime", "random"]
    body, headers = await pbx.client.download("cdr/download", **answer)
    if headers["Content-Type"] == "application/json":
        return [json.loads(body)["errno"]]
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="cdr.csv"'
    again, _ = await pbx.client.download("cdr/download", **answer)
    assert json.loads(again)["errno"] == "20020"
    heading, *lines = body.decode().split("\n")
    assert heading == HEADING
    return lines


async def test_the_record_of_a_call_is_downloaded_as_it_was_told(pbx: TestPbx) -> None:
    await pbx.extension("1770")
    await pbx.extension("1771")
    await pbx.extension("1772")
    one, two = await pbx.phone("1770"), await pbx.phone("1771")
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(DOCUMENT)
    for number in ("1770", "1771"):
        await pbx.client.ok("extension/update", {"number": number, "noanswerforward": "off"})
    two.auto_answer = True
    inside = await one.call("1771")
    await inside.answered()
    await inside.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 1, "the first record")
    two.forget_calls()
    outside = await carrier.call_in("5503301")
    await outside.answered()
    await outside.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "the second record")
    first, second = (_line(event) for event in pbx.receiver.named("NewCdr"))
    assert await _file(pbx, "1771") == [first, second]
    assert await _file(pbx, "1770") == [first]
    assert await _file(pbx, "1770, 1771") == [first, second]
    assert await _file(pbx, "1772") == ["20021"]
    assert [line for line in await _file(pbx, "all") if line in {first, second}] == [first, second]
    (call,) = (await pbx.admin("GET", "/records?number=5503301&limit=1"))["items"]
    legs = (await pbx.admin("GET", f"/records/{call['callid']}"))["legs"]
    assert [(leg["extension"], leg["trunk"]) for leg in legs] == [("", "siptrunk"), ("1771", "")]
