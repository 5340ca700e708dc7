"""The event feed and webhooks while calls run and the control plane restarts: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.support.pbx import TestPbx, free_port, steps
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
EXAMPLE = Path(__file__).parents[2] / "examples" / "feed.py"

CALL = [
    "CallStatus 1000 ALERT, 1001 RING",
    "CallStatus 1000 ANSWERED, 1001 ANSWER",
    "CallStatus 1000 BYE",
    "CallStatus 1001 BYE",
    "NewCdr 1000 1001 ANSWERED Internal",
]


class Told:
    """Events in the order in which somebody got them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def of(self, callid: str) -> list[str]:
        """The steps of a call."""
        return steps([event for event in self.events if event.get("callid") == callid])


async def printed(told: Told, process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        told.events.append(json.loads(line))


async def websocket(told: Told, base: str, token: str) -> None:
    """A client that comes back with the last id that it has."""
    last = ""
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                url = f"{base}/api/events?token={token}&after={last}"
                async with http.ws_connect(url) as socket:
                    async for message in socket:
                        event = json.loads(message.data)
                        told.events.append(event["event"])
                        last = event["id"]
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


async def test_nothing_is_lost_or_double_over_a_restart(pbx: TestPbx, tmp_path: Path) -> None:
    for number in ("1000", "1001"):
        await pbx.extension(number)
    caller, callee = await pbx.phone("1000"), await pbx.phone("1001")
    base, token = f"http://127.0.0.1:{pbx.settings.http_port}", pbx.client.token
    by_file, by_socket, by_hook = Told(), Told(), Told()

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        by_hook.events.append(json.loads(await request.read())["data"])
        return web.Response()

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await pbx.admin("POST", "/webhooks", {"name": "crm", "url": f"http://127.0.0.1:{port}/"}, status=201)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLE),
        str(tmp_path / "place"),
        "kinds=CallStatus,NewCdr",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OFFHOOK_URL": base, "OFFHOOK_API_KEY": token},
    )
    tasks = [
        asyncio.create_task(printed(by_file, process)),
        asyncio.create_task(websocket(by_socket, base, token)),
    ]
    try:
        await eventually(lambda: pbx.pbx.feed.streams == 2, "both read the feed")
        mine = await caller.call("1001")
        theirs = await callee.incoming()
        callid = await pbx.call_id()
        await theirs.answer()
        await eventually(lambda: len(by_file.of(callid)) == 2, "the answer is told")

        await pbx.restart_control()
        await mine.hangup()
        for told in (by_file, by_socket, by_hook):
            await eventually(lambda t=told: len(t.of(callid)) >= len(CALL), f"all is told: {told.events}", 15)  # type: ignore[misc]
            assert told.of(callid) == CALL
    finally:
        process.kill()
        await process.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pbx.apply("webhooks: []")
        await runner.cleanup()
