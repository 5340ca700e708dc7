"""The door of the API: logins, the lock, tokens and their ends, where events go (spec 00-access)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.areas.access.service import Push, target_for
from offhook.contract.endpoint import Caller
from offhook.contract.errors import ContractError, Errno
from offhook.events.api import Dialect, Target, TargetError, dialect_of
from tests.support.api import MD5, PASSWORD, TestApi, running_api

WRONG = hashlib.md5(b"wrong", usedforsecurity=False).hexdigest()


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        yield running


async def _errno(api: TestApi, **fields: object) -> str:
    answer = await api.post("login", {"username": "api", "password": MD5, **fields})
    return str(answer.get("errno", "Success"))


async def test_five_wrong_passwords_lock_the_address_for_ten_minutes(api: TestApi) -> None:
    for _ in range(5):
        assert await _errno(api, password=WRONG) == "20003"
    assert await _errno(api) == "20002", "the right one is refused too while the address is locked"
    api.clock.advance(599)
    assert await _errno(api) == "20002"
    api.clock.advance(2)
    assert await _errno(api) == "Success"


async def test_a_success_clears_the_count(api: TestApi) -> None:
    for _ in range(4):
        await _errno(api, password=WRONG)
    assert await _errno(api) == "Success"
    for _ in range(4):
        await _errno(api, password=WRONG)
    assert await _errno(api) == "Success"


async def test_many_tries_at_once_do_not_slip_through(api: TestApi) -> None:
    answers = await asyncio.gather(*(_errno(api, password=WRONG) for _ in range(12)))
    assert sorted(answers) == ["20002"] * 7 + ["20003"] * 5


async def test_a_lock_outlives_a_restart_and_can_be_released(api: TestApi) -> None:
    for _ in range(5):
        await _errno(api, password=WRONG)
    await api.core.lockout.load()
    assert await _errno(api) == "20002"
    blocked = await api.core.lockout.blocked()
    assert [(entry.address, entry.protocol) for entry in blocked] == [("127.0.0.1", "TCP")]
    assert await api.core.lockout.release("127.0.0.1")
    assert await _errno(api) == "Success"
    assert not await api.core.lockout.release("127.0.0.1")


@pytest.mark.parametrize("fields", [{"username": "other"}, {"password": ""}, {"password": PASSWORD}])
async def test_a_wrong_account(api: TestApi, fields: dict[str, str]) -> None:
    assert await _errno(api, **fields) in {"20003", "10004"}


async def test_missing_parameters_do_not_count_towards_the_lock(api: TestApi) -> None:
    for _ in range(10):
        assert (await api.post("login", {"username": "api"}))["errno"] == "10004"
        assert (await api.post("login"))["errno"] == "20007"
    assert await _errno(api) == "Success"


async def test_the_api_can_be_switched_off(api: TestApi) -> None:
    token = await api.login()
    await api.core.api_settings.change(enabled=False)
    assert await _errno(api) == "30003"
    assert (await api.post(f"extension/list?token={token}"))["errno"] == "30003"


async def test_tokens_idle_out_after_thirty_minutes(api: TestApi) -> None:
    used, idle = await api.login(), await api.login()
    for _ in range(3):
        api.clock.advance(1700)
        assert (await api.post(f"extension/list?token={used}"))["status"] == "Success"
    assert (await api.post(f"extension/list?token={idle}"))["errno"] == "20006"
    api.clock.advance(1801)
    assert (await api.post(f"extension/list?token={used}"))["errno"] == "20006"


async def test_a_clock_that_is_put_back_keeps_neither_a_lock_nor_an_idle_token(api: TestApi) -> None:
    idle = await api.login()
    for _ in range(5):
        await _errno(api, password=WRONG)
    api.clock.advance(-300)
    assert (await api.post(f"extension/list?token={idle}"))["status"] == "Success"
    api.clock.advance(-86400)
    assert (await api.post(f"extension/list?token={idle}"))["errno"] == "20006"
    assert await api.core.lockout.blocked() == []
    assert await _errno(api) == "Success"


async def test_tokens_outlive_the_control_plane_and_end_with_the_engine(api: TestApi) -> None:
    token = await api.login()
    await api.core.sessions.write_uses()
    await api.core.sessions.load()
    assert (await api.post(f"extension/list?token={token}"))["status"] == "Success"
    await api.core.sessions.end_all("restart")
    assert (await api.post(f"extension/list?token={token}"))["errno"] == "20004"


async def test_logout_ends_the_token(api: TestApi) -> None:
    token = await api.login()
    assert (await api.post(f"logout?token={token}"))["status"] == "Success"
    assert (await api.post(f"logout?token={token}"))["errno"] == "20004"


async def test_refresh_replaces_the_token(api: TestApi) -> None:
    first = await api.post("login", {"username": "api", "password": MD5})
    second = await api.post("token/refresh", {"refreshtoken": first["refreshtoken"]})
    assert second["status"] == "Success"
    assert (await api.post(f"extension/list?token={first['token']}"))["errno"] == "20004"
    assert (await api.post(f"extension/list?token={second['token']}"))["status"] == "Success"
    assert (await api.post("token/refresh", {"refreshtoken": first["refreshtoken"]}))["errno"] == "20004"
    assert (await api.post("token/refresh", {"refreshtoken": ""}))["errno"] == "10004"


async def test_tokens_are_kept_hashed_and_passwords_derived(api: TestApi) -> None:
    token = await api.login()
    await api.core.sessions.write_uses()
    kept = b"".join(path.read_bytes() for path in api.core.settings.data.glob("offhook.db*"))
    for secret in (token, PASSWORD, MD5):
        assert secret.encode() not in kept


async def test_no_secret_reaches_the_log(api: TestApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = await api.login()
    await _errno(api, password=WRONG)
    await api.post(f"extension/list?token={token}")
    for secret in (token, MD5, WRONG):
        assert secret not in caplog.text


async def test_login_says_how_events_are_pushed(api: TestApi) -> None:
    assert (await api.post("login", {"username": "api", "password": MD5}))["transport"] == "HTTP"
    await api.core.api_settings.change(report_method="TCP")
    assert (await api.post("login", {"username": "api", "password": MD5}))["transport"] == "TCP"


@pytest.mark.parametrize("port", ["65536", "-1", "x", "8260.5"])
async def test_a_bad_port(api: TestApi, port: str) -> None:
    assert await _errno(api, port=port) == "20008"


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http://u:p@host/", "http:///x", "http://h\u0000/", "http://h:99999/"]
)
async def test_a_receiver_that_cannot_be(api: TestApi, url: str) -> None:
    assert await _errno(api, url=url, urltag="1") == "20008"
    token = await api.login()
    answer = await api.post(f"heartbeat?token={token}", {"url": url, "urltag": "1"})
    assert answer["errno"] == "20011"


async def test_a_heartbeat_moves_the_receiver_and_keeps_the_format(api: TestApi) -> None:
    caller = Caller("192.0.2.7", 1, secure=False)
    tokens = await api.core.access.login(caller, "api", MD5, Push(port=8260, url="report", version="2.0.0"))
    session = await api.core.access.authenticate(tokens.token, "127.0.0.1")
    caller = Caller("192.0.2.7", 1, secure=False, session=session)
    receivers = api.core.dispatcher.receivers

    async def after(push: Push) -> tuple[str, Dialect]:
        await api.core.access.heartbeat(caller, push)
        target = receivers.target_of(session)
        assert target is not None
        found = next(one for one in receivers.all() if one.target == target)
        return target.url, found.dialect

    assert await after(Push()) == ("http://192.0.2.7:8260/report", Dialect.V2_0_0)
    assert await after(Push(ipaddr="192.0.2.9")) == ("http://192.0.2.9:8260/report", Dialect.V2_0_0)
    assert await after(Push(port=9000)) == ("http://192.0.2.9:9000/report", Dialect.V2_0_0)
    assert await after(Push(url="https://crm.example/in", urltag="1", version="1.0.0")) == (
        "https://crm.example:443/in",
        Dialect.V1_0_0,
    )


async def test_our_own_address_as_receiver_makes_no_loop(api: TestApi) -> None:
    token = await api.login(url=f"http://127.0.0.1:{api.port}/api/v2.0.0/login", urltag="1")
    session = await api.core.access.authenticate(token, "127.0.0.1")
    assert api.core.dispatcher.target_of(session) is None


async def test_the_tcp_login_takes_the_clear_password_and_counts(api: TestApi) -> None:
    access = api.core.access
    assert await access.check_tcp_login("api", PASSWORD, "192.0.2.1", 1)
    for _ in range(5):
        assert not await access.check_tcp_login("api", "wrong", "192.0.2.1", 1)
    with pytest.raises(ContractError) as locked:
        await access.login(Caller("192.0.2.1", 1, secure=False), "api", MD5, Push())
    assert locked.value.errno is Errno.LOGIN_LOCKED


@pytest.mark.parametrize(
    ("push", "target"),
    [
        (Push(), None),
        (Push(port=0), None),
        (Push(port=8261), Target("http", "192.0.2.5", 8261, "/")),
        (Push(url="report"), Target("http", "192.0.2.5", 8260, "/report")),
        (Push(url="/report", port=9), Target("http", "192.0.2.5", 9, "/report")),
        (
            Push(url="110.22.2.3:8260/report", urltag="1", port=9),
            Target("http", "110.22.2.3", 8260, "/report"),
        ),
        (Push(url="https://h.example/a?b=c", urltag="1"), Target("https", "h.example", 443, "/a?b=c")),
        (Push(url="http://[::1]:81", urltag="1"), Target("http", "::1", 81, "/")),
        (Push(port=8262, ipaddr="192.0.2.6"), Target("http", "192.0.2.6", 8262, "/")),
    ],
)
def test_targets(push: Push, target: Target | None) -> None:
    assert target_for(push, "192.0.2.5") == target


@pytest.mark.parametrize("url", ["a b", "a\r\nX: y", "x" * 2000])
def test_hostile_paths(url: str) -> None:
    with pytest.raises(TargetError):
        target_for(Push(url=url), "192.0.2.5")


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("", Dialect.V1_0_0),
        ("0.0.1", Dialect.V1_0_0),
        ("1.0.0", Dialect.V1_0_0),
        ("1.0.1", Dialect.V1_0_0),
        ("1.0.2", Dialect.V1_0_2),
        ("2.0.0", Dialect.V2_0_0),
        ("v2.0.1", Dialect.V2_0_0),
        ("nonsense", Dialect.V1_0_0),
    ],
)
def test_dialects(version: str, dialect: Dialect) -> None:
    assert dialect_of(version) is dialect


async def test_deviceinfo(api: TestApi) -> None:
    token = await api.login()
    await api.core.system.set_identity(sn="368193754239", devicename="Yeastar S1000", firmwarever="80.5.0.29")
    api.clock.advance(1259)
    answer = await api.post(f"deviceinfo/query?token={token}")
    assert answer["deviceinfo"] == {
        "devicename": "Yeastar S1000",
        "sn": "368193754239",
        "firmwarever": "80.5.0.29",
        "systemtime": "2020-09-13 12:47:39 UTC+0",
        "uptime": "00:20:59",
        "extensionstatus": "0/2000",
    }
