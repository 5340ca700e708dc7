"""Signed webhooks: real receivers on real sockets, signatures checked by the standard's own library."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from offhook.areas.webhooks import model
from offhook.areas.webhooks.signing import key_of, new_secret, signature_headers
from offhook.callstate.model import ExtensionState
from offhook.events.api import CallStatus, ConfigChange, Dtmf, Event, ExtensionStatus
from offhook.subscriptions import Subscriptions
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.pbx import free_port
from tests.support.phone import eventually


class Receiver:
    """A receiver of webhooks; `status` is what it answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"ok"
        self.wait: Callable[[], Awaitable[None]] | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?key=hidden"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def names(self) -> list[str]:
        """What the events are about."""
        return [body["data"].get("extid", body["type"]) for body in self.bodies]

    def verified(self, secret: str, at: int = -1) -> Any:
        headers, body = self.got[at]
        return Webhook(secret).verify(body, headers)

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._take, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.got.append(
            ({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        if self.wait is not None:
            await self.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


class House:
    """A running API with an operator and a receiver."""

    def __init__(self, api: TestApi, admin: Admin, receiver: Receiver) -> None:
        self.api, self.admin, self.receiver = api, admin, receiver
        self.service = api.subscriptions.webhooks

    async def hook(self, **settings: str) -> tuple[str, str]:
        """A webhook to the receiver: its id and secret. Alarms that it makes itself are left out."""
        default = {"url": self.receiver.url, "kinds": "ConfigChange"}
        made = await self.admin.ok("POST", "/webhooks", {"name": "crm", **default, **settings})
        return made["id"], made["secret"]

    async def tell(self, *events: Event) -> int:
        for event in events:
            self.api.core.dispatcher.publish_soon(event)
        await self.api.core.dispatcher.journal.flushed()
        return self.api.core.dispatcher.journal.last()

    async def shown(self, identity: str) -> Any:
        return await self.admin.ok("GET", f"/webhooks/{identity}")

    async def alarms(self) -> dict[str, bool]:
        return {row["key"]: row["active"] for row in await self.api.alarms.listed()}


def change(number: object) -> ConfigChange:
    return ConfigChange("extension", str(number), "add")


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    receiver = Receiver()
    await receiver.start()
    with mock.patch.object(model, "_PAUSES", (0.05,)):
        async with running_api() as api:
            api.clock.advance(time.time() - api.clock.now())  # signatures hold for a while only
            yield House(api, Admin(api.port, api.core.first_passwords.console), receiver)
            await receiver.close()


async def test_what_happens_is_posted_and_signed(house: House) -> None:
    await house.tell(change("before"))
    identity, secret = await house.hook()
    last = await house.tell(change(1), change(2))
    await eventually(lambda: house.receiver.names == ["1", "2"], "both came, and nothing of before")
    body = house.receiver.verified(secret)
    assert list(body) == ["id", "type", "timestamp", "data"]
    assert (body["id"], body["type"]) == (str(last), "ConfigChange")
    assert body["data"]["sn"] == house.api.core.system.identity.sn
    headers = house.receiver.got[0][0]
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"].startswith(f"evt_{identity}_{last - 1}_")
    with pytest.raises(WebhookVerificationError):
        house.receiver.verified(new_secret())
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(house.receiver.got[0][1] + b" ", headers)


async def test_a_secret_is_shown_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    identity, secret = await house.hook()
    house.receiver.status = 500
    await house.tell(change(1))
    await eventually(lambda: house.receiver.got, "it came")
    rotated = (await house.admin.ok("POST", f"/webhooks/{identity}/rotate"))["secret"]
    await house.admin.ok("POST", f"/webhooks/{identity}/test")
    said = json.dumps([await house.shown(identity), await house.admin.ok("GET", "/webhooks")])
    said += await house.api.core.apply.export() + caplog.text
    for one in (secret, rotated):
        assert one not in said
        assert one.removeprefix("whsec_") not in said
    assert "key=hidden" not in caplog.text
    stored = (house.api.core.settings.data / "offhook.db").read_bytes()
    stored += (house.api.core.settings.data / "offhook.db-wal").read_bytes()
    assert secret.encode() not in stored
    assert key_of(secret) not in stored


async def test_a_new_secret_and_the_old_one_together(house: House) -> None:
    identity, old = await house.hook()
    new = (await house.admin.ok("POST", f"/webhooks/{identity}/rotate", {"hours": 2}))["secret"]
    await house.tell(change(1))
    await eventually(lambda: house.receiver.got, "it came")
    assert house.receiver.verified(old) == house.receiver.verified(new)
    house.api.clock.advance(2 * 3600)
    await house.tell(change(2))
    await eventually(lambda: len(house.receiver.got) == 2, "the next came")
    house.api.clock.advance(-2 * 3600)
    headers, body = house.receiver.got[1]
    assert " " not in headers["webhook-signature"]
    assert (
        headers["webhook-signature"]
        == signature_headers(headers["webhook-id"], int(headers["webhook-timestamp"]), body, [key_of(new)])[
            "webhook-signature"
        ]
    )


async def test_one_that_fails_gets_everything_in_order_later(house: House) -> None:
    identity, _ = await house.hook()
    house.receiver.status = 503
    await house.tell(change(1), change(2))
    await eventually(lambda: len(house.receiver.got) >= 3, "the first is tried again and again")
    shown = await house.shown(identity)
    assert (shown["state"], shown["answer"], shown["behind"]) == ("active", "status 503", 2)
    assert shown["failingsince"]
    assert set(house.receiver.names) == {"1"}
    assert len({headers["webhook-id"] for headers, _ in house.receiver.got}) == 1
    house.api.clock.advance(model.ALARM_SECONDS)

    async def alarmed() -> bool:
        return (await house.alarms()).get("receiver:webhook crm", False)

    for _ in range(100):
        if await alarmed():
            break
        await asyncio.sleep(0.05)
    assert await alarmed()
    house.receiver.status = 204
    await eventually(lambda: house.receiver.names[-1] == "2", "it goes on")
    await eventually(lambda: house.service.behind(house.service.workers[0]) == 0, "all is delivered")
    shown = await house.shown(identity)
    assert "failingsince" not in shown
    for _ in range(100):
        if not await alarmed():
            break
        await asyncio.sleep(0.05)
    assert not await alarmed()


async def test_one_that_fails_for_days_is_given_up_until_it_is_resumed(house: House) -> None:
    identity, _ = await house.hook()
    await house.receiver.close()
    await house.tell(change(1))
    worker = house.service.workers[0]
    await eventually(lambda: worker.progress.failing_since, "it fails")
    house.api.clock.advance(model.FAIL_SECONDS)
    await eventually(lambda: worker.progress.state is model.State.FAILED, "it is given up")
    await house.receiver.start()
    await house.admin.ok("POST", f"/webhooks/{identity}/resume")
    await eventually(lambda: house.receiver.names == ["1"], "it gets what it missed")


async def test_a_clock_that_is_set_gives_nobody_up(house: House) -> None:
    await house.hook()
    house.receiver.status = 500
    await house.tell(change(1))
    worker = house.service.workers[0]
    for by in (30 * 86400, -31 * 86400):
        house.api.clock.set_by(by)
        before = len(house.receiver.got)
        await eventually(lambda n=before: len(house.receiver.got) > n + 1, "it is tried")  # type: ignore[misc]
        assert worker.progress.state is model.State.ACTIVE, "it has failed for a moment"
        assert "receiver:webhook crm" not in await house.alarms()
    house.receiver.status = 200
    await eventually(lambda: worker.delivered, "it goes on")


def test_after_a_start_one_that_failed_before_has_another_hour() -> None:
    for ago, before in ((-5.0, 0.0), (60.0, 60.0), (model.FAIL_SECONDS * 9, model.FAIL_SECONDS - 3600)):
        failing = model.Progress(1, failing_since=1000.0)
        assert model.failing_before(failing, 1000.0 + ago) == before
    assert model.failing_before(model.Progress(1), 1000.0) == 0


async def test_one_that_is_gone_is_left_alone(house: House) -> None:
    identity, _ = await house.hook()
    house.receiver.status = 410
    await house.tell(change(1))
    await eventually(lambda: house.service.workers[0].progress.state is model.State.FAILED, "it is given up")
    await house.tell(change(2))
    assert len(house.receiver.got) == 1
    assert (await house.shown(identity))["state"] == "failed"


async def test_what_is_no_longer_kept_is_told_as_a_gap(house: House) -> None:
    await house.hook()
    house.receiver.status = 500
    last = await house.tell(*(change(n) for n in range(5)))
    await eventually(lambda: house.receiver.got, "the first is tried")
    house.api.core.dispatcher.journal.forgotten(last - 2, 0)
    house.receiver.status = 200
    await eventually(lambda: house.receiver.names[-1] == "4", "it goes on")
    assert house.receiver.names[-3:] == ["gap", "3", "4"]
    gap = house.receiver.bodies[-3]["data"]
    assert (gap["from"], gap["to"]) == (str(last - 4), str(last - 2))


async def test_pause_resume_and_replay(house: House) -> None:
    identity, _ = await house.hook()
    path = f"/webhooks/{identity}"
    first = await house.tell(change(1))
    await eventually(lambda: house.receiver.names == ["1"], "it came")
    await house.admin.ok("POST", f"{path}/pause")
    house.api.clock.advance(60)
    since = house.api.clock.now()
    house.api.clock.advance(60)
    await house.tell(change(2), change(3))
    await asyncio.sleep(0.1)
    assert house.receiver.names == ["1"]
    await house.admin.ok("POST", f"{path}/resume")
    await eventually(lambda: house.receiver.names == ["1", "2", "3"], "it goes on where it was")
    ids = [headers["webhook-id"] for headers, _ in house.receiver.got]
    assert (await house.admin.ok("POST", f"{path}/replay", {"after": first}))["position"] == first
    await eventually(lambda: house.receiver.names[3:] == ["2", "3"], "again from there")
    assert [headers["webhook-id"] for headers, _ in house.receiver.got][3:] == ids[1:]
    await house.admin.ok("POST", f"{path}/replay", {"since": str(since)})
    await eventually(lambda: house.receiver.names[5:] == ["2", "3"], "again from then")
    for bad in ({}, {"after": "x"}, {"after": first + 99}, {"since": "today"}, {"after": "1", "since": "1"}):
        await house.admin.refused(400, "POST", f"{path}/replay", bad)


async def test_a_try_at_once(house: House) -> None:
    identity, secret = await house.hook()
    answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
    assert answer == {"delivered": True, "answer": "status 200"}
    assert house.receiver.verified(secret)["data"]["event"] == "test"
    house.receiver.status = 302
    house.receiver.headers = {"Location": f"http://127.0.0.1:{house.api.port}/"}
    answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
    assert answer == {"delivered": False, "answer": "status 302: redirects are not followed"}
    house.receiver.status, house.receiver.body = 200, b"x" * 5_000_000
    assert (await house.admin.ok("POST", f"/webhooks/{identity}/test"))["delivered"]
    await house.receiver.close()
    answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
    assert not answer["delivered"]
    assert "hidden" not in answer["answer"]


async def test_answers_that_never_come(house: House) -> None:
    identity, _ = await house.hook()
    never = asyncio.Event()
    house.receiver.wait = never.wait  # type: ignore[assignment]
    with mock.patch("offhook.areas.webhooks.sender.TOTAL_SECONDS", 0.3):
        await house.service._sender.close()
        answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
    assert answer == {"delivered": False, "answer": "no answer in time"}
    never.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]/",
        "http://0.0.0.0:8000/",
        "http://127.0.0.1:{port}/admin/api/v1/",
        "http://localhost:{port}/",
        "http://224.0.0.1/",
    ],
)
async def test_where_nothing_is_sent(house: House, url: str) -> None:
    identity, _ = await house.hook(url=url.format(port=house.api.port))
    answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
    assert not answer["delivered"]
    assert answer["answer"].startswith("no connection: ")


