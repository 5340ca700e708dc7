"""Events over TCP at a running PBX, and the change from one way of pushing to the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.pbx import Receiver, TestPbx, free_port, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOGIN = "Action: login\r\nUsername: api\r\nSecret: {}\r\nVersion: 2.0.0\r\n\r\n"


class TcpClient:
    """An application on the event port; `events` in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.over = False

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Read until the other side closes."""
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self.events.append(json.loads(line))
        self.over = True


@contextlib.asynccontextmanager
async def tcp_client(port: int, *, tls: bool = False) -> AsyncIterator[TcpClient]:
    """A client that is logged in."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(LOGIN.format("ApiTest2019").encode())
    assert await asyncio.wait_for(reader.readline(), 5) == b"Login Success\r\n"
    client = TcpClient()
    task = asyncio.create_task(client.run(reader))
    try:
        yield client
    finally:
        writer.transport.abort()
        await asyncio.gather(task, return_exceptions=True)


async def refused(port: int, secret: str) -> bytes:
    """What a login says that is not let in; empty where the connection was closed at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LOGIN.format(secret).encode())
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def call(pbx: TestPbx) -> str:
    """A short call from 1000 to 1001; its callid."""
    caller, callee = await pbx.phone("1000"), await pbx.phone("1001")
    mine = await caller.call("1001")
    theirs = await callee.incoming()
    callid = await pbx.call_id()
    await theirs.answer()
    await mine.answered()
    await mine.hangup()
    await eventually(lambda: not pbx.core.records.open_calls(), "the record is written")
    return callid


async def test_one_way_of_pushing_at_a_time(pbx: TestPbx) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    port, away = free_port(), free_port()
    tokens = pbx.client.token
    await pbx.client.login(version="2.0.0", port=str(away))  # a receiver that is not there yet
    owed = await call(pbx)
    await pbx.receiver.cdr(owed)
    try:
        await pbx.apply(f"api: {{report_method: TCP, event_port: {port}}}")
        assert (await pbx.client.login(version="2.0.0", port=str(away)))["transport"] == "TCP"
        async with tcp_client(port) as plain, tcp_client(port, tls=True) as secret:
            pbx.receiver.clear()
            callid = await call(pbx)
            for client in (plain, secret):
                await eventually(lambda c=client: c.events and c.events[-1]["event"] == "NewCdr", "all came")  # type: ignore[misc]
                mine = [event for event in client.events if event.get("callid") == callid]
                assert steps(mine) == [
                    "CallStatus 1000 ALERT, 1001 RING",
                    "CallStatus 1000 ANSWERED, 1001 ANSWER",
                    "CallStatus 1000 BYE",
                    "CallStatus 1001 BYE",
                    "NewCdr 1000 1001 ANSWERED Internal",
                ]
            assert pbx.receiver.events == []
            await pbx.apply("tcppush: {tls: on}")
            await eventually(lambda: plain.over and secret.over, "who was there logs in again")
            assert await refused(port, "ApiTest2019") == b""
            async with tcp_client(port, tls=True) as secret:
                await pbx.admin("PATCH", "/api", {"report_method": "HTTP"})
                await eventually(lambda: secret.over, "TCP has ended")
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection("127.0.0.1", port)
        assert (await pbx.client.login(version="2.0.0", port=str(away)))["transport"] == "HTTP"
        late = Receiver()
        await late.start(away)
        assert (await late.cdr(owed, 15))["callid"] == owed
        again = await call(pbx)
        await pbx.receiver.cdr(again)
        await late.cdr(again)
        assert [event["callid"] for event in late.named("NewCdr")] == [owed, again]
        await late.close()
    finally:
        await pbx.apply("{api: {report_method: HTTP}, tcppush: {tls: both}}")
        pbx.client.token = tokens


async def test_a_port_that_cannot_be_opened_is_an_alarm(pbx: TestPbx) -> None:
    def active() -> set[str]:
        return {key for key, on in told.items() if on}

    told: dict[str, bool] = {}
    try:
        await pbx.admin("PATCH", "/api", {"report_method": "TCP", "event_port": pbx.settings.http_port})
        answer = await pbx.admin("GET", "/api")
        assert (answer["report_method"], answer["event_port"]) == ("TCP", pbx.settings.http_port)
        for wanted in (True, False):
            async with asyncio.timeout(5):
                while ("eventport" in active()) is not wanted:
                    items = (await pbx.admin("GET", "/alarms"))["items"]
                    told = {item["key"]: item["active"] for item in items}
            port = free_port()
            await pbx.admin("PATCH", "/api", {"event_port": port})
            async with tcp_client(port):
                pass
    finally:
        await pbx.admin("PATCH", "/api", {"report_method": "HTTP"})


async def test_wrong_logins_lock_the_address(pbx: TestPbx) -> None:
    port = free_port()
    await pbx.apply(f"api: {{report_method: TCP, event_port: {port}}}")
    try:
        for _ in range(5):
            assert await refused(port, "wrong") == b"Login Failed\r\n"
        assert await refused(port, "ApiTest2019") == b"Login Failed\r\n"
        assert (await pbx.client.login())["errno"] == "20002"
        await pbx.core.lockout.release("127.0.0.1")
        async with tcp_client(port) as client:
            await pbx.core.api_settings.change(password_derived="")
            await eventually(lambda: client.over, "another account ends what the last one began")
    finally:
        await pbx.core.lockout.release("127.0.0.1")
        derived = await asyncio.to_thread(pbx.core.api_settings.derive, "ApiTest2019")
        await pbx.core.api_settings.change(password_derived=derived, report_method="HTTP")
        await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))
