"""Watching a PBX from outside: metrics of real calls, who may read them, and whether calls can be made."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from offhook import health
from offhook.callstate.model import MemberStatus
from offhook.events import delivery
from offhook.health import Health
from offhook.logs import JsonFormatter
from tests.support.pbx import STRONG, Receiver, TestPbx, free_port
from tests.support.phone import eventually
from tests.support.waiting import eventually as soon

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORWARDED = {"X-Forwarded-For": "192.0.2.7"}
"""As a proxy on this machine asks for somebody else."""


async def _get(
    pbx: TestPbx, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, str]:
    url = f"http://127.0.0.1:{pbx.settings.http_port}{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers or {}) as answer:
        return answer.status, await answer.text()


async def _metrics(pbx: TestPbx) -> dict[str, float]:
    status, text = await _get(pbx, "/metrics")
    assert status == 200
    return {
        sample.name + "".join(f",{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_tell_of_calls_phones_records_events_and_processes(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    two.auto_answer = True
    before = await _metrics(pbx)
    call = await one.call("1001")
    await call.answered()
    await eventually(lambda: pbx.pbx.live.picture.calls, "the call is seen")
    during = await _metrics(pbx)
    assert (during["offhook_calls"], during["offhook_channels"]) == (1, 2)
    assert (during["offhook_contacts"], during["offhook_extensions_registered"]) == (2, 2)
    assert during["offhook_engine_up"] == during["offhook_ready"] == 1
    assert 0 < during["offhook_engine_latency_seconds"] < 2
    assert during["offhook_engine_process_open_fds"] > 10
    assert during["offhook_process_cpu_seconds_total"] > 0.1
    assert during["offhook_disk_free_bytes"] < during["offhook_disk_size_bytes"]
    assert during["offhook_build_info,0012,0.1.0"] == 1
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record is told")

    async def counted() -> bool:
        now = await _metrics(pbx)
        ended, told = "offhook_calls_ended_total,ANSWERED,Internal", "offhook_events_total,NewCdr"
        return (
            now["offhook_calls"] == now["offhook_records_open"] == 0
            and now[ended] == before.get(ended, 0) + 1
            and now[told] == before.get(told, 0) + 1
            and now["offhook_journal_last"] > before["offhook_journal_last"]
            and now["offhook_store_write_seconds_count"] > before["offhook_store_write_seconds_count"]
            and now["offhook_store_bytes"] + now["offhook_store_log_bytes"] > 100_000
        )

    for _ in range(100):
        if await counted():
            break
    assert await counted()
    _, text = await _get(pbx, "/metrics")
    for secret in ("User 1000", STRONG, pbx.client.token, str(pbx.settings.data)):
        assert secret not in text


async def test_an_alarm_is_a_metric_and_an_event_of_the_feed(pbx: TestPbx) -> None:
    journal, alarms = pbx.core.dispatcher.journal, pbx.pbx.messages.alarms
    seq = journal.last()
    pbx.core.records.violations += 1
    pbx.pbx.protection.watching.look()
    assert (await _metrics(pbx))["offhook_alarms_active,records"] == 1
    await soon(lambda: journal.last() > seq, "it is in the journal")
    alarms.clear("records", "over")
    await soon(lambda: journal.last() > seq + 1, "and its end")
    entries = [entry for entry in await journal.after(seq, 10) if entry.kind == "Alarm"]
    assert [getattr(entry.event, "state", "") for entry in entries] == ["raised", "cleared"]
    assert "offhook_alarms_active,records" not in await _metrics(pbx)
    assert not pbx.receiver.named("Alarm"), "not for receivers of the contract's events"


async def test_a_receiver_that_is_dead_is_an_alarm_until_it_answers(
    pbx: TestPbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DOWN_SECONDS", 0.0)
    port = free_port()
    await pbx.client.login(version="2.0.0", port=str(port))
    name, alarms = f"127.0.0.1:{port}", pbx.pbx.messages.alarms
    await pbx.extension("1000")
    phone = await pbx.phone("1000")

    async def told() -> float | None:
        pbx.core.dispatcher.http.look()
        return (await _metrics(pbx)).get(f"offhook_receiver_up,{name}")

    for _ in range(200):
        if await told() == 0 and alarms.active["receiver"]:
            break
        await asyncio.sleep(0.02)
    assert (await told(), alarms.active["receiver"]) == (0, 1)
    found = await _metrics(pbx)
    assert found[f"offhook_receiver_waiting,{name}"] > 0
    assert found[f"offhook_deliveries_total,{name},failed"] > 0
    dead = Receiver()
    await dead.start(port)
    for _ in range(400):
        if await told() == 1 and not alarms.active["receiver"]:
            break
        await asyncio.sleep(0.02)
    assert (await told(), alarms.active["receiver"]) == (1, 0)
    await phone.register(expires=0)
    await pbx.client.ok("logout")  # nothing more is sent to it
    await pbx.quiet()
    await dead.close()
    keys = {alarm["key"]: alarm["active"] for alarm in (await pbx.admin("GET", "/alarms"))["items"]}
    assert keys[f"receiver:{name}"] is False
    await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))


def _talks(pbx: TestPbx, callid: str) -> bool:
    members = pbx.pbx.live.picture.calls[callid].members
    return {member.status for member in members} == {MemberStatus.ANSWER, MemberStatus.ANSWERED}


async def test_every_line_about_a_call_has_its_callid(pbx: TestPbx) -> None:
    lines: list[dict[str, str]] = []

    class _Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter().format(record)))

    handler, logger = _Handler(), logging.getLogger("offhook")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    dead = free_port()
    await pbx.apply("recording: {extensions: all}")
    await pbx.client.login(version="2.0.0", port=str(dead))
    try:
        for number in ("1000", "1001", "1002"):
            await pbx.extension(number)
        one, two, three = [await pbx.phone(number) for number in ("1000", "1001", "1002")]
        for phone in (one, two, three):
            phone.auto_answer = True
        callid = str((await pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"}))["callid"])
        await eventually(lambda: any(call.is_up for call in two.calls), "the call is up")
        await eventually(lambda: _talks(pbx, callid), "the picture knows it")
        channel = pbx.pbx.live.picture.calls[callid].members[0].channelid
        await pbx.client.ok("call/hold", {"channelid": channel})
        await pbx.client.ok("call/unhold", {"channelid": channel})
        await pbx.client.errno("call/transfer", {"channelid": channel, "number": "999999"})
        await pbx.client.ok("call/transfer", {"channelid": channel, "number": "1002"})
        await eventually(lambda: any(call.is_up for call in three.calls), "the third has it", 15)
        left = pbx.pbx.live.picture.calls[callid].members[0].channelid
        await pbx.client.ok("call/hangup", {"channelid": left})
        await eventually(lambda: not pbx.core.records.open_calls(), "it has its record", 15)
        await pbx.client.errno("call/hangup", {"channelid": channel})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))
    mine = [line["message"] for line in lines if line.get("callid") == callid]
    for part in ("call/dial: Success", "call/hold: Success", "call/transfer: 1", "call/transfer: Success"):
        assert any(part in message for message in mine), (part, mine)
    assert [line for line in lines if callid in line["message"] and line.get("callid") != callid] == []
    assert [line for line in lines if "PJSIP/" in line["message"] and "callid" not in line] == []
    others = {line["callid"] for line in lines if "callid" in line} - {callid}
    assert others == set()


async def test_only_who_may_reads_the_metrics(pbx: TestPbx) -> None:
    operator = aiohttp.encode_basic_auth("admin", pbx.core.first_passwords.console or "")
    wrong = aiohttp.encode_basic_auth("admin", "guess")
    account = (await _account(pbx, "reader", "read"), await _account(pbx, "caller", "control"))
    reader, caller = [(await pbx.admin("POST", f"/apikeys/{one}", status=201))["key"] for one in account]
    for headers, status in (
        ({}, 200),
        (FORWARDED, 401),
        ({"Forwarded": "for=192.0.2.7"}, 401),
        ({"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Sec-Fetch-Site": "same-origin", "Host": "evil.example"}, 401),
        ({**FORWARDED, "Authorization": operator}, 200),
        ({**FORWARDED, "Authorization": f"Bearer {reader}"}, 200),
        ({**FORWARDED, "Authorization": f"Bearer {caller}"}, 401),
        ({**FORWARDED, "Authorization": "Bearer ohk_x"}, 401),
        ({**FORWARDED, "Authorization": wrong}, 401),
        ({**FORWARDED, "Authorization": "Basic %%%"}, 401),
        ({**FORWARDED, "Authorization": "Digest x"}, 401),
    ):
        found, text = await _get(pbx, "/metrics", headers)
        assert found == status, (headers, text[:100])
        assert ("offhook_calls" in text) is (status == 200)
    assert (await _get(pbx, "/metrics", method="POST"))[0] == 405
    await pbx.core.lockout.release("127.0.0.1")
    await pbx.apply("metrics: {addresses: [192.0.2.0/24, 127.0.0.1]}")
    assert (await _get(pbx, "/metrics", FORWARDED))[0] == 200, "the operator has listed the proxy"
    await pbx.admin("PATCH", "/settings/metrics", {"addresses": ["192.0.2.0/24"]})
    assert (await _get(pbx, "/metrics", FORWARDED))[0] == 401
    await pbx.admin("PATCH", "/settings/metrics", {"addresses": []})
    await pbx.apply("apiaccounts: []")


async def _account(pbx: TestPbx, username: str, scope: str) -> str:
    account = {"username": username, "password": "Str0ng*Pass-1", "scopes": [scope]}
    return str((await pbx.admin("POST", "/apiaccounts", account, status=201))["id"])


async def test_health_and_readiness_are_open_and_say_which_part_fails(
    pbx: TestPbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(health, "_PATIENCE_SECONDS", 0.3)
    assert await _get(pbx, "/health", FORWARDED) == (200, '{"alive": true}\n')
    works = '{"ready": true, "parts": {"started": true, "engine": true, "store": true}}\n'
    assert await _get(pbx, "/ready", FORWARDED) == (200, works)
    with closing(sqlite3.connect(pbx.settings.data / "offhook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        broken = works.replace('"ready": true', '"ready": false').replace('"store": true', '"store": false')
        for _ in range(2):
            assert await _get(pbx, "/ready") == (503, broken)
        assert (await _get(pbx, "/health"))[0] == 200
        other.execute("ROLLBACK")
    for _ in range(100):
        if (await _get(pbx, "/ready"))[0] == 200:
            break
    assert await _get(pbx, "/ready") == (200, works)


async def test_asking_often_costs_the_store_nothing(pbx: TestPbx) -> None:
    count = sum(pbx.core.store.write_times.counts)
    own = Health(pbx.core.store, pbx.core.clock, {})
    for _ in range(50):
        assert await own.parts() == {"store": True}
    await own.close()
    assert sum(pbx.core.store.write_times.counts) <= count + 3