async def test_a_name_that_points_to_where_nothing_is_sent(house: House) -> None:
    identity, _ = await house.hook(url=f"http://crm.example:{house.receiver.port}/in")
    addresses = house.api.core.dispatcher.addresses
    places = {"169.254.169.254": False, "::ffff:169.254.169.254": False, "127.0.0.1": True}
    for place, taken in places.items():
        addresses._fresh.clear()
        with mock.patch.object(addresses, "_lookup", lambda _host, place=place: [place]):
            answer = await house.admin.ok("POST", f"/webhooks/{identity}/test")
        assert answer["delivered"] is taken, answer
    assert len(house.receiver.got) == 1


async def test_only_what_is_wanted(house: House) -> None:
    identity, _ = await house.hook(kinds="extensionstatus", extension="1001")
    busy = ExtensionState.BUSY
    await house.tell(change(1001), ExtensionStatus("1000", busy, ""), ExtensionStatus("1001", busy, ""))
    await eventually(lambda: house.receiver.got, "it came")
    assert [body["data"]["extension"] for body in house.receiver.bodies] == ["1001"]
    assert (await house.shown(identity))["kinds"] == "ExtensionStatus"
    await house.admin.ok("PATCH", f"/webhooks/{identity}", {"kinds": "", "extension": ""})
    await house.tell(change(3))
    await eventually(lambda: house.receiver.names[-1] == "3", "all is wanted now")
    assert len(house.receiver.got) == 2


