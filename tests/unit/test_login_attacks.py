"""Attacks on the door of the API: guessing, listening, stealing, and shutting others out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.access.sessions import IDLE_SECONDS
from offhook.areas.accounts.service import matches
from offhook.contract.errors import ContractError, Errno
from tests.support.api import MD5, PASSWORD, TestApi, running_api

WRONG = hashlib.md5(b"wrong", usedforsecurity=False).hexdigest()


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        kind = running.core.objects["apiaccounts"].kind
        values = {"username": "crm", "password": "Crm4Reading", "scopes": "read"}
        await running.core.objects["apiaccounts"].create(kind.read_new(values))
        yield running


async def _login(api: TestApi, username: str, password: str, source: str) -> dict[str, Any]:

    body = json.dumps({"username": username, "password": password}).encode()
    head = f"POST /api/v2.0.0/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=198.51.100.1\r\nX-Real-IP: 198.51.100.1\r\n\r\n"
    answer: dict[str, Any] = json.loads((await api.raw(head.encode() + body, source=source))[1])
    return answer


async def test_all_that_is_wrong_costs_one_derivation_and_gets_one_answer(
    api: TestApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody learns by the time or the words whether a name exists, or whether a password is somebody's."""
    derived: list[str] = []

    def counted(presented: str, kept: str) -> bool:
        derived.append(presented)
        return matches(presented, kept)

    monkeypatch.setattr("offhook.areas.access.passwords.matches", counted)
    await api.login()
    answers, crm = set(), hashlib.md5(b"Crm4Reading", usedforsecurity=False).hexdigest()
    tries = [("api", WRONG), ("nobody", WRONG), ("nobody", MD5), ("crm", MD5), ("api", crm), ("API", MD5)]
    tries += [("api", PASSWORD), ("api", ""), ("api", MD5[:-1]), ("api ", MD5), ("", MD5)]
    for at, (username, password) in enumerate(tries):
        derived.clear()
        answer = await _login(api, username, password, f"127.0.1.{at}")
        if answer["errno"] != "10004":
            assert len(derived) == 1, (username, password)
            answers.add((answer["errno"], answer["errmsg"]))
    assert {errno for errno, _ in answers} == {"20003"}
    assert len(answers) == 1
    derived.clear()
    assert (await _login(api, "api", MD5.upper(), "127.0.1.99"))["status"] == "Success"
    assert not derived, "who was right before does not wait behind those who guess"


async def test_the_lock_is_of_the_address_that_is_and_of_no_other(api: TestApi) -> None:
    """What a client says of itself neither frees it nor shuts out somebody else."""
    for _ in range(5):
        assert (await _login(api, "api", WRONG, "127.0.2.1"))["errno"] == "20003"
    assert (await _login(api, "api", MD5, "127.0.2.1"))["errno"] == "20002"
    assert (await _login(api, "api", MD5, "127.0.2.2"))["status"] == "Success"
    assert [entry.address for entry in await api.core.lockout.blocked()] == ["127.0.2.1"]


async def test_a_living_token_goes_on_while_its_address_is_locked(api: TestApi) -> None:
    """Or who shares an address with others could cut them off by guessing."""
    token = await api.login()
    for _ in range(5):
        await _login(api, "api", WRONG, "127.0.0.1")
    assert (await _login(api, "api", MD5, "127.0.0.1"))["errno"] == "20002"
    assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"
    assert (await api.post(f"heartbeat?token={token}"))["status"] == "Success"


async def test_of_ipv6_the_network_is_locked(api: TestApi) -> None:
    lockout = api.core.lockout
    for host in range(5):
        await lockout.failed(f"2001:db8:0:1::{host:x}", 1)
    with pytest.raises(ContractError) as refused:
        lockout.check("2001:db8:0:1:ffff::1")
    assert refused.value.errno is Errno.LOGIN_LOCKED
    lockout.check("2001:db8:0:2::1")
    assert [entry.address for entry in await lockout.blocked()] == ["2001:db8:0:1::/64"]
    assert await lockout.release("2001:db8:0:1::/64")
    lockout.check("2001:db8:0:1::1")


async def test_tokens_are_made_by_us_and_by_nobody_else(api: TestApi) -> None:
    """128 random bits each; one that a client brings along is not taken over (fixation)."""
    tokens = []
    mine = "0123456789abcdef" * 2
    for _ in range(50):
        answer = await api.post(
            f"login?token={mine}", {"username": "api", "password": MD5, "token": mine, "refreshtoken": mine}
        )
        tokens += [answer["token"], answer["refreshtoken"]]
    assert len(set(tokens)) == 100
    assert all(len(token) == 32 and int(token, 16) >= 0 for token in tokens)
    ones = [bin(int(one, 16) ^ int(two, 16)).count("1") for one, two in pairwise(tokens)]
    assert 55 < sum(ones) / len(ones) < 73, "half of the bits differ"
    assert (await api.post(f"extension/list?token={mine}"))["errno"] == "20004"


async def test_a_token_is_no_refresh_token_and_the_other_way_round(api: TestApi) -> None:
    answer = await api.post("login", {"username": "api", "password": MD5})
    assert (await api.post(f"extension/list?token={answer['refreshtoken']}"))["errno"] == "20004"
    assert (await api.post("token/refresh", {"refreshtoken": answer["token"]}))["errno"] == "20004"


async def test_a_token_ends_to_the_second(api: TestApi) -> None:
    token = await api.login()
    api.clock.advance(IDLE_SECONDS)
    assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"
    api.clock.advance(IDLE_SECONDS + 0.001)
    assert (await api.post(f"extension/list?token={token}"))["errno"] == "20006"


async def test_who_may_only_read_sees_no_passwords(api: TestApi) -> None:
    """The contract shows some in the clear: to those who may set them."""
    own = await api.login()
    body = {"number": "1000", "registerpassword": "Abcdefgh1x3y5xyz", "vmsecret": "314159"}
    added = await api.post(f"extension/add?token={own}", {**body, "username": "Ann", "registername": "1000"})
    assert added["status"] == "Success", added
    await api.core.apply.apply("conferences: [{number: '6400', name: x, participantepassword: '271828'}]")
    crm = hashlib.md5(b"Crm4Reading", usedforsecurity=False).hexdigest()
    reader = (await api.post("login", {"username": "crm", "password": crm}))["token"]
    for path, secret in (("extension/query", "314159"), ("conference/query", "271828")):
        shown = [await api.post(f"{path}?token={token}", {"number": "all"}) for token in (own, reader)]
        assert secret in str(shown[0])
        assert secret not in str(shown[1])
        assert str(shown[0]).replace(secret, "") == str(shown[1])


@pytest.mark.parametrize("place", ["query", "body", "path"])
async def test_tokens_stand_in_no_log(api: TestApi, caplog: pytest.LogCaptureFixture, place: str) -> None:
    caplog.set_level("DEBUG")
    token = await api.login()
    for path in ("extension/list", "no/such", "cdr/download", "token/refresh"):
        if place == "query":
            await api.post(f"{path}?token={token}&random={token}&refreshtoken={token}")
        elif place == "body":
            await api.post(path, {"token": token, "random": token, "refreshtoken": token})
        else:
            await api.post(f"{path}/{token}?token={token}")
    assert token not in caplog.text
