"""The main job on real input: SIPp and baresip call, an application logs in, dials, and gets every event."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.support.pbx import STRONG, Receiver, TestPbx, steps
from tests.support.phone import eventually
from tests.support.process import up_process
from tests.support.useragents import baresip, sipp_call, sipp_phone

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERED = [
    "CallStatus 1000 ALERT",
    "1000 Ringing",
    "1000 Busy",
    "CallStatus 1000 ALERT, 1001 RING",
    "1001 Ringing",
    "CallStatus 1000 ANSWERED, 1001 ANSWER",
    "1001 Busy",
    "CallStatus 1000 BYE",
    "CallStatus 1001 BYE",
    "1000 Registered",
    "1001 Registered",
    "NewCdr 1000 1001 ANSWERED Internal",
]


async def test_sipp_calls_sipp(pbx: TestPbx, tmp_path: Path) -> None:
    await pbx.extension("1002")
    await pbx.extension("1003")
    async with sipp_phone(tmp_path, "1003", STRONG, pbx.registrar):
        await sipp_call(tmp_path, "1002", STRONG, "1003", pbx.registrar, 1000)
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert steps(pbx.receiver.events)[-1] == "NewCdr 1002 1003 ANSWERED Internal"
    assert "CallStatus 1002 ANSWERED, 1003 ANSWER" in steps(pbx.receiver.events)


async def test_baresip_over_tls_with_srtp(pbx: TestPbx, tmp_path: Path) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    accounts = [
        f"<sip:{number}@127.0.0.1:{pbx.settings.tls_port};transport=tls>;auth_pass={STRONG};answermode=auto;"
        "regint=60;mediaenc=srtp"
        for number in ("1000", "1001")
    ]
    async with baresip(tmp_path, accounts):
        await eventually(
            lambda: {"1000 Registered", "1001 Registered"} <= set(steps(pbx.receiver.events)),
            "both register",
            20,
        )
        await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"})
        await eventually(
            lambda: "CallStatus 1000 ANSWERED, 1001 ANSWER" in steps(pbx.receiver.events),
            "the call is up",
            15,
        )
        log = (tmp_path / "log").read_text(errors="replace")
        assert log.count("SRTP is Enabled") >= 2, "both legs are encrypted"
        calls = (await pbx.client.ok("extension/query_call", {"number": "1000"}))["calllist"]
        channelid = calls[0]["numbercalls"][0]["members"][0]["ext"]["channelid"]
        await pbx.client.ok("call/hangup", {"channelid": channelid})
        await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")


async def test_the_demonstration_as_a_newcomer_sees_it() -> None:
    receiver = Receiver()
    await receiver.start()
    async with up_process() as up:
        await up.start("--demo")
        client = await up.client()
        assert "1000 to 1009 are registered" in up.log
        login = await client.login(version="2.0.0", port=str(receiver.port))
        assert login["transport"] == "HTTP"
        callid = (await client.ok("call/dial", {"caller": "1000", "callee": "1001"}))["callid"]
        await eventually(
            lambda: "1001 Busy" in steps(receiver.events),
            f"the call is up, so far {steps(receiver.events)}",
            15,
        )
        (call,) = (await client.ok("call/query", {"callid": callid}))["Calls"]
        assert [next(iter(m.values()))["memberstatus"] for m in call["members"]] == ["ANSWERED", "ANSWER"]
        channelid = call["members"][0]["ext"]["channelid"]
        assert (await client.ok("call/hangup", {"channelid": channelid}))["callid"] == callid
        await receiver.cdr(callid)
        assert steps(receiver.events) == ANSWERED
        assert (await client.post("call/query", {"callid": callid}))["errno"] == "10005"
        groups = (await client.ok("extensiongroup/query", {"id": "all"}))["extgroupinfos"]
        assert groups[0]["members"] == "1000,1001,1002,1003,1004"
        assert len((await client.ok("companycontacts/query", {"id": "all"}))["companycontacts"]) == 3
        await client.close()
    await receiver.close()


async def test_only_monitored_extensions_tell_their_state(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    await pbx.core.apply.apply('api: {extension_monitors: "1001"}')
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await (await one.call("1001")).hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    assert two.calls
    told = {event["extension"] for event in pbx.receiver.named("ExtensionStatus")}
    assert told == {"1001"}
    await pbx.core.apply.apply("api: {extension_monitors: all}")


async def test_a_port_in_use_is_named() -> None:
    async with up_process() as up:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", up.http_port)
        with pytest.raises(
            AssertionError, match=f"HTTP port {up.http_port} .* choose another with --http-port"
        ):
            await up.start()
        server.close()
        await server.wait_closed()


async def test_the_commands_of_an_operator() -> None:
    async with up_process() as up:
        document = {
            "extensions": [
                {"number": "1000", "username": "Ann", "registername": "1000", "registerpassword": STRONG}
            ]
        }
        text = json.dumps(document)
        status, output = await up.command("apply", "-", "--dry-run", stdin=text)
        assert (status, "dry run" in output) == (0, True)
        assert "API:     api / " in output, "whatever the first command is, it shows the first passwords"
        await up.start()
        for done in ("Done.", "Nothing to change."):
            status, output = await up.command("apply", "-", stdin=text)
            assert (status, output.splitlines()[-1]) == (0, done)
        assert STRONG not in output
        status, output = await up.command("apply", "-", stdin='{"extensions": [{"number": "x"}], "typo": 1}')
        assert status == 1
        assert output.startswith("offhook apply:")
        client = await up.client()
        for _ in range(5):
            client.password = "wrong"
            assert (await client.login())["errno"] == "20003"
        client.password = "ApiTest2019"
        assert (await client.login())["errno"] == "20002"
        status, output = await up.command("api", "blocked")
        assert "API-IP  127.0.0.1" in output
        status, output = await up.command("api", "blocked", "--release", "127.0.0.1")
        assert (status, (await client.login())["status"]) == (0, "Success")
        assert [one["number"] for one in (await client.ok("extension/list"))["extlist"]] == ["1000"]
        await up.command("api", "identity", "--sn", "368193754239")
        assert (await client.ok("deviceinfo/query"))["deviceinfo"]["sn"] == "368193754239"
        status, output = await up.command(
            "api", "limits", "--max-extensions", "150", "--weak-passwords", "on"
        )
        assert (status, output.splitlines()[0]) == (0, "max_extensions 150")
        assert (await client.ok("deviceinfo/query"))["deviceinfo"]["extensionstatus"] == "1/150"
        os.environ["OFFHOOK_API_PASSWORD"] = "ApiTest2019"
        url = f"http://127.0.0.1:{up.http_port}"
        for body, expected in (('{"number": "1000"}', 0), ('{"number": "1"}', 1), ("{", 2)):
            status, output = await up.plain("request", "extension/query", body, "--url", url, "--port", "0")
            assert status == expected, output
            assert "ApiTest2019" not in output
        await up.command("api", "disable")
        assert (await client.post("extension/list"))["errno"] == "30003"
        await client.close()
