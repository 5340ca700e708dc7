"""Further accounts of the API: what each may do, from where, and how it ends."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.apply.document import ApplyError
from offhook.contract.errors import ContractError, Errno
from offhook.contract.scopes import ENDPOINTS, EVERY, SESSION, Scope, needed
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.contract import CONTRACT

PASSWORD = "Crm4Reading"


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        yield running


def _md5(password: str) -> str:
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


async def _make(api: TestApi, **fields: Any) -> str:
    """An account; returns its id."""
    values = {"username": "crm", "password": PASSWORD, "scopes": "read", **fields}
    kind = api.core.objects["apiaccounts"].kind
    return str(await api.core.objects["apiaccounts"].create(kind.read_new(values)))


async def _login(api: TestApi, **fields: Any) -> dict[str, Any]:
    return await api.post("login", {"username": "crm", "password": _md5(PASSWORD), **fields})


def _admin(api: TestApi) -> Admin:
    return Admin(api.port, api.core.first_passwords.console)


def test_every_endpoint_of_the_contract_has_one_scope_and_unknown_ones_need_all() -> None:
    listed = [path for paths in (SESSION, *ENDPOINTS.values()) for path in paths]
    assert len(listed) == len(set(listed))
    assert set(listed) == {*CONTRACT, "paginggrouplist/query"}
    assert needed("call/something_new") == EVERY


async def test_every_endpoint_that_is_served_is_listed(api: TestApi) -> None:
    listed = {path for paths in (SESSION, *ENDPOINTS.values()) for path in paths}
    assert {endpoint.path for endpoint in api.registry} <= listed


async def test_an_account_may_do_what_its_scopes_say_and_nothing_else(api: TestApi) -> None:
    for scopes in ("read", "control", "configure", "read,control", "configure,read"):
        await _check_scopes(api, scopes)
        await api.core.apply.apply("apiaccounts: []")


async def _check_scopes(api: TestApi, scopes: str) -> None:
    await _make(api, scopes=scopes)
    token = (await _login(api))["token"]
    own = frozenset(Scope(name) for name in scopes.split(","))
    for endpoint in api.registry:
        if endpoint.path in SESSION:
            continue
        answer = await api.post(f"{endpoint.path}?token={token}")
        refused = answer.get("errno") == "10003"
        assert refused is not (endpoint.scopes <= own), endpoint.path
    assert (await api.post(f"heartbeat?token={token}"))["status"] == "Success"
    assert (await api.post(f"logout?token={token}"))["status"] == "Success"


async def test_an_alias_needs_what_its_endpoint_needs(api: TestApi) -> None:
    await _make(api, scopes="read")
    token = (await _login(api))["token"]
    assert (await api.post(f"pagingroup/update?token={token}", {"number": "6300"}))["errno"] == "10003"


async def test_an_account_that_may_not_read_gets_no_events(api: TestApi) -> None:
    await _make(api, username="dialler", scopes="control")
    await _make(api, username="wall", scopes="read")
    for username, target in (("dialler", None), ("wall", "127.0.0.1:8260")):
        answer = await _login(api, username=username, port="8260")
        session = await api.core.access.authenticate(answer["token"], "127.0.0.1")
        await api.post(f"heartbeat?token={answer['token']}", {"port": "8260"})
        found = api.core.dispatcher.target_of(session)
        assert (found and found.authority) == target
        assert await api.core.access.check_tcp_login(username, PASSWORD, "127.0.0.1", 1) is bool(target)


async def test_an_account_works_from_its_addresses_only_and_others_learn_nothing(api: TestApi) -> None:
    await _make(api, addresses="127.0.0.2,192.0.2.0/24")
    assert (await _login(api))["errno"] == "20003", "as if the password were wrong"
    tokens = api.core.access
    account = tokens.accounts.by_name("crm")
    assert account is not None
    session, fresh = await api.core.sessions.begin("127.0.0.2", "", account.id)
    assert await tokens.authenticate(fresh.token, "127.0.0.2") == session.key
    assert await tokens.authenticate(fresh.token, "::ffff:192.0.2.200") == session.key
    answer = await api.post(f"extension/list?token={fresh.token}")
    assert answer["errno"] == "20004", "a stolen token is worth nothing elsewhere"
    refresh = await api.post("token/refresh", {"refreshtoken": fresh.refreshtoken})
    assert refresh["errno"] == "20004"


@pytest.mark.parametrize(
    "change", [{"scopes": "read,control"}, {"password": "Another1Word"}, {"username": "x"}]
)
async def test_a_change_ends_its_sessions_and_no_others(api: TestApi, change: dict[str, str]) -> None:
    identity = await _make(api)
    await _make(api, username="other")
    service, own = api.core.objects["apiaccounts"], await api.login()
    mine, others = (await _login(api))["token"], (await _login(api, username="other"))["token"]
    await service.update(identity, service.kind.read_changes(change))
    assert (await api.post(f"extension/list?token={mine}"))["errno"] == "20004"
    for token in (own, others):
        assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"


async def test_a_deleted_account_ends_at_once_and_over_a_restart(api: TestApi) -> None:
    identity = await _make(api)
    token = (await _login(api))["token"]
    await _admin(api).ok("DELETE", f"/apiaccounts/{identity}")
    assert (await api.post(f"extension/list?token={token}"))["errno"] == "20004"
    assert (await _login(api))["errno"] == "20003"
    await api.core.sessions.load()
    assert (await api.post(f"extension/list?token={token}"))["errno"] == "20004"
    assert await _make(api) != identity, "an id that came back would let old tokens in"


async def test_another_password_of_the_first_account_ends_its_tokens(api: TestApi) -> None:
    await _make(api)
    own, other = await api.login(), (await _login(api))["token"]
    await api.core.api_settings.change(password_derived=api.core.api_settings.derive("Another1Word"))
    assert (await api.post(f"extension/list?token={own}"))["errno"] == "20004"
    assert (await api.post(f"extension/list?token={other}"))["status"] == "Success"


async def test_names_are_unique_over_both_kinds_of_account(api: TestApi) -> None:
    await _make(api)
    with pytest.raises(ContractError):
        await _make(api)
    with pytest.raises(ContractError):
        await _make(api, username="api")
    with pytest.raises(ValueError, match="another account"):
        await api.core.api_settings.change(username="crm")
    for weak in ("short1A", "nodigitsHere", "no capitals 1"):
        with pytest.raises(ContractError):
            await _make(api, username="weak", password=weak)
    for scopes in ("", "everything", "read;control"):
        with pytest.raises(ContractError):
            await _make(api, username="x", scopes=scopes)


async def test_accounts_are_declared_by_apply_and_exported_without_passwords(api: TestApi) -> None:
    document = f"""
