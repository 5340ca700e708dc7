"""The operators' JSON API: who may call, every kind of object, settings, and its own description."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.kinds import KINDS
from tests.contract.cases.objects import FIRST_FREE, OBJECTS, USES
from tests.support.admin import Admin
from tests.support.api import ELSEWHERE, MD5
from tests.support.switchboard import Switchboard, running_switchboard

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_api() -> AsyncIterator[Switchboard]:
    async with running_switchboard() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(the_api: Switchboard) -> AsyncIterator[Switchboard]:
    """The switchboard, as it was at first."""
    await the_api.begin_again()
    yield the_api


@pytest.fixture
def admin(api: Switchboard) -> Admin:
    """Its administrator."""
    return Admin(api.api.port, api.core.first_passwords.console)


def _texts(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return [str(part) for part in value] if isinstance(value, list) else str(value)


def _same(shown: Any, sent: Any) -> bool:
    """Whether what is shown is what was sent, lists and numbers as texts or not."""
    if isinstance(shown, list) and isinstance(sent, str):
        sent = [part for part in sent.split(",") if part]
    return bool(_texts(shown) == _texts(sent))


async def test_every_kind_has_an_object_here() -> None:
    assert set(OBJECTS) == {kind.key for kind in KINDS}
    assert set(FIRST_FREE) == {kind.key for kind in KINDS if kind.numbered}


@pytest.mark.parametrize("key", OBJECTS)
async def test_an_object_is_made_read_changed_and_deleted(api: Switchboard, admin: Admin, key: str) -> None:
    kind = api.core.objects[key].kind
    made, changes = OBJECTS[key]
    before = (await admin.ok("GET", f"/{key}"))["items"]
    got = await admin.ask("POST", f"/{key}", made)
    assert got.status == 201
    identity = got.body[kind.primary]
    assert identity == FIRST_FREE.get(key, identity)
    shown = await admin.ok("GET", f"/{key}/{identity}")
    secrets = {field.name for field in kind.fields if field.secret}
    assert set(shown) == {kind.primary, *kind.by_name} - secrets
    for name, value in made.items():
        assert name in secrets or _same(shown[name], value), name
    changed = await admin.ok("PATCH", f"/{key}/{identity}", changes)
    for name in shown:
        expected = changes.get(name, shown[name])
        assert _same(changed[name], expected), name
    assert await admin.ok("GET", f"/{key}/{identity}") == changed
    items = (await admin.ok("GET", f"/{key}"))["items"]
    assert [item for item in items if item[kind.primary] == identity] == [changed]
    assert len(items) == len(before) + 1
    # what was shown can be sent back
    assert (
        await admin.ok("PUT", f"/{key}/{identity}", {n: v for n, v in changed.items() if n != "id"})
        == changed
    )
    deleted = await admin.ask("DELETE", f"/{key}/{identity}")
    assert (deleted.status, deleted.body) == (204, None)
    for method in ("GET", "DELETE"):
        await admin.refused(404, method, f"/{key}/{identity}")
    await admin.refused(404, "PATCH", f"/{key}/{identity}", changes)
    assert (await admin.ok("GET", f"/{key}"))["items"] == before


@pytest.mark.parametrize("key", OBJECTS)
async def test_what_is_wrong_is_refused_and_changes_nothing(api: Switchboard, admin: Admin, key: str) -> None:
    kind = api.core.objects[key].kind
    made = OBJECTS[key][0]
    (first, *_) = (await admin.ok("GET", f"/{key}"))["items"] or [None]
    if first is None:
        await admin.ok("POST", f"/{key}", made)
        await api.remember()
        (first,) = (await admin.ok("GET", f"/{key}"))["items"]
    own = f"/{key}/{first[kind.primary]}"
    for method, path in (("POST", f"/{key}"), ("PATCH", own)):
        assert "colour is an unknown setting" in await admin.refused(
            400, method, path, {**made, "colour": "red"}
        )
        assert "id is an unknown setting" in await admin.refused(400, method, path, {**made, "id": "7"})
        for raw in (b"[]", b'"x"', b"1", b"null", b"[{}]", b"{", b"\xff", b'{"a": 1}}', b"[" * 100000):
            await admin.refused(400, method, path, data=raw, kind="application/json")
        for value in ({"a": "b"}, [["a"]], [{"a": "b"}]):
            await admin.refused(400, method, path, {**made, kind.identity: value})
    for field in kind.fields:
        for odd in ("\x00", "\ud800", "x" * 5000):
            await admin.refused(400, "PATCH", own, {field.name: odd})
        if field.required and not (kind.numbers and field.name == kind.identity):
            await admin.refused(400, "POST", f"/{key}", {n: v for n, v in made.items() if n != field.name})
    # the name or number of the first one
    assert await admin.refused(409, "POST", f"/{key}", {**made, kind.identity: first[kind.identity]})
    for other in ("999999", "x", "-1", "1%2C2", "all", "%00", "..%2Ftrunks%2F1", "１"):
        await admin.refused(404, "GET", f"/{key}/{other}")
        await admin.refused(404, "DELETE", f"/{key}/{other}")
    for method, path in (("DELETE", f"/{key}"), ("PATCH", f"/{key}"), ("POST", own)):
        await admin.refused(405, method, path, {})
    assert not await api.has_changed()


@pytest.mark.parametrize(
    "path", ["/moon", "/trunks/1/x", "/settings", "/settings/moon", "/settings/parking/x", "/dialplan/x"]
)
async def test_there_is_nothing_elsewhere(admin: Admin, path: str) -> None:
    await admin.refused(404, "GET", path)


# -- who may call -----------------------------------------------------------------------------------------


async def test_without_or_with_a_wrong_password_nothing_is_told(api: Switchboard, admin: Admin) -> None:
    for stranger in (Admin(admin.port, None), Admin(admin.port, "wrong"), Admin(admin.port, "", "nobody")):
        for method, path in (("GET", "/"), ("GET", "/openapi.json"), ("GET", "/moon"), ("POST", "/queues")):
            got = await stranger.ask(method, path)
            assert got.status == 401
            assert got.headers["WWW-Authenticate"].startswith("Basic ")
        await admin.ok("GET", "/")  # a right one clears the count
    for value in (
        "Basic !!!",
        "Basic " + "QQ==",
        "Bearer x",
        "Basic",
        "Digest username=admin",
        "Basic /////w==",
    ):
        got = await Admin(admin.port, None).ask("GET", "/", headers={"Authorization": value})
        assert got.status == 401
        await admin.ok("GET", "/")


async def test_five_wrong_passwords_lock_the_address_here_and_at_the_login(
    api: Switchboard, admin: Admin
) -> None:
    for _ in range(5):
        await Admin(admin.port, "wrong").refused(401, "GET", "/")
    assert await admin.refused(401, "GET", "/"), "the right one no longer helps"
    answer = await api.api.post("login", {"username": "api", "password": MD5})
    assert answer["errno"] == "20002"
    api.api.clock.advance(601)
    await admin.ok("GET", "/")
    for _ in range(5):
        await api.api.post("login", {"username": "api", "password": "x"})
    await admin.refused(401, "GET", "/")
    api.api.clock.advance(601)
    await admin.ok("GET", "/")


async def test_from_another_machine_only_over_tls(admin: Admin) -> None:
    assert "https" in await admin.refused(403, "GET", "/", prefix=ELSEWHERE)
    await admin.ok("GET", "/", tls=True)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "moon"])
async def test_pages_of_other_sites_cannot_use_a_browsers_password(admin: Admin, site: str) -> None:
    await admin.refused(403, "POST", "/dialplan", headers={"Sec-Fetch-Site": site})
    await admin.ok("GET", "/", headers={"Sec-Fetch-Site": "same-origin"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        await admin.refused(415, "POST", "/queues", data=b'{"queuename": "x"}', kind=kind)


async def test_answers_are_kept_by_nobody_and_show_no_secret(api: Switchboard, admin: Admin) -> None:
    got = await admin.ask("GET", "/trunks")
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    everything = [await admin.ok("GET", f"/{key}") for key in OBJECTS]
    for secret in ("Pajsjx9183", "6700123", "3201", "4711"):
        assert secret not in str(everything)


async def test_a_body_has_an_end(admin: Admin) -> None:
    assert "10 MB" in await admin.refused(413, "PUT", "/prompts/big", data=b"\0" * (10 << 20) + b"x")


# -- what is in use ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "identity", "by", "word", "user"), USES)
async def test_what_is_in_use_cannot_be_deleted(
    api: Switchboard, admin: Admin, key: str, identity: str, by: str, word: str, user: dict[str, str] | None
) -> None:
    if user is not None:
        await admin.ok("POST", f"/{by}", user)
        await api.remember()
    assert f"is in use by {word}" in await admin.refused(409, "DELETE", f"/{key}/{identity}")
    assert not await api.has_changed()


async def test_time_conditions_pin_lists_and_names_are_followed(admin: Admin) -> None:
    await admin.ok("POST", "/timeconditions", {"name": "open", "times": "mon"})
    await admin.ok("POST", "/pinlists", {"name": "staff", "pins": "4711"})
    await admin.ok("PATCH", "/outroutes/1", {"timecondition": "open", "pinlist": "staff"})
    items = {
        key: (await admin.ok("GET", f"/{key}"))["items"][0]["id"] for key in ("timeconditions", "pinlists")
    }
    for key, identity in items.items():
        assert "outbound route out1" in await admin.refused(409, "DELETE", f"/{key}/{identity}")
        await admin.ok("PATCH", f"/{key}/{identity}", {"name": f"new_{key}"})
    shown = await admin.ok("GET", "/outroutes/1")
    assert (shown["timecondition"], shown["pinlist"]) == ("new_timeconditions", "new_pinlists")
    await admin.ok("PATCH", "/outroutes/1", {"name": "renamed", "timecondition": None, "pinlist": ""})
    assert (await admin.ok("GET", "/callbacks/1"))["outroute"] == "renamed"
    for key, identity in items.items():
        await admin.ok("DELETE", f"/{key}/{identity}")


# -- settings ---------------------------------------------------------------------------------------------


async def test_settings(api: Switchboard, admin: Admin) -> None:
    assert await admin.ok("GET", "/settings/parking") == {"slots": "6900-6999", "timeout": 60}
    assert await admin.ok("PATCH", "/settings/parking", {"timeout": 30}) == {
        "slots": "6900-6999",
        "timeout": 30,
    }
    codes = await admin.ok("GET", "/settings/featurecodes")
    assert codes["pickup"] == "*4"
    assert await admin.ok("PUT", "/settings/featurecodes", {"pickup": ""}) == {**codes, "pickup": ""}
    general = await admin.ok("PATCH", "/settings/general", {"maxduration": "600"})
    assert general["maxduration"] == 600
    await api.remember()
    for key, body, status, words in (
        ("parking", {"slots": "6400-6410"}, 409, "6400 is taken by another conference"),
        ("parking", {"slots": "1000-1010"}, 409, "1000 is taken by another extension"),
        ("parking", {"slots": "7000-7500"}, 400, "range"),
        ("parking", {"timeout": 5}, 400, "timeout"),
        ("featurecodes", {"intercom": "*2"}, 409, "have the same code *2"),
        ("featurecodes", {"intercom": "41"}, 400, "intercom must be"),
        ("general", {"maxduration": "-1"}, 400, "maxduration"),
        ("general", {"colour": "red"}, 400, "unknown setting"),
    ):
        assert words in await admin.refused(status, "PATCH", f"/settings/{key}", body)
    await admin.refused(405, "DELETE", "/settings/parking")
    assert not await api.has_changed()


async def test_the_operators_dialplan_is_checked_and_put_in_force(api: Switchboard, admin: Admin) -> None:
    file = api.core.settings.data / "custom" / "a.conf"
    file.write_text("[mine]\nexten => 777,1,Hangup()\n")
    assert await admin.ok("GET", "/dialplan") == {"contexts": ["mine"]}
    assert await admin.ok("POST", "/dialplan") == {"contexts": ["mine"]}
    file.write_text("[mine]\nexten => 777,1,System(rm)\n")
    assert re.search(r"a\.conf:2: ", await admin.refused(400, "POST", "/dialplan"))
    file.unlink()
    await admin.refused(405, "DELETE", "/dialplan")


# -- its own description ----------------------------------------------------------------------------------


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is what a schema says; of JSON Schema as far as the document uses it."""
    types: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}
    if "type" in schema and not isinstance(value, types[schema["type"]]):
        return False
    if schema.get("type") == "integer" and isinstance(value, bool):
        return False
    if "enum" in schema and value not in schema["enum"] and value != "":
        return False
    if isinstance(value, list):
        return all(_fits(part, schema.get("items", {})) for part in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False and not value.keys() <= known.keys():
            return False
        return all(_fits(inner, known.get(name, {})) for name, inner in value.items())
    return True


async def test_the_document_is_a_valid_openapi_document(admin: Admin) -> None:
    document = await admin.ok("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document["servers"] == [{"url": "/admin/api/v1"}]
    assert document["components"]["securitySchemes"]["console"] == {"type": "http", "scheme": "basic"}
    for word in ("ivrs 6500-6599", "queues 6700-6799", "ringgroups 6200-6299", "conferences 6400-6499",
                 "paginggroups 6300-6399", "Extensions begin at 1000", "6900-6999"):  # fmt: skip
        assert word in document["info"]["description"]
    identities: list[str] = []
    for path, item in document["paths"].items():
        named = set(re.findall(r"\{(\w+)\}", path))
        assert named == {one["name"] for one in item.get("parameters", [])}, path
        assert all(one["in"] == "path" and one["required"] for one in item.get("parameters", []))
        for method, operation in item.items():
            if method == "parameters":
                continue
            assert method in {"get", "post", "put", "patch", "delete"}
            identities.append(operation["operationId"])
            assert operation["summary"]
            for status, response in operation["responses"].items():
                assert re.fullmatch("[1-5][0-9]{2}", status)
                if "$ref" in response:
                    assert response["$ref"] == f"#/components/responses/{status}"
                    response = document["components"]["responses"][status]
                assert response["description"]
            for content in operation.get("requestBody", {"content": {}})["content"].values():
                schema = content["schema"]
                assert set(schema.get("required", [])) <= set(schema.get("properties", {}))
    assert len(identities) == len(set(identities))


async def test_the_document_agrees_with_what_is_declared_and_served(api: Switchboard, admin: Admin) -> None:
    document = await admin.ok("GET", "/openapi.json")
    paths = document["paths"]
    for key, (made, _) in OBJECTS.items():
        kind = api.core.objects[key].kind
        add = paths[f"/{key}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        change = paths[f"/{key}/{{{kind.primary}}}"]["patch"]["requestBody"]["content"]["application/json"][
            "schema"
        ]
        shown = paths[f"/{key}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert list(add["properties"]) == list(change["properties"]) == list(kind.by_name)
        assert set(add["required"]) == {f.name for f in kind.fields if f.required} - (
            {"number"} if kind.numbers else set()
        )
        assert "required" not in change
        assert {name for name, one in add["properties"].items() if one.get("writeOnly")} == {
            field.name for field in kind.fields if field.secret
        }
        await admin.ok("POST", f"/{key}", made)
        assert _fits(await admin.ok("GET", f"/{key}"), shown), key
    sections = [path.rpartition("/")[2] for path in paths if path.startswith("/settings/")]
    assert {"featurecodes", "parking", "general"} <= set(sections)
    for key in sections:
        shown = paths[f"/settings/{key}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert _fits(await admin.ok("GET", f"/settings/{key}"), shown)
        assert set(await admin.ok("GET", f"/settings/{key}")) == set(shown["properties"])
    served = {"/", "/openapi.json", "/dialplan", "/prompts", "/prompts/{name}", "/musiconhold"}
    served |= {"/musiconhold/{class}", "/musiconhold/{class}/{name}"}
    served |= {"/records", "/records/{callid}", "/recordings", "/recordings/check", "/recordings/{name}"}
    served |= {"/mail", "/mail/test", "/mail/{id}", "/mail/{id}/retry", "/alarms"}
    served |= {"/spending", "/spending/stop", "/spending/resume", "/spending/{who}"}
    served |= {"/bans", "/bans/{address}", "/receivers", "/receivers/{id}/deadletters"}
    served |= {
        f"/receivers/{{id}}/deadletters{rest}" for rest in ("/resend", "/{letter}", "/{letter}/resend")
    }
    served |= {"/wakeupcalls", "/wakeupcalls/{id}", "/wakeupjournal"}
    served |= {"/api", "/webhooks", "/webhooks/{id}"}
    served |= {f"/webhooks/{{id}}/{what}" for what in ("rotate", "pause", "resume", "replay", "test")}
    served |= {"/apikeys", "/apikeys/{id}"}
    for path, item in paths.items():
        if path.split("/")[1] not in {*OBJECTS, "settings"}:
            assert path in served
            served.discard(path)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {word.upper() for word in item}:
            if (method, path.count("{")) in {("PUT", 1), ("POST", 1), ("POST", 2), ("PUT", 0)}:
                continue  # PUT works like PATCH, POST like PUT
            await admin.refused(405, method, re.sub(r"\{\w+\}", "x", path), {})
    assert not served
