"""What clients in the field really send, as raw bytes on a real socket (spec 19-tolerances, `requests`)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.contract.feed import FEED_PATHS
from offhook.web.reading import NotJson, normalise_request_line, read_body, read_query
from tests.support.api import MD5, TestApi, running_api
from tests.support.phone import eventually

LOGIN = json.dumps({"username": "api", "password": MD5}).encode()


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as running:
        yield running


def request(line: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [line, *headers]
    if body or not any(header.lower().startswith("content-length") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "Application/JSON;Charset=UTF8",
        "application/json; charset=gbk",
        "nonsense",
        "",
    ],
)
async def test_the_content_type_says_nothing(api: TestApi, kind: str) -> None:
    line = "POST /api/v2.0.0/login HTTP/1.1"
    headers = ["Host: pbx", *([f"Content-Type: {kind}"] if kind else [])]
    assert (await api.json(request(line, LOGIN, *headers)))["status"] == "Success"


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.1", "v1.1.0", "v1.10", "v2.0.0"])
async def test_login_under_any_version(api: TestApi, version: str) -> None:
    answer = await api.json(request(f"POST /api/{version}/login HTTP/1.1", LOGIN, "Host: pbx"))
    token = answer["token"]
    for path in ("heartbeat", "logout"):
        line = f"POST /api/{version}/{path}?token={token} HTTP/1.1"
        assert (await api.json(request(line, b"", "Host: pbx")))["status"] == "Success"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"  \r\n", b"{ }"])
async def test_no_parameters(api: TestApi, body: bytes) -> None:
    token = await api.login()
    answer = await api.post(f"extension/list?token={token}", body)
    assert answer == {"status": "Success", "extlist": []}


async def test_get_works_with_and_without_parameters(api: TestApi) -> None:
    token = await api.login()
    for target in (
        f"/api/v2.0.0/extension/list?token={token}",
        f"/api/v2.0.0/companycontacts/query?token={token}&id=all",
        f"/api/v2.0.0/heartbeat?token={token}",
    ):
        line = f"GET {target} HTTP/1.1"
        answer = await api.json(request(line, b"", "Host: pbx", "Content-Type: application/json"))
        assert answer["status"] == "Success"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW", "TRACE", "CONNECT", "P@ST"])
async def test_another_method_gets_20001(api: TestApi, method: str) -> None:
    answer = await api.json(request(f"{method} /api/v2.0.0/login HTTP/1.1", LOGIN, "Host: pbx"))
    assert (answer["status"], answer["errno"]) == ("Failed", "20001")


async def test_a_lower_case_method_and_version_are_read(api: TestApi) -> None:
    answer = await api.json(request("post /api/v2.0.0/login http/1.1", LOGIN, "Host: pbx"))
    assert answer["status"] == "Success"


async def test_http_1_0_and_no_host(api: TestApi) -> None:
    assert (await api.json(request("POST /api/v2.0.0/login HTTP/1.0", LOGIN)))["status"] == "Success"
    assert (await api.json(request("POST /api/v2.0.0/login HTTP/1.1", LOGIN)))["status"] == "Success"


@pytest.mark.parametrize(
    "query",
    [
        "token={token}&firstname=Ann Lee&lastname=Wu&mobile=1",
        "token={token}&firstname=Ann%20Lee&lastname=Wu&mobile=1",
        "token={token}&firstname=Ann+Lee&lastname=Wu&mobile=1",
        "token={token}?firstname=Ann Lee&lastname=Wu&mobile=1",
    ],
)
async def test_blanks_and_a_second_question_mark(api: TestApi, query: str) -> None:
    token = await api.login()
    target = "/api/v2.0.0/companycontacts/add?" + query.format(token=token)
    added = await api.json(request(f"POST {target} HTTP/1.1", b"", "Host: pbx"))
    assert added["status"] == "Success", added
    found = await api.post(f"companycontacts/query?token={token}", {"id": added["id"]})
    assert found["companycontacts"][0]["firstname"] == "Ann Lee"


async def test_the_token_may_stand_in_the_body(api: TestApi) -> None:
    token = await api.login()
    assert (await api.post("extension/list", {"token": token}))["status"] == "Success"
    assert (await api.post("companycontacts/query", {"token": token, "id": "all"}))["status"] == "Success"


async def test_numbers_and_strings_are_alike(api: TestApi) -> None:
    token = await api.login(port=8260, urltag=0, url="report")
    answer = await api.post(f"companycontacts/query?token={token}", b'{"id": 12}')
    assert answer["errno"] == "10139"
    assert (await api.post(f"heartbeat?token={token}", b'{"port": 8260}'))["status"] == "Success"


async def test_expect_100_continue(api: TestApi) -> None:
    head = request("POST /api/v2.0.0/login HTTP/1.1", LOGIN, "Host: pbx", "Expect: 100-continue")
    first, rest = await api.raw(head)
    assert first.startswith(b"HTTP/1.1 100")
    assert b'"status":"Success"' in rest


async def test_a_comma_before_the_brace_is_let_pass(api: TestApi) -> None:
    token = await api.login()
    answer = await api.post(f"companycontacts/query?token={token}", b'{"id": "all",\n}')
    assert answer["status"] == "Success"


@pytest.mark.parametrize(
    "body",
    [b"{username: api}", b"username=api&password=x", b"<xml/>", b'"text"', b"{", b"\xff\xfe\x00", b"[1]"],
)
async def test_what_is_no_json_gets_20000_at_login_too(api: TestApi, body: bytes) -> None:
    assert (await api.post("login", body))["errno"] == "20000"


async def test_deep_nesting_is_refused(api: TestApi) -> None:
    body = b'{"username":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert (await api.post("login", body))["errno"] == "20000"


async def test_order_of_refusals(api: TestApi) -> None:
    assert (await api.post("extension/list"))["errno"] == "20005"
    assert (await api.post("extension/list?token=0123"))["errno"] == "20004"
    assert (await api.post("nothing/here?token=0123"))["errno"] == "20004"
    token = await api.login()
    assert (await api.post(f"nothing/here?token={token}"))["errno"] == "10003"
    assert (await api.post(f"?token={token}"))["errno"] == "20009"
    assert (await api.post(f"extension/query?token={token}"))["errno"] == "20007"
    assert (await api.post(f"extension/query?token={token}", {"x": "y"}))["errno"] == "10004"
    assert (await api.post(f"extension/query?token={token}", {"number": "1"}))["errno"] == "10006"


async def test_every_answer_has_the_headers_of_the_appliances(api: TestApi) -> None:
    head, _ = await api.raw(request("POST /api/v2.0.0/nothing HTTP/1.1", b"", "Host: pbx"))
    text = head.decode().lower()
    assert text.startswith("http/1.1 200 ok")
    for line in (
        "content-type: application/json",
        "connection: close",
        "access-control-allow-origin: *",
        "access-control-allow-methods: get, post, options, put, delete",
    ):
        assert line in text


async def test_http_and_https_on_the_same_port(api: TestApi) -> None:
    for tls in (False, True):
        line = "POST /api/v2.0.0/login HTTP/1.1"
        answer = await api.json(request(line, LOGIN, "Host: pbx"), tls=tls)
        other = await api.json(
            request(f"POST /api/v2.0.0/extension/list?token={answer['token']} HTTP/1.1", b"", "Host: pbx"),
            tls=not tls,
        )
        assert other["status"] == "Success"


async def test_https_only_redirects_plain_http() -> None:
    async with running_api(https_only=True) as api:
        head, _ = await api.raw(request("POST /api/v2.0.0/login HTTP/1.1", LOGIN, "Host: pbx.local:80"))
        assert head.startswith(b"HTTP/1.1 302")
        assert f"location: https://pbx.local:{api.port}/api/v2.0.0/login".encode() in head.lower()
        line = "POST /api/v2.0.0/login HTTP/1.1"
        assert (await api.json(request(line, LOGIN, "Host: pbx"), tls=True))["status"] == "Success"


async def test_nothing_succeeds_before_the_pbx_is_ready(api: TestApi) -> None:
    api.ready = False
    assert (await api.post("login", LOGIN))["errno"] == "30003"


async def test_a_failure_inside_is_never_success(
    api: TestApi, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await api.login()
    monkeypatch.setattr(api.core.extensions, "query", None)
    answer = await api.post(f"extension/list?token={token}")
    assert (answer["status"], answer["errno"]) == ("Failed", "20010")
    assert "failed inside" in caplog.text


async def test_the_openapi_document_names_every_endpoint(api: TestApi) -> None:
    _, body = await api.raw(request("GET /api/openapi.json HTTP/1.1", b"", "Host: pbx", "Connection: close"))
    document = json.loads(body)
    assert set(document["paths"]) == {f"/{endpoint.path}" for endpoint in api.registry} | set(FEED_PATHS)
    login = document["paths"]["/login"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert login["required"] == ["username", "password"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300))
async def test_no_bytes_bring_the_port_down(api: TestApi, noise: bytes) -> None:
    head, _ = await api.raw(noise + b"\r\n\r\n", half_close=True)
    assert not head.startswith(b"HTTP/1.1 5")
    assert (await api.post("login", LOGIN))["status"] == "Success"


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        values = read_body(body)
    except NotJson:
        return
    assert all(isinstance(value, str) for value in values.values())


@given(st.text(max_size=100))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        read_query(query)
    except ValueError:
        return


@given(st.binary(max_size=100).filter(lambda line: b"\n" not in line))
def test_a_repaired_request_line_is_one_that_a_parser_takes(line: bytes) -> None:
    repaired = normalise_request_line(b"POST /" + line + b" HTTP/1.1")
    method, target, version = repaired.split(b" ")
    assert (method, version) == (b"POST", b"HTTP/1.1")
    assert all(0x21 <= byte <= 0x7E for byte in target)


async def test_a_failed_handshake_counts_no_longer_as_a_connection(api: TestApi) -> None:
    for _ in range(20):
        await api.raw(b"\x16\x03\x01\x00\x05hello" + b"\x00" * 100, half_close=True)
    await eventually(lambda: not api.front._per_address.total(), "no connection is counted")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1556268469.2840", "1556268469.2840"),
        ("1e5", "1e5"),
        ("-0", "-0"),
        ("00", None),
        ("12345678901234567890", ""),
    ],
)
def test_a_bare_number_keeps_its_digits(number: str, text: str | None) -> None:
    body = f'{{"callid": {number}}}'.encode()
    if text is None:
        with pytest.raises(NotJson):
            read_body(body)
    else:
        assert read_body(body) == {"callid": text or number}
