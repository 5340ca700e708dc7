"""Limits of the API: rates, requests at a time, tokens, bodies, addresses; ordinary clients meet none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.access.accounts import Account
from offhook.areas.access.buckets import KEPT, Buckets
from offhook.areas.pbxsettings.apilimits_settings import APILIMITS
from offhook.contract.errors import ContractError, Errno
from offhook.contract.scopes import EVERY
from offhook.source import source_of
from tests.support.api import TestApi, running_api
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        yield running


async def _set(api: TestApi, **values: Any) -> None:
    sent = {name: str(value) for name, value in values.items()}
    settings = api.core.pbx_settings
    await settings.update(APILIMITS, settings.read_changes(APILIMITS, sent))


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=60),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_a_bucket_never_gives_more_than_its_rate(pauses: list[float], rate: int, burst: int) -> None:
    buckets, now, gone, given_out = Buckets(), 100.0, 0.0, 0
    for pause in pauses:
        now += pause
        gone += max(0.0, pause)
        given_out += buckets.take("one", now, rate, burst)
    assert given_out <= burst + gone * rate + 1e-6


def test_buckets_of_strangers_do_not_pile_up_and_do_not_empty_those_in_use() -> None:
    buckets = Buckets()
    assert buckets.take("greedy", 0.0, 1, 1)
    for turn in range(3 * KEPT):
        buckets.take(turn, turn / 1000, 1, 1)
        if turn % 1000 == 0:
            buckets.take("greedy", turn / 1000, 0.001, 1)
    assert len(buckets._filled) <= KEPT
    assert not buckets.take("greedy", 31.0, 0.001, 1)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, source: str) -> None:
    assert source_of(address) == source


async def test_one_client_that_logs_in_hundreds_of_times_an_hour_meets_no_limit(api: TestApi) -> None:
    """Spec 19: it logs in again and again and never logs out; its old tokens stay valid."""
    first = await api.login()
    for _ in range(300):
        await api.login()
    assert (await api.post(f"extension/list?token={first}"))["status"] == "Success"
    assert not api.core.access.limits.refused


async def test_too_many_requests_of_one_address(api: TestApi) -> None:
    token = await api.login()
    await _set(api, requests=2)
    answers = [await api.post(f"extension/list?token={token}") for _ in range(12)]
    refused = [answer for answer in answers if answer.get("errno") == "10025"]
    assert len(answers) - len(refused) == 8, "four seconds' worth"
    api.clock.advance(1)
    assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"
    assert api.core.access.limits.refused["requests"] == len(refused)
    head, _ = await api.raw(b"OPTIONS /api/v2.0.0/login HTTP/1.1\r\nHost: x\r\n\r\n", source="127.0.0.9")
    assert head.startswith(b"HTTP/1.1 200")
    other = b"POST /api/v2.0.0/login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    for _ in range(8):
        await api.raw(other)
    _, body = await api.raw(other, source="127.0.0.9")
    assert b"10004" in body or b"20007" in body, "another address is not held up"


async def test_calls_and_requests_of_an_account(api: TestApi) -> None:
    limits = api.core.access.limits
    account = Account(7, "crm", "", EVERY, requestrate=0, callrate=3)
    for _ in range(3):
        with limits.work("s", account, "call/dial"):
            pass
    with pytest.raises(ContractError) as refused, limits.work("another session", account, "call/dial"):
        pass
    assert refused.value.errno is Errno.APPLIED_TOO_OFTEN
    with limits.work("s", account, "call/hangup"):
        pass
    api.clock.advance(20)
    with limits.work("s", account, "call/dial"):
        pass
    await _set(api, calls=1)
    free = Account(8, "free", "", EVERY)
    for _ in range(4):
        with limits.work("t", free, "call/dial"):
            pass
    with pytest.raises(ContractError), limits.work("t", free, "call/playprompt"):
        pass
    slow = Account(9, "slow", "", EVERY, requestrate=1)
    for _ in range(4):
        with limits.work("u", slow, "call/query"):
            pass
    with pytest.raises(ContractError), limits.work("v", slow, "call/query"):
        pass


async def test_requests_at_a_time(api: TestApi) -> None:
    await _set(api, concurrent=3)
    limits = api.core.access.limits
    with ExitStack() as running:
        for _ in range(3):
            running.enter_context(limits.request("2001:db8::1"))
        with pytest.raises(ContractError) as refused, limits.request("2001:db8::2"):
            pass
        assert refused.value.errno is Errno.APPLIED_TOO_OFTEN
        with limits.request("2001:db8:0:1::1"):
            pass
    with limits.request("2001:db8::2"):
        pass
    assert not limits._running


async def test_the_oldest_token_of_an_address_ends_for_a_new_one(api: TestApi) -> None:
    await _set(api, sessions=3)
    tokens = []
    for _ in range(5):
        tokens.append(await api.login())
        api.clock.advance(1)
    alive = [(await api.post(f"extension/list?token={token}"))["status"] == "Success" for token in tokens]
    assert alive == [False, False, True, True, True]
    session, _ = await api.core.sessions.begin("127.0.0.2", "")
    assert api.core.sessions.alive(session.key)
    assert (await api.post(f"extension/list?token={tokens[2]}"))["status"] == "Success"


async def test_bodies_end_at_their_limit(api: TestApi) -> None:
    await _set(api, bodysize=2)
    token = await api.login()
    fits = b'{"number":"' + b"1" * 1900 + b'"}'
    assert (await api.post(f"extension/query?token={token}", fits))["errno"] != "20000"
    assert (await api.post(f"extension/query?token={token}", b" " * 3000 + fits))["errno"] == "20000"
    lying = b"POST /api/v2.0.0/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" + b"[" * 4000
    _, body = await api.raw(lying)
    assert b"20000" in body


async def test_many_large_bodies_at_a_time_are_bounded(api: TestApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offhook.web.api.BODIES_MAX", 200_000)
    head = b"POST /api/v2.0.0/login HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"
    streams = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(3)]
    for _, writer in streams:
        writer.write(head + b" " * 80_000)
    answers = [asyncio.ensure_future(reader.readuntil(b"}")) for reader, _ in streams]
    try:
        async with asyncio.timeout(10):
            done, _ = await asyncio.wait(answers, return_when="FIRST_COMPLETED")
        assert [b"10025" in answer.result() for answer in done] == [True]
    finally:
        for answer in answers:
            answer.cancel()
        for _, writer in streams:
            writer.transport.abort()
    await eventually(lambda: not api.front_api._buffered, "what has gone counts no more")
    assert (await api.post("login"))["errno"] == "20007"


async def test_addresses_that_may_use_the_api(api: TestApi) -> None:
    token = await api.login()
    await _set(api, addresses="127.0.0.2,2001:db8::/32")
    for target in (f"extension/list?token={token}", "login", "nothing/here", ""):
        answer = await api.post(target)
        assert answer["errno"] == "20022", target
    request = f"GET /api/v2.0.0/extension/list?token={token} HTTP/1.0\r\nX-Forwarded-For: 127.0.0.2\r\n\r\n"
    assert (await api.json(request.encode()))["errno"] == "20022", (
        "what a client says of itself is not believed"
    )
    _, body = await api.raw(request.encode(), source="127.0.0.2")
    assert b"Success" in body
    assert not await api.core.access.check_tcp_login("api", "ApiTest2019", "127.0.0.1", 1)
    assert await api.core.access.check_tcp_login("api", "ApiTest2019", "2001:db8::5", 1)
    await _set(api, addresses="")
    assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"


async def test_limits_are_declared_by_apply(api: TestApi) -> None:
    await api.core.apply.apply("apilimits: {addresses: '192.0.2.0/24', requests: '7'}")
    assert (await api.post("login"))["errno"] == "20022"
    assert "192.0.2.0/24" in await api.core.apply.export()
    await api.core.apply.apply("apilimits: {addresses: ''}")
    assert (await api.post("login"))["errno"] == "20007"
