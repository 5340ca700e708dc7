"""The port as an enemy sees it: other sites' pages, rebound names, slow and many connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from offhook.areas.pbxsettings.apilimits_settings import APILIMITS
from offhook.settings import Settings
from offhook.web import front
from offhook.web.admin import PREFIX
from offhook.web.hosts import Hosts
from tests.support.admin import Admin
from tests.support.api import ELSEWHERE, TestApi, running_api
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        yield running


@pytest.fixture
def admin(api: TestApi) -> Admin:
    return Admin(api.port, api.core.first_passwords.console)


async def _set(api: TestApi, **values: str) -> None:
    settings = api.core.pbx_settings
    await settings.update(APILIMITS, settings.read_changes(APILIMITS, values))


# -- pages of other sites --------------------------------------------------------------------------------


def test_no_foreign_page_reads_answers_unless_the_operator_says_so() -> None:
    assert Settings(data=Path("/x")).allow_origin == ""


async def test_cors_on_every_kind_of_answer(api: TestApi) -> None:
    for origin in ("", "https://crm.example"):
        await _check_cors(api, origin)


async def _check_cors(api: TestApi, origin: str) -> None:
    api.front_api._allow_origin = origin
    token = await api.login()
    asked = [
        f"POST /api/v2.0.0/extension/list?token={token}",
        "POST /api/v2.0.0/extension/list",
        "PUT /api/v2.0.0/extension/list",
        "OPTIONS /api/v2.0.0/extension/list",
        "POST /api/v2.0.0/no/such",
        "GET /api/v2.0.0/cdr/download?random=x",
        "GET /api/",
        f"GET {PREFIX}/",
        "OPTIONS " + PREFIX + "/extensions",
        "GET /",
        "GET /no/such",
    ]
    for line in asked:
        request = f"{line} HTTP/1.1\r\nHost: pbx\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n"
        head, _ = await api.raw(request.encode() + b"Connection: close\r\n\r\n")
        found = head.decode().lower()
        if origin and " /api/" in line:
            assert f"access-control-allow-origin: {origin}\r\n" in found, line
            assert "vary: origin" in found, line
        else:
            assert "access-control" not in found, line
        assert "allow-credentials" not in found


FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "evil.example:8088"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "[::1].evil.example"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": ""},
)


async def test_other_sites_and_rebound_names_do_not_reach_the_operators_api(admin: Admin) -> None:
    """Even with the password, which a browser sends by itself."""
    for headers in FOREIGN:
        assert await admin.refused(403, "GET", "/alarms", headers=headers)
        assert await admin.refused(403, "POST", "/dialplan", headers=headers)


async def test_our_own_page_and_names_do(api: TestApi, admin: Admin) -> None:
    for host in (f"127.0.0.1:{api.port}", "LOCALHOST", "localhost.:8088", "[::1]:8088", "192.0.2.1"):
        await admin.ok("GET", "/alarms", headers={"Host": host, "Origin": f"http://{host}"})
    await admin.refused(403, "GET", "/alarms", headers={"Host": "pbx.example"})
    await _set(api, adminhosts="PBX.example,other")
    await admin.ok("GET", "/alarms", headers={"Host": "pbx.example:8088"})


def test_names_of_the_certificate() -> None:
    hosts = Hosts(lambda: {"pbx.example", "*.office.example"}, frozenset)
    assert hosts.is_ours("pbx.example")
    assert hosts.is_ours("a.office.example:443")
    assert not hosts.is_ours("office.example")
    assert not hosts.is_ours("a.b.office.example")
    assert not hosts.is_ours(".example")


async def test_addresses_that_may_use_the_operators_api(api: TestApi, admin: Admin) -> None:
    await _set(api, adminaddresses="192.0.2.7")
    assert "may not come in" in await admin.refused(403, "GET", "/alarms")
    assert "https" in await admin.refused(403, "GET", "/alarms", prefix=ELSEWHERE)
    await admin.refused(
        404, "GET", "/alarms", prefix=ELSEWHERE, tls=True
    )  # let in, by a path that is not one
    assert (await api.post("login"))["errno"] == "20007", "the API itself is another matter"


async def test_pages_and_answers_say_what_browsers_may_do_with_them(api: TestApi, admin: Admin) -> None:
    for path in ("/", "/nothing"):
        head, _ = await api.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        for part in (b"frame-ancestors 'none'", b"nosniff", b"no-referrer", b"default-src 'none'"):
            assert part in head, (path, part)
    got = await admin.ask("GET", "/alarms")
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert got.headers["Cache-Control"] == "no-store"
    head, _ = await api.raw(b"POST /api/v2.0.0/login HTTP/1.0\r\n\r\n")
    assert b"nosniff" in head
    assert b"no-store" in head


# -- connections ------------------------------------------------------------------------------------------


async def _ends(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side ends it."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.3)


@pytest.mark.usefixtures("hurried")
async def test_who_does_not_come_to_the_point_is_let_go(api: TestApi) -> None:
    """Slow request heads, and TLS that is begun only, one byte at a time."""
    begun = (b"", b"G", b"\x16", b"\x16\x03\x01\x02\x00", b"POST /api/v2.0.0/login HTTP/1.1\r\nX")
    await asyncio.gather(*(_begin(api, begin) for begin in begun))
    await eventually(lambda: not api.front._per_address, "they count no more")


async def _begin(api: TestApi, begin: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(begin)

    async def drip() -> None:
        with contextlib.suppress(OSError):
            while begin.startswith(b"POST"):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert await _ends(reader) == b""
    dripping.cancel()
    writer.transport.abort()


async def test_a_second_request_that_drips_on_an_open_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "KEEPALIVE_SECONDS", 0.3)
    async with running_api() as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"</html>")
        dripped = 0
        async with asyncio.timeout(10):
            with contextlib.suppress(OSError):
                while not reader.at_eof():
                    writer.write(b"G" if dripped else b"")
                    dripped += 1
                    await writer.drain()
                    await asyncio.sleep(0.02)
        writer.transport.abort()
        assert dripped > 2


async def test_a_head_without_end_is_cut_off(api: TestApi) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    with contextlib.suppress(OSError):
        writer.write(b"GET / HTTP/1.1\r\n")
        for turn in range(60):
            writer.write(b"X-%d: " % turn + b"a" * 1000 + b"\r\n")
            await writer.drain()
    assert await _ends(reader) == b""
    writer.transport.abort()


async def test_one_address_does_not_take_all_connections(api: TestApi) -> None:
    await _set(api, connections="3")
    held = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(3)]
    await eventually(lambda: api.front._per_address["127.0.0.1"] == 3, "three are there")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    assert await _ends(reader) == b""
    writer.close()
    head, _ = await api.raw(b"GET / HTTP/1.0\r\n\r\n", source="127.0.0.5")
    assert head.startswith(b"HTTP/1.0 200")
    assert api.front.refused == 1
    for _, one in held:
        one.transport.abort()
    await eventually(lambda: not api.front._per_address, "they have gone")
    head, _ = await api.raw(b"GET / HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")


async def _big(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=b"x" * (16 << 20))


async def test_who_does_not_read_his_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a few hundred of them would hold as many answers in memory for ever."""
    monkeypatch.setattr(front, "STALL_SECONDS", 1)
    async with running_api() as api:
        api.site.add("/big", _big)
        _, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
        writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: api.front._per_address["127.0.0.1"] == 1, "it is there")
        await eventually(lambda: not api.front._per_address, "it is let go", seconds=20)
        writer.transport.abort()