async def test_what_is_refused(house: House) -> None:
    identity, _ = await house.hook()
    for bad in (
        {"name": "a b"},
        {"url": "ftp://a/"},
        {"url": "a.example/in"},
        {"url": "http://user:pw@a.example/"},
        {"kinds": "Moon"},
        {"extension": "x"},
        {"secret": "whsec_AAAA"},
        {"secret": "hello"},
    ):
        await house.admin.refused(400, "POST", "/webhooks", {"name": "b", "url": "https://a.example/", **bad})
        await house.admin.refused(400, "PATCH", f"/webhooks/{identity}", bad)
    await house.admin.refused(409, "POST", "/webhooks", {"name": "crm", "url": "https://a.example/"})
    await house.admin.refused(404, "GET", "/webhooks/99")
    await house.admin.refused(404, "POST", "/webhooks/99/pause")
    await house.admin.refused(404, "GET", "/webhooks/x")
    await house.admin.refused(405, "GET", f"/webhooks/{identity}/rotate")
    await house.admin.refused(400, "POST", f"/webhooks/{identity}/rotate", {"hours": 1000})


async def test_webhooks_are_declared(house: House) -> None:
    secret = new_secret()
    document = (
        f"webhooks: [{{name: crm, url: '{house.receiver.url}', kinds: [ConfigChange], secret: {secret}}}]"
    )
    await house.api.core.apply.apply(document)
    await house.tell(change(1))
    await eventually(lambda: house.receiver.got, "it came")
    house.receiver.verified(secret)
    assert not (await house.api.core.apply.apply(document)).changes
    await house.api.core.apply.apply("webhooks: []")
    assert not house.service.workers
    await house.tell(change(2))
    assert len(house.receiver.got) == 1


