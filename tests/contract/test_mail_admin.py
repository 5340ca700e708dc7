"""The operators' view of mail and alarms: settings without their secret, the queue, the test mail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.areas.mail.model import OutgoingMail
from offhook.operations import OperationRefused, Operations
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.mailserver import PASSWORD, USER, running_mail_server
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as api:
        await api.core.mailer.start()
        api.core.on_parts_changed(api.core.mailer.on_parts_changed)
        try:
            yield api
        finally:
            await api.core.mailer.close()


@pytest.fixture
def admin(api: TestApi) -> Admin:
    return Admin(api.port, api.core.first_passwords.console)


async def test_the_password_is_taken_and_never_shown(
    api: TestApi, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await admin.ok("PATCH", "/settings/mail", {"host": "mail.example.com", "password": PASSWORD})
    assert shown["host"] == "mail.example.com"
    assert "password" not in shown
    assert "password" not in await admin.ok("GET", "/settings/mail")
    assert PASSWORD not in await api.core.apply.export()
    document = await admin.ok("GET", "/openapi.json")
    schema = document["paths"]["/settings/mail"]["patch"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert schema["properties"]["password"]["writeOnly"]
    assert {"/mail", "/mail/test", "/mail/{id}", "/mail/{id}/retry", "/alarms"} <= document["paths"].keys()
    declared = f"mail: {{password: {PASSWORD}}}"
    assert not (await api.core.apply.apply(declared)).changes, "it is the one that is stored"
    applied = await api.core.apply.apply("mail: {password: another-One}")
    assert "another-One" not in "\n".join(applied.lines)
    assert PASSWORD not in caplog.text
    assert "another-One" not in caplog.text


@pytest.mark.parametrize(
    ("setting", "values"),
    {
        "host": ["a b", "x\r\ny", "x" * 254, "[::1]"],
        "port": ["0", "65536", "x"],
        "security": ["ssl", "on"],
        "verify": ["yes"],
        "cafile": ["relative.pem", "/x\n"],
        "fromaddress": ["ann", "ann@x\r\n", "a@b@c d", "<ann@example.com>"],
        "fromname": ["x\r\nBcc: y", "x" * 64],
        "alarmrecipients": ["ann", "ann@example.com,bob"],
        "alarmminutes": ["0", "1441"],
        "maxsize": ["0", "101"],
        "retryhours": ["0", "241"],
        "keepfaxes": ["maybe"],
        "nothing": ["x"],
    }.items(),
)
async def test_wrong_settings_are_refused(
    api: TestApi, admin: Admin, setting: str, values: list[str]
) -> None:
    before = await admin.ok("GET", "/settings/mail")
    for value in values:
        assert setting in await admin.refused(400, "PATCH", "/settings/mail", {setting: value})
    assert await admin.ok("GET", "/settings/mail") == before


async def test_where_links_lead_is_a_setting(admin: Admin) -> None:
    for value in ("pbx.example.com", "javascript:alert(1)", "https://x y", "https://x\r\ny", "https://x#y"):
        await admin.refused(400, "PATCH", "/settings/softclient", {"address": value})
    shown = await admin.ok("PATCH", "/settings/softclient", {"address": "https://pbx.example.com:8088"})
    assert shown == {"address": "https://pbx.example.com:8088", "linkhours": 24}


async def test_the_test_mail_tells_what_the_server_says(admin: Admin) -> None:
    assert "host and fromaddress" in await admin.refused(
        400, "POST", "/mail/test", {"address": "ann@example.com"}
    )
    async with running_mail_server(auth=True) as server:
        settings = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": USER}
        await admin.ok(
            "PATCH", "/settings/mail", {**settings, "fromaddress": "pbx@example.com", "password": "x"}
        )
        answer = await admin.ok("POST", "/mail/test", {"address": "ann@example.com"})
        assert answer == {"sent": False, "answer": "535 5.7.8 Authentication credentials invalid"}
        await admin.ok("PATCH", "/settings/mail", {"password": PASSWORD})
        answer = await admin.ok("POST", "/mail/test", {"address": "ann@example.com"})
        assert answer == {"sent": True, "answer": "OK: queued as 42"}
        assert server.received[0].message["Subject"] == "Test"
    await admin.refused(400, "POST", "/mail/test", {"address": "ann"})
    await admin.refused(400, "POST", "/mail/test", {"address": "ann@example.com", "subject": "x"})
    await admin.refused(405, "GET", "/mail/test")


async def test_the_queue_is_listed_retried_and_emptied(api: TestApi, admin: Admin) -> None:
    async with running_mail_server() as server:
        settings = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        await admin.ok("PATCH", "/settings/mail", {**settings, "fromaddress": "pbx@example.com"})
        server.say["RCPT"] = "550 no such user"
        mail = OutgoingMail("ann@example.com", "Hello", "secret text", kind="fax")
        identity = await api.core.store.write("test", lambda unit: api.core.mailer.queue(unit, mail))
        await eventually(lambda: server.tries == 1, "it was tried")
        for _ in range(200):
            (shown,) = (await admin.ok("GET", "/mail"))["items"]
            if shown["state"] == "dead":
                break
        assert (shown["to"], shown["kind"], shown["answer"]) == ("ann@example.com", "fax", "550 no such user")
        assert "secret text" not in str(shown)
        assert (await admin.ok("GET", "/mail?state=waiting"))["items"] == []
        assert len((await admin.ok("GET", "/mail?state=dead"))["items"]) == 1
        await admin.refused(400, "GET", "/mail?state=lost")
        server.say.clear()
        await admin.ok("POST", f"/mail/{identity}/retry", {})
        await server.mail()
        for path in ("/mail/99/retry", "/mail/x/retry", f"/mail/{10**20}/retry", "/mail/-1/retry"):
            await admin.refused(404, "POST", path, {})
        await admin.ok("DELETE", f"/mail/{identity}")
        await admin.refused(404, "DELETE", f"/mail/{identity}")
        await admin.refused(404, "GET", "/mail/1/retry/x")
        assert (await admin.ok("GET", "/mail"))["items"] == []


async def test_the_command_says_the_same(api: TestApi) -> None:
    operations = Operations(api.core)
    with pytest.raises(OperationRefused, match="host and fromaddress"):
        await operations.perform("mail-test", {"address": "ann@example.com"})
    assert (await operations.perform("mail-queue", {}))["lines"] == ["No mail waits."]
    async with running_mail_server() as server:
        await api.core.apply.apply(
            f"mail: {{host: 127.0.0.1, port: {server.port}, security: none, fromaddress: pbx@example.com}}"
        )
        answer = await operations.perform("mail-test", {"address": "ann@example.com"})
        assert answer["lines"] == ["The server has taken the mail: OK: queued as 42"]
        server.say["RCPT"] = "550 no such user"
        with pytest.raises(OperationRefused, match="550 no such user"):
            await operations.perform("mail-test", {"address": "ann@example.com"})
        mail = OutgoingMail("ann@example.com", "Hello", "text", kind="fax")
        await api.core.store.write("test", lambda unit: api.core.mailer.queue(unit, mail))
        await eventually(lambda: server.tries == 3, "it was tried")
        for _ in range(200):
            (line,) = (await operations.perform("mail-queue", {}))["lines"]
            if "dead" in line:
                break
        assert line == "1 dead fax ann@example.com (1 tries) 550 no such user"


async def test_alarms_are_listed(api: TestApi, admin: Admin) -> None:
    api.alarms.raise_("disk", "the disk is nearly full")
    await api.alarms.close()
    (alarm,) = (await admin.ok("GET", "/alarms"))["items"]
    now = int(api.clock.now())
    assert alarm == {
        "key": "disk",
        "text": "the disk is nearly full",
        "active": True,
        "since": now,
        "last": now,
        "count": 1,
    }
    await admin.refused(405, "DELETE", "/alarms")
    await admin.refused(404, "GET", "/alarms/disk")
