"""Bad input of call/* gets its errno at once and calls nobody (spec 13-call)."""

from __future__ import annotations

import pytest

from tests.support.contract import CONTRACT
from tests.support.pbx import Json, TestPbx, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_endpoint_of_the_contract_is_served_and_no_other(pbx: TestPbx) -> None:
    older = {"paginggrouplist/query"}  # the index of chapter 00 names it as an older path
    assert {endpoint.path for endpoint in pbx.pbx.registry} == CONTRACT.keys() | older


@pytest.mark.parametrize(
    ("body", "errno"),
    [
        ({}, "20007"),
        ({"caller": "1000"}, "10004"),
        ({"callee": "1001"}, "10004"),
        ({"caller": "", "callee": "1001"}, "10004"),
        ({"caller": "1000", "callee": " "}, "10004"),
        ({"caller": "1999", "callee": "1001"}, "10006"),
        ({"caller": "10x0", "callee": "1001"}, "10006"),
        ({"caller": "1000\r\nApplication: System", "callee": "1001"}, "10006"),
        ({"caller": "1000", "callee": "1001,1,x"}, "10031"),
        ({"caller": "1000", "callee": "1001\r\nVariable: x=y"}, "10031"),
        ({"caller": "1000", "callee": "9" * 32}, "10031"),
        ({"caller": "1000", "callee": "1999"}, "10100"),
        ({"caller": "1000", "callee": "*2"}, "10100"),
        ({"caller": "1999", "callee": "1001", "dialpermission": "1000"}, "10100"),
        ({"caller": "1000", "callee": "1999", "dialpermission": "none"}, "10100"),
        ({"caller": "1000", "callee": "1000"}, "10101"),
        ({"caller": "1000", "callee": "1001", "autoanswer": "maybe"}, "10004"),
    ],
)
async def test_dial(pbx: TestPbx, body: Json, errno: str) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    phone = await pbx.phone("1000")
    assert await pbx.client.errno("call/dial", body) == errno
    assert not pbx.core.records.open_calls()
    assert not phone.calls


@pytest.mark.parametrize(
    ("body", "errno"),
    [
        ({}, "10004"),
        ({"callid": ""}, "10004"),
        ({"type": "sideways"}, "10004"),
        ({"callid": "1571386069.8"}, "10005"),
        ({"callid": "x"}, "10005"),
        ({"callid": "1571386069.8", "type": "inbound"}, "10005"),
    ],
)
async def test_query(pbx: TestPbx, body: Json, errno: str) -> None:
    assert await pbx.client.errno("call/query", body) == errno


async def test_query_of_a_direction_without_calls(pbx: TestPbx) -> None:
    for direction in ("inbound", "outbound"):
        assert await pbx.client.post("call/query", {"type": direction}) == {"status": "Success", "Calls": []}


@pytest.mark.parametrize(
    ("body", "errno"),
    [
        ({}, "20007"),
        ({"channelid": ""}, "10004"),
        ({"channelid": "PJSIP/1000-ffffffff"}, "10103"),
        ({"channelid": "/.*/"}, "10103"),
        ({"channelid": "PJSIP/1000-00000000\r\nCause: 1"}, "10103"),
    ],
)
async def test_hangup(pbx: TestPbx, body: Json, errno: str) -> None:
    assert await pbx.client.errno("call/hangup", body) == errno


async def test_hanging_up_a_call_that_has_just_ended_is_an_ordinary_answer(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    call = await one.call("1001")
    await (await two.incoming()).answer()
    await call.answered()
    await eventually(lambda: "ANSWER" in str(pbx.receiver.events), "the talk is told")
    callid = await pbx.call_id()
    (found,) = (await pbx.client.ok("call/query", {"callid": callid}))["Calls"]
    assert list(found) == ["members", "callid"]
    channelid = found["members"][0]["ext"]["channelid"]
    assert await pbx.client.ok("call/hangup", {"channelid": channelid}) == {
        "status": "Success",
        "callid": callid,
    }
    await eventually(lambda: not pbx.pbx.live.picture.calls, "it ended")
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    byes = [text for text in steps(pbx.receiver.events) if "BYE" in text]
    assert byes == ["CallStatus 1000 BYE", "CallStatus 1001 BYE"], "the one hung up goes first"
    assert await pbx.client.errno("call/hangup", {"channelid": channelid}) == "10103"
    assert await pbx.client.errno("call/query", {"callid": callid}) == "10005"


async def test_a_callid_may_come_as_a_bare_number(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    callid = (await pbx.client.ok("call/dial", {"caller": 1000, "callee": 1001}))["callid"]
    await (await one.incoming()).answer()
    await two.incoming()
    async with pbx.client._http.post(
        f"{pbx.client.base}/api/v2.0.0/call/query?token={pbx.client.token}", data=f'{{"callid": {callid}}}'
    ) as response:
        assert callid in await response.text()


async def test_an_unregistered_or_busy_engine_is_never_success(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    switch = pbx.pbx.switch
    await switch.close()
    try:
        assert await pbx.client.errno("call/dial", {"caller": "1000", "callee": "1001"}) == "30002"
        assert not pbx.core.records.open_calls()
    finally:
        switch.start()
        await switch.wait_healthy(20)


async def test_a_further_port_serves_the_same(pbx: TestPbx) -> None:
    (port,) = pbx.settings.extra_http_ports
    for scheme in ("http", "https"):
        url = f"{scheme}://127.0.0.1:{port}/api/v2.0.0/extension/list?token={pbx.client.token}"
        async with pbx.client._http.post(url) as response:
            assert "Success" in await response.text()