async def test_a_restart_loses_nothing_and_a_kill_repeats_with_the_same_id(house: House) -> None:
    await house.hook()
    await house.tell(change(1))
    await eventually(lambda: house.receiver.names == ["1"], "it came")
    await house.service.close()
    await house.tell(change(2))
    again = Subscriptions(house.api.core, house.api.alarms)
    await again.start()
    await eventually(lambda: house.receiver.names == ["1", "2"], "it goes on")
    # killed before the position was noted
    with mock.patch.object(again.webhooks, "_write", mock.AsyncMock()):
        await house.tell(change(3))
        await eventually(lambda: house.receiver.names == ["1", "2", "3"], "it came")
        await again.close()
    last = Subscriptions(house.api.core, house.api.alarms)
    await last.start()
    await eventually(lambda: house.receiver.names == ["1", "2", "3", "3"], "once more")
    ids = [headers["webhook-id"] for headers, _ in house.receiver.got]
    assert ids[2] == ids[3]
    assert len(set(ids)) == 3
    await last.close()


async def test_calls_side_by_side_each_in_its_order(house: House) -> None:
    calls = [f"1.{number}" for number in range(6)]
    under_way = most = 0

    async def slowly() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1

    house.receiver.wait = slowly
    await house.hook(kinds="CallStatus,DTMF")
    worker = house.service.workers[0]
    told = [event for _ in range(5) for callid in calls for event in (CallStatus(callid, ()),)]
    last = await house.tell(*told, *(Dtmf(callid, (), "1", 0) for callid in calls))
    await eventually(lambda: worker.progress.position == last, "all are delivered")
    assert 2 <= most <= 8
    bodies = sorted(house.receiver.bodies, key=lambda body: int(body["id"]))
    assert [body["data"]["callid"] for body in bodies] == calls * 6
    for callid in calls:
        mine = [body for body in house.receiver.bodies if body["data"]["callid"] == callid]
        assert mine == sorted(mine, key=lambda body: int(body["id"]))
        assert mine[-1]["type"] == "DTMF"


async def test_while_it_fails_one_request_at_a_time_asks(house: House) -> None:
    under_way = most = 0

    async def slowly() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1

    house.receiver.status = 500
    await house.hook(kinds="CallStatus")
    await house.tell(*(CallStatus(f"1.{number}", ()) for number in range(8)))
    ids = [str(number) for number in range(8)]
    await eventually(
        lambda: {body["data"]["callid"][2:] for body in house.receiver.bodies} == set(ids), "all have failed"
    )
    house.receiver.wait = slowly
    tried = len(house.receiver.got)
    await eventually(lambda: len(house.receiver.got) >= tried + 5, "it is tried again")
    assert most == 1
    house.receiver.status = 200
    worker = house.service.workers[0]
    await eventually(lambda: house.service.behind(worker) == 0, "all are delivered")


async def test_one_that_hangs_delays_no_other(house: House) -> None:
    never = asyncio.Event()
    slow = Receiver()
    slow.wait = never.wait  # type: ignore[assignment]
    await slow.start()
    await house.hook()
    await house.hook(name="slow", url=slow.url)
    begin = time.monotonic()
    await house.tell(*(change(n) for n in range(50)))
    await eventually(lambda: len(house.receiver.got) == 50, "the quick one has all", 3)
    assert time.monotonic() - begin < 3
    assert house.receiver.names == [str(n) for n in range(50)]
    assert len(slow.got) == 1
    never.set()
    await slow.close()
