"""Endpoints that act on calls under hostile requests, with the engine; see tests.contract.test_fuzz_api."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from offhook.areas.access.sessions import key_of
from offhook.contract.endpoint import Endpoint
from offhook.contract.scopes import ENDPOINTS, Scope
from tests.support.hostile_requests import Complaints, Sent, requests_to, sent_to, wrong_in
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.switchboard import rows_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = 6
LIVE = [
    *sorted(ENDPOINTS[Scope.CONTROL]),
    "call/query",
    "call/callpark_status",
    "conference/query_in_session",
    "instant_conference/query",
    "extension/query_call",
    "queue/query_status",
]


async def test_hostile_requests_about_calls(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    await pbx.apply("queues: [{number: '6700', queuename: q, agents: '1001'}]")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    call = await one.call("1001")
    await (await two.incoming()).ring()
    callid = await pbx.call_id()
    complaints = Complaints()
    logging.getLogger("offhook").addHandler(complaints)
    engine = pbx.pbx.engine
    loop = asyncio.get_running_loop()
    try:
        for path in LIVE:
            endpoint = pbx.pbx.registry.get(path)
            assert endpoint is not None, path
            await asyncio.to_thread(_attack, pbx, endpoint, loop, callid)
            assert not complaints.lines, path
        assert engine.alive
    finally:
        logging.getLogger("offhook").removeHandler(complaints)
    await call.hangup()
    await pbx.client.post("call/hangup", {"extid": "all"})
    await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls have ended", 30)


def _attack(pbx: TestPbx, endpoint: Endpoint[Any, Any], loop: asyncio.AbstractEventLoop, callid: str) -> None:
    def do(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    _, tokens = do(pbx.core.sessions.begin("127.0.0.1", ""))
    assert pbx.core.sessions.alive(key_of(tokens.token))

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_to(endpoint, also=(callid,)))
    def one(sent: Sent) -> None:
        before = do(rows_of(pbx.core.store, settings_only=True))
        head, body = do(sent_to(pbx.settings.http_port, endpoint, sent, tokens.token))
        assert not (wrong := wrong_in(endpoint, sent, head, body)), f"{endpoint.path} {sent}: {wrong}"
        if b'"status":"Failed"' in body[:20]:
            assert do(rows_of(pbx.core.store, settings_only=True)) == before, f"{endpoint.path} {sent}"

    one()
