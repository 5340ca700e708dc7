"""The event feed at /api/events: server-sent events and WebSocket over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from unittest import mock

import aiohttp
import pytest
import pytest_asyncio

from offhook.callstate.model import ExtensionState, Member, MemberStatus, PartyKind
from offhook.events.api import CallStatus, ConfigChange, Event, ExtensionStatus
from offhook.web import feed as web_feed
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.delivery import CDR as SAMPLE
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRONG = "Reader2019x"
CDR = replace(SAMPLE, callto="6200(1001)")


class Feed:
    """A client of the feed on a running API."""

    def __init__(self, api: TestApi, http: aiohttp.ClientSession, token: str) -> None:
        self.api, self.http, self.token = api, http, token
        self.url = f"http://127.0.0.1:{api.port}/api/events"
        self.begin = api.core.dispatcher.journal.last()

    def tell(self, *events: Event) -> None:
        for event in events:
            self.api.core.dispatcher.publish_soon(event)

    async def told(self, *events: Event) -> int:
        """Tell events and wait until they are committed; the number of the last."""
        self.tell(*events)
        await self.api.core.dispatcher.journal.flushed()
        return self.api.core.dispatcher.journal.last()

    @contextlib.asynccontextmanager
    async def stream(self, *, last_id: str = "", **query: Any) -> AsyncIterator[Stream]:
        headers = {"Authorization": f"Bearer {self.token}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        async with self.http.get(self.url, params=query, headers=headers) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            stream = Stream(response)
            await stream.block()  # retry and id
            yield stream

    async def status(self, token: str | None = None, method: str = "GET", **query: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self.http.request(method, self.url, params=query, headers=headers) as response:
            return response.status, json.loads(await response.text())

    def websocket(self, **query: Any) -> Any:
        return self.http.ws_connect(self.url, params={"token": self.token, **query})


class Stream:
    """A stream of server-sent events, read as a browser does."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def block(self) -> dict[str, str]:
        """The next block; empty at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(5):
            while line := (await self.response.content.readline()).decode():
                if line == "\n":
                    return fields
                name, _, value = line.rstrip("\n").partition(":")
                fields[name] = value.removeprefix(" ")
                if name == "id":
                    self.last_id = fields["id"]
        return {}

    async def event(self) -> dict[str, Any]:
        """The next event, comments skipped; None at the end."""
        while block := await self.block():
            if "data" in block:
                data: dict[str, Any] = json.loads(block["data"])
                assert block["event"] == data["event"]
                assert block["id"] == self.last_id
                return data
        raise EOFError


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def the_api() -> AsyncIterator[TestApi]:
    async with running_api() as api:
        yield api


@contextlib.asynccontextmanager
async def client_of(api: TestApi) -> AsyncIterator[Feed]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http:
        yield Feed(api, http, await api.login())
    await eventually(lambda: api.feed.streams == 0, "no stream is left")


@pytest_asyncio.fixture(loop_scope="module")
async def feed(the_api: TestApi) -> AsyncIterator[Feed]:
    """A client with a token of its own on the API that all tests share."""
    async with client_of(the_api) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def lone_feed() -> AsyncIterator[Feed]:
    """A client on an API of its own, to which anything may happen."""
    async with running_api() as api, client_of(api) as client:
        yield client


def change(number: object) -> ConfigChange:
    return ConfigChange("extension", str(number), "add")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_events_come_as_they_happen(feed: Feed, scheme: str) -> None:
    feed.url = feed.url.replace("http", scheme)
    async with feed.stream() as stream:
        feed.tell(change(1), ExtensionStatus("1000", ExtensionState.BUSY, ""), CDR)
        sn = feed.api.core.system.identity.sn
        assert await stream.event() == {
            "event": "ConfigChange",
            "type": "extension",
            "extid": "1",
            "operation": "add",
            "sn": sn,
        }
        assert (await stream.event())["event"] == "ExtensionStatus"
        assert (await stream.event())["event"] == "NewCdr"
        assert stream.response.headers["Cache-Control"] == "no-store"


async def test_a_reader_goes_on_where_it_was(feed: Feed) -> None:
    await feed.told(change("before"))
    async with feed.stream() as stream:
        feed.tell(*(change(n) for n in range(5)))
        for n in range(3):
            assert (await stream.event())["extid"] == str(n)
        last = stream.last_id
    await feed.told(change(5))
    async with feed.stream(last_id=last) as stream:
        assert [(await stream.event())["extid"] for _ in range(3)] == ["3", "4", "5"]
    async with feed.stream(after=last, last_id="") as stream:
        assert (await stream.event())["extid"] == "3"
    async with feed.stream(after=feed.begin, last_id=last) as stream:
        assert (await stream.event())["extid"] == "3"  # the header is newer than the address
    async with feed.stream(after=feed.begin) as stream:
        assert (await stream.event())["extid"] == "before"


async def test_far_behind_and_then_live(lone_feed: Feed) -> None:
    with mock.patch("offhook.events.journal._IN_MEMORY", 50):
        await lone_feed.told(*(change(n) for n in range(700)))
        async with lone_feed.stream(after=0) as stream:
            assert [(await stream.event())["extid"] for _ in range(700)] == [str(n) for n in range(700)]
            lone_feed.tell(change("live"))
            assert (await stream.event())["extid"] == "live"


def ext(number: str) -> Member:
    return Member(kind=PartyKind.EXT, number=number, channelid=f"PJSIP/{number}-1", status=MemberStatus.RING)


async def test_kinds_and_extensions(feed: Feed) -> None:
    await feed.told(
        change(1000),
        ExtensionStatus("1000", ExtensionState.BUSY, ""),
        CallStatus("1.1", (ext("1000"), ext("1001"))),
        CallStatus("1.2", (ext("1002"),)),
        ExtensionStatus("1001", ExtensionState.BUSY, ""),
        CDR,
        change("end"),
    )

    async def names(count: int, **query: str) -> list[str]:
        async with feed.stream(after=feed.begin, **query) as stream:
            return [(await stream.event())["event"] for _ in range(count)]

    assert await names(2, kinds="callstatus,newcdr") == ["CallStatus", "CallStatus"]
    assert await names(3, extension="1001") == ["CallStatus", "ExtensionStatus", "NewCdr"]
    assert await names(2, extension="1001", kinds="CallStatus,NewCdr,") == ["CallStatus", "NewCdr"]
    # what is filtered moves the position on all the same, or it would be read again and again
    with mock.patch.object(web_feed, "BEAT_SECONDS", 0.1):
        async with feed.stream(after=feed.begin, extension="4711") as stream:
            last = str(feed.api.core.dispatcher.journal.last())
            while stream.last_id != last:
                assert "data" not in await stream.block()


async def test_what_is_refused(lone_feed: Feed) -> None:
    assert (await lone_feed.status(token=""))[0] == 401
    assert (await lone_feed.status(token="0" * 32))[1]["errno"] == "20004"
    assert (await lone_feed.status(token="' OR 1=1"))[0] == 401
    for query in (
        {"kinds": "Moon"},
        {"extension": "x"},
        {"after": "-1"},
        {"after": "1e3"},
        {"after": "9" * 30},
    ):
        status, answer = await lone_feed.status(**query)
        assert (status, answer["status"]) == (400, "Failed"), query
    for method in ("POST", "PUT", "DELETE"):
        assert (await lone_feed.status(method=method))[0] == 405
    lone_feed.api.ready = False
    assert (await lone_feed.status())[0] == 503
    lone_feed.api.ready = True
    await lone_feed.api.core.api_settings.change(enabled=False)
    assert (await lone_feed.status())[0] == 503
    assert lone_feed.api.feed.streams == 0


async def test_browsers_send_the_token_in_the_address_and_ask_first(feed: Feed) -> None:
    query = {"token": feed.token, "after": str(feed.begin)}
    async with feed.http.get(feed.url, params=query) as response:
        assert response.status == 200
        assert "Access-Control-Allow-Origin" not in response.headers
    with mock.patch.object(feed.api.feed, "_allow_origin", "https://crm.example"):
        async with feed.http.get(feed.url, params=query) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://crm.example"
        async with feed.http.options(feed.url) as response:
            assert response.status == 204
            assert "Last-Event-ID" in response.headers["Access-Control-Allow-Headers"]


async def test_a_position_that_is_no_longer_kept(lone_feed: Feed) -> None:
    journal = lone_feed.api.core.dispatcher.journal
    last = await lone_feed.told(*(change(n) for n in range(10)))
    async with lone_feed.stream(after=last + 7) as stream:  # as after a restored backup
        gap = await stream.event()
        assert (gap["event"], gap["reason"], gap["from"]) == ("gap", "unknown", str(last + 1))
        lone_feed.tell(change("next"))
        assert (await stream.event())["extid"] == "next"
    journal.forgotten(last - 2, 0)
    async with lone_feed.stream(after=2) as stream:
        assert await stream.event() == {
            "event": "gap",
            "from": "3",
            "to": str(last - 2),
            "reason": "expired",
        }
        assert (await stream.event())["extid"] == "8"


async def test_a_stream_ends_with_its_token_and_keeps_it_alive(lone_feed: Feed) -> None:
    async with lone_feed.stream() as stream:
        for _ in range(3):  # 75 minutes, in which the stream is all that is heard of the client
            lone_feed.api.clock.advance(25 * 60)
            lone_feed.tell(change(1))
            await stream.event()
        await lone_feed.api.post(f"logout?token={lone_feed.token}")
        with pytest.raises(EOFError):
            await stream.event()
    assert (await lone_feed.status())[0] == 401
    await eventually(lambda: lone_feed.api.feed.streams == 0, "the stream is over")


async def test_who_leaves_is_noticed(feed: Feed) -> None:
    async with feed.stream(), feed.stream():
        assert feed.api.feed.streams == 2
    await eventually(lambda: feed.api.feed.streams == 0, "both are gone")


async def test_so_many_streams(feed: Feed) -> None:
    with mock.patch.object(web_feed, "STREAMS_PER_ADDRESS", 2):
        async with feed.stream(), feed.stream():
            assert (await feed.status())[0] == 429
        await eventually(lambda: feed.api.feed.streams == 0, "both are gone")
        async with feed.stream():
            pass


async def test_a_hundred_streams_cost_no_queries(feed: Feed) -> None:
    reads = 0
    read = feed.api.core.store.read

    async def counted(work: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(work)

    with mock.patch.object(web_feed, "STREAMS_PER_ADDRESS", 200):
        async with contextlib.AsyncExitStack() as streams:
            all_of_them = [await streams.enter_async_context(feed.stream()) for _ in range(100)]
            with mock.patch.object(feed.api.core.store, "read", counted):
                feed.tell(*(change(n) for n in range(20)))
                for stream in all_of_them:
                    for n in range(20):
                        assert (await stream.event())["extid"] == str(n)
            assert reads == 0


async def test_a_slow_reader_is_cut_off_and_delays_nobody(feed: Feed) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", feed.api.port, limit=1024)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(__import__("socket").SOL_SOCKET, __import__("socket").SO_RCVBUF, 4096)
    with mock.patch.object(web_feed, "STALL_SECONDS", 0.5):
        writer.write(f"GET /api/events?token={feed.token} HTTP/1.1\r\nHost: pbx\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await eventually(lambda: feed.api.feed.streams == 1, "it is open")
        async with feed.stream() as quick:
            long = ExtensionStatus("1000", ExtensionState.BUSY, "x" * 1000)
            for _ in range(20):
                feed.tell(*[long] * 50)
                for _ in range(50):
                    await quick.event()
            await eventually(lambda: feed.api.feed.cut_off == 1, "it is cut off")
            assert feed.api.feed.streams == 1
            feed.tell(change("after"))
            assert (await quick.event())["extid"] == "after"
    writer.close()


async def test_a_store_that_fails_ends_the_stream_and_not_the_words_in_it(feed: Feed) -> None:
    async with feed.stream() as stream:
        with mock.patch.object(feed.api.core.dispatcher.journal, "after", side_effect=OSError("disk")):
            feed.tell(change(1))
            assert await stream.block() == {"": "something failed inside"}
            assert await stream.block() == {}
    async with feed.stream(last_id=stream.last_id) as stream:
        assert (await stream.event())["extid"] == "1"


async def test_accounts_that_may_read_and_their_keys(feed: Feed) -> None:
    admin = Admin(feed.api.port, feed.api.core.first_passwords.console)
    ids, keys = [], []
    for name, scopes in (("reader", "read"), ("caller", "control")):
        account = {"username": name, "password": STRONG, "scopes": scopes}
        ids.append((await admin.ok("POST", "/apiaccounts", account))["id"])
        keys.append((await admin.ok("POST", f"/apikeys/{ids[-1]}"))["key"])
    key, other = keys
    assert (await feed.status(token=other))[0] == 403
    assert (await feed.status(token=key + "x"))[0] == 401
    feed.token = key
    async with feed.stream() as stream, feed.websocket():
        feed.tell(change(1))
        assert (await stream.event())["extid"] == "1"
        await admin.ok("DELETE", f"/apiaccounts/{ids[0]}")
        with pytest.raises(EOFError):
            await stream.event()


async def test_streams_end_when_the_control_plane_does(lone_feed: Feed) -> None:
    async with lone_feed.stream() as stream, lone_feed.websocket() as socket:
        lone_feed.api.feed.end_streams()
        with pytest.raises(EOFError):
            await stream.event()
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_websocket(feed: Feed, scheme: str) -> None:
    feed.url = feed.url.replace("http", scheme)
    async with feed.websocket(after=str(feed.begin), kinds="ConfigChange") as socket:
        await socket.send_str('{"command": "anything"}')
        await feed.told(change(1), CDR, change(2))
        first, second = [json.loads((await socket.receive(timeout=5)).data) for _ in range(2)]
        assert list(first) == ["id", "kind", "at", "event"]
        assert (first["kind"], first["event"]["extid"]) == ("ConfigChange", "1")
        assert first["at"].endswith("Z")
        await socket.ping()
        assert second["event"]["extid"] == "2"
    async with feed.websocket(after=first["id"], kinds="ConfigChange") as socket:
        again = json.loads((await socket.receive(timeout=5)).data)
        assert again == second
        await feed.api.post(f"logout?token={feed.token}")
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await feed.websocket()
    assert refused.value.status == 401
    await eventually(lambda: feed.api.feed.streams == 0, "all are over")


async def test_a_websocket_that_says_too_much_is_closed(feed: Feed) -> None:
    async with feed.websocket() as socket:
        await socket.send_str("x" * 100_000)
        message = await socket.receive(timeout=5)
        assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    await eventually(lambda: feed.api.feed.streams == 0, "it is over")