apiaccounts:
  - username: wall
    password: {PASSWORD}
    scopes: [read]
    addresses: [127.0.0.1, 192.0.2.0/24]
"""
    lines = (await api.core.apply.apply(document)).lines
    assert PASSWORD not in "".join(lines)
    assert (await api.core.apply.apply(document)).changes == (), "the same password is no change"
    assert (await _login(api, username="wall"))["status"] == "Success"
    exported = await api.core.apply.export()
    assert "wall" in exported
    assert PASSWORD not in exported
    assert "scrypt" not in exported
    await api.core.apply.apply(exported)
    assert (await _login(api, username="wall"))["status"] == "Success"
    with pytest.raises(ApplyError):
        await api.core.apply.apply(document.replace("[read]", "[root]"))
    await api.core.apply.apply("apiaccounts: []")
    assert (await _login(api, username="wall"))["errno"] == "20003"


async def test_a_key_stands_for_its_account_and_is_shown_once(
    api: TestApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    identity, admin, access = await _make(api), _admin(api), api.core.access
    key = (await admin.ok("POST", f"/apikeys/{identity}"))["key"]
    session = await access.authenticate_bearer(key, "127.0.0.1")
    assert access.scopes_of(session) == {"read"}
    assert access.alive(session)
    shown = [
        await admin.ok("GET", "/apikeys"),
        await admin.ok("GET", "/apiaccounts"),
        await api.core.apply.export(),
    ]
    kept = b"".join(path.read_bytes() for path in api.core.settings.data.glob("offhook.db*"))
    assert key not in f"{shown}{caplog.text}"
    assert key.encode() not in kept
    assert len(key) >= 40
    assert (await api.post(f"extension/list?token={key}"))["errno"] == "20004", (
        "no key belongs into an address"
    )
    other = (await admin.ok("POST", f"/apikeys/{identity}"))["key"]
    assert not access.alive(session), "a new key ends the old one"
    with pytest.raises(ContractError):
        await access.authenticate_bearer(key, "127.0.0.1")
    session = await access.authenticate_bearer(other, "127.0.0.1")
    await admin.ok("DELETE", f"/apikeys/{identity}")
    assert not access.alive(session)
    assert access.scopes_of(session) == frozenset()
    await admin.refused(404, "POST", "/apikeys/999")
    await admin.refused(404, "DELETE", "/apikeys/x")


async def test_wrong_keys_lock_the_address_too(api: TestApi) -> None:
    identity = await _make(api, addresses="192.0.2.1")
    key = await api.core.access.accounts.make_key(int(identity))
    assert key is not None
    tries = [key, "ohk_x", "ohk_", "ohk_" + "a" * 43, "ohk_\ud800"]
    for wrong in tries:
        with pytest.raises(ContractError) as refused:
            await api.core.access.authenticate_bearer(wrong, "127.0.0.1")
        assert refused.value.errno is Errno.NO_SUCH_TOKEN
    with pytest.raises(ContractError) as refused:
        await api.core.access.authenticate_bearer("ohk_x", "127.0.0.1")
    assert refused.value.errno is Errno.LOGIN_LOCKED
    assert api.core.access.alive(await api.core.access.authenticate_bearer(key, "192.0.2.1"))


async def test_a_token_serves_as_bearer_as_well(api: TestApi) -> None:
    token = await api.login()
    session = await api.core.access.authenticate_bearer(token, "127.0.0.1")
    assert api.core.access.scopes_of(session) == {"read", "control", "configure"}


async def test_a_refresh_token_that_comes_twice_ends_all_that_came_of_it(api: TestApi) -> None:
    bystander = await api.login()
    first = await api.post("login", {"username": "api", "password": _md5("ApiTest2019")})
    second = await api.post("token/refresh", {"refreshtoken": first["refreshtoken"]})
    third = await api.post("token/refresh", {"refreshtoken": second["refreshtoken"]})
    assert (await api.post(f"extension/list?token={third['token']}"))["status"] == "Success"
    assert (await api.post("token/refresh", {"refreshtoken": first["refreshtoken"]}))["errno"] == "20004"
    assert (await api.post(f"extension/list?token={third['token']}"))["errno"] == "20004"
    assert (await api.post("token/refresh", {"refreshtoken": third["refreshtoken"]}))["errno"] == "20004"
    assert (await api.post(f"extension/list?token={bystander}"))["status"] == "Success"
    await api.core.sessions.load()
    assert (await api.post(f"extension/list?token={third['token']}"))["errno"] == "20004"


async def test_of_many_who_refresh_at_once_nobody_keeps_a_token(api: TestApi) -> None:
    first = await api.post("login", {"username": "api", "password": _md5("ApiTest2019")})
    answers = await asyncio.gather(
        *(api.post("token/refresh", {"refreshtoken": first["refreshtoken"]}) for _ in range(8))
    )
    for answer in answers:
        if "token" in answer:
            assert (await api.post(f"extension/list?token={answer['token']}"))["errno"] == "20004"
    assert sum("token" in answer for answer in answers) <= 1


async def test_refreshed_tokens_keep_their_account(api: TestApi) -> None:
    await _make(api)
    answer = await _login(api)
    answer = await api.post("token/refresh", {"refreshtoken": answer["refreshtoken"]})
    assert (await api.post(f"extension/list?token={answer['token']}"))["status"] == "Success"
    assert (await api.post(f"extension/delete?token={answer['token']}", {"number": "1"}))["errno"] == "10003"
