"""The operators' view of receivers and their dead letters, with a receiver that refuses at first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.events.api import NewCdr
from offhook.operations import OperationRefused, Operations
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.pbx import Receiver
from tests.support.waiting import eventually

CDR = {
    "timestart": "2026-01-01 00:00:00",
    "callfrom": "1000",
    "callto": "1001",
    "call_seconds": 1,
    "talk_seconds": 1,
    "status": "ANSWERED",
    "type": "Internal",
}


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as api:
        yield api


@pytest.fixture
def admin(api: TestApi) -> Admin:
    return Admin(api.port, api.core.first_passwords.console)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver(b"HTTP/1.1 400 No\r\n\r\n")
    await made.start()
    yield made
    await made.close()


async def tell(api: TestApi, callid: str) -> None:
    event: Any = NewCdr(callid=callid, **CDR)  # type: ignore[arg-type]
    await api.core.store.write("record", lambda unit: api.core.dispatcher.publish(unit, event))


async def letters(admin: Admin, count: int) -> list[dict[str, Any]]:
    """The dead letters, once there are so many."""
    async with asyncio.timeout(8):
        while True:
            found: list[dict[str, Any]] = (await admin.ok("GET", "/receivers/1/deadletters"))["items"]
            if len(found) == count:
                return found
            await asyncio.sleep(0.02)


async def test_dead_letters_are_listed_sent_again_and_dropped(
    api: TestApi, admin: Admin, receiver: Receiver
) -> None:
    await api.login(port=str(receiver.port))
    for callid in ("1.1", "1.2", "1.3"):
        await tell(api, callid)
    found = await letters(admin, 3)
    assert [(one["callid"], one["event"], one["reason"]) for one in found] == [
        (callid, "NewCdr", "refused: status 400") for callid in ("1.3", "1.2", "1.1")
    ]
    (shown,) = (await admin.ok("GET", "/receivers"))["items"]
    assert (shown["state"], shown["givenup"], shown["deadletters"]) == ("up", 3, 3)
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    receiver.clear()
    assert await admin.ok("POST", f"/receivers/1/deadletters/{found[0]['id']}/resend") == {"count": 1}
    await eventually(lambda: receiver.events, "it comes")
    assert await admin.ok("DELETE", f"/receivers/1/deadletters/{found[1]['id']}") == {"count": 1}
    await letters(admin, 1)
    assert await admin.ok("POST", "/receivers/1/deadletters/resend") == {"count": 1}
    await eventually(lambda: len(receiver.events) == 2, "the last one comes")
    assert [event["callid"] for event in receiver.events] == ["1.3", "1.1"]
    await letters(admin, 0)
    document = await admin.ok("GET", "/openapi.json")
    assert "/receivers/{id}/deadletters/{letter}/resend" in document["paths"]


async def test_what_cannot_be_sent_again(api: TestApi, admin: Admin, receiver: Receiver) -> None:
    token = await api.login(port=str(receiver.port))
    await tell(api, "1.1")
    found = await letters(admin, 1)
    for path in (
        "/receivers/9/deadletters",
        "/receivers/x/deadletters",
        "/receivers/1",
        "/receivers/1/deadletters/1/x",
    ):
        assert (await admin.ask("GET", path)).status in {404, 405}
    assert (await admin.ask("POST", "/receivers/1/deadletters/99/resend")).status == 404
    assert (await admin.ask("POST", "/receivers")).status == 405
    await api.post(f"logout?token={token}")
    refused = await admin.ask("POST", f"/receivers/1/deadletters/{found[0]['id']}/resend")
    assert (refused.status, "log in" in refused.error) == (409, True)
    (shown,) = (await admin.ok("GET", "/receivers"))["items"]
    assert shown["state"] == "away"
    assert await admin.ok("DELETE", "/receivers/1/deadletters") == {"count": 1}


async def test_the_settings_are_applied_and_shown(api: TestApi, admin: Admin) -> None:
    assert (await admin.ok("GET", "/settings/events"))["replay"] == "records"
    await admin.ok("PATCH", "/settings/events", {"replay": "all", "keephours": 1})
    await api.core.apply.apply("events: {maxmegabytes: 7}")
    now = api.core.dispatcher.settings
    assert (now.replay, now.keep_seconds, now.max_bytes) == ("all", 3600.0, 7_000_000)
    assert (await admin.ask("PATCH", "/settings/events", {"replay": "some"})).status == 400


async def test_the_command_lists_and_sends_again(api: TestApi, admin: Admin, receiver: Receiver) -> None:
    operations = Operations(api.core)

    async def lines(operation: str, **arguments: str) -> list[str]:
        told: list[str] = (await operations.perform(f"receivers-{operation}", arguments))["lines"]
        return told

    assert await lines("list") == ["No application has named a receiver."]
    token = await api.login(port=str(receiver.port))
    assert await lines("letters", id="1") == ["Nothing was given up."]
    await tell(api, "1.1")
    (letter,) = await letters(admin, 1)
    (told,) = await lines("list")
    assert f"127.0.0.1:{receiver.port}/  up, 0 wait, 0 delivered, 1 not" in told
    (told,) = await lines("letters", id="1")
    assert told.startswith(f"{letter['id']}  ")
    assert told.endswith("NewCdr of call 1.1: refused: status 400")
    for wrong in ({"id": "9"}, {"id": "-1"}, {"id": "1", "letter": "99"}, {"id": "1", "letter": "x"}, {}):
        with pytest.raises(OperationRefused):
            await lines("resend", **wrong)
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    receiver.clear()
    assert (await lines("resend", id="1"))[0].startswith("1 on their way")
    await eventually(lambda: receiver.events, "it comes")
    await letters(admin, 0)
    await api.post(f"logout?token={token}")
    with pytest.raises(OperationRefused, match="has to log in first"):
        await lines("resend", id="1")
