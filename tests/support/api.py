"""The API on a real socket and a real store, without an engine: for everything that makes no call."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from offhook import __version__
from offhook.areas.access import api as access_api
from offhook.areas.accounts import service as accounts
from offhook.areas.admin.service import AdminService
from offhook.areas.contacts import api as contacts_api
from offhook.areas.control.live import LiveCalls
from offhook.areas.customdialplan.service import CustomDialplan
from offhook.areas.extensions import api as extensions_api
from offhook.areas.hotel import api as hotel_api
from offhook.areas.hotel.service import HotelService
from offhook.areas.system import api as system_api
from offhook.areas.trunks.states import TrunkStates
from offhook.areas.uacsta import api as uacsta_api
from offhook.areas.uacsta.service import UacstaService
from offhook.asterisk.switch import EngineUnreachable, Switch
from offhook.callstate.model import ExtensionWord, Member
from offhook.clock import ManualClock
from offhook.contract.endpoint import Registry
from offhook.contract.openapi import openapi
from offhook.core import Core
from offhook.events.settings import ReportMethod
from offhook.kinds import object_endpoints
from offhook.messages import Messages
from offhook.protection import Protection
from offhook.settings import Settings
from offhook.store.unit import UnitOfWork
from offhook.web.admin import PREFIX, AdminSite
from offhook.web.api import Api
from offhook.web.feed import PATH as FEED_PATH
from offhook.web.front import Front
from offhook.web.hosts import Hosts, certificate_names
from offhook.web.site import Site
from offhook.web.tls import ensure_certificate, server_context
from tests.support.pbx import free_port

PASSWORD = "ApiTest2019"
ELSEWHERE = "/elsewhere"
MD5 = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()


class _NoCalls:
    def calls_of(self, number: str) -> list[tuple[str, tuple[Member, ...]]]:
        return []

    def state_of(self, number: str) -> ExtensionWord:
        return ExtensionWord.UNAVAILABLE


class _NoEngine:
    async def register(self, registration: str) -> None:
        """Nothing."""

    async def unregister(self, registration: str) -> None:
        """Nothing."""


def _no_address() -> tuple[str, int, str, str]:
    raise AssertionError("there is no engine")


async def _no_carriers() -> tuple[str, ...]:
    return ()


async def _nothing() -> None:
    """What is done when the engine is there."""


class TestApi:
    """A listening API; `clock` stands still until a test moves it."""

    __test__ = False

    def __init__(self, core: Core, clock: ManualClock, *, https_only: bool = False) -> None:
        self.core = core
        self.clock = clock
        self.port = core.settings.http_port
        self.ready = True
        calls = _NoCalls()

        async def count() -> tuple[int, int]:
            return await core.extensions.count(), core.api_settings.now.max_extensions

        uacsta = UacstaService(
            core.pbx_settings, core.extensions.find, dict, core.dispatcher.publish_soon, "127.0.0.1"
        )

        switch = Switch(
            _no_address, clock, on_events=lambda _events: None, on_connected=_nothing, on_lost=lambda: None
        )
        live = LiveCalls(core.dispatcher.publish_soon, core.records.call_ended)
        self.messages = Messages(core, switch, live)
        self.protection = Protection(core, switch, live, self.messages, _no_carriers)
        self.links = self.messages.links
        self.call_records = self.messages.call_records
        self.recordings = self.messages.recordings.service
        self.alarms = self.messages.alarms
        self.subscriptions = self.protection.subscriptions
        self.forgotten: list[str] = []
        self.emptied: list[tuple[str, float]] = []
        self.engine_away = False
        self.hotel = HotelService(
            core.store,
            core.extensions,
            clock,
            forget=self._forget,
            empty=self._empty,
            retry_seconds=0.01,
            late_seconds=100,
        )
        self.registry = Registry(
            [
                *access_api.endpoints(core.access),
                *system_api.endpoints(core.system, count),
                *contacts_api.endpoints(core.contacts),
                *extensions_api.endpoints(core.extensions, core.groups, calls, calls, core.routes),
                *object_endpoints(core.objects, TrunkStates(_NoEngine()), core.queue_agents),
                *uacsta_api.endpoints(uacsta),
                *hotel_api.endpoints(self.hotel),
                *self.messages.endpoints(),
            ]
        )
        self.front_api = Api(self.registry, core.access, ready=lambda: self.ready, allow_origin="*")
        self.site = site = Site(
            self.front_api, openapi(self.registry, __version__), https_only=https_only, port=self.port
        )
        now = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
        self.certificate, key = ensure_certificate(core.settings.data / "tls", now)
        custom = CustomDialplan(core.settings.data)
        admin = AdminSite(
            AdminService(
                core.objects,
                core.pbx_settings,
                core.prompts,
                core.music,
                custom,
                __version__,
                [*self.messages.admin_parts(), *self.protection.admin_parts()],
            ),
            core.check_operator,
            admits=lambda address: core.access.limits.admits(address, "adminaddresses"),
            hosts=Hosts(lambda: certificate_names(self.certificate), lambda: core.access.limits.admin_hosts),
        )
        self.feed = self.subscriptions.feed_site(lambda: self.ready)
        site.add(FEED_PATH, self.feed.handle)
        site.add_prefix(PREFIX, admin.handle)
        # as if the request came from another machine
        site.add_prefix(ELSEWHERE, lambda request: admin.handle(request.clone(remote="192.0.2.7")))
        self.front = Front(
            site.handle,
            server_context(self.certificate, key),
            connections=lambda: core.access.limits.connections,
        )

    def _forget(self, _unit: UnitOfWork, numbers: Sequence[str]) -> None:
        self.forgotten.extend(numbers)

    async def _empty(self, number: str, until: float) -> None:
        if self.engine_away:
            raise EngineUnreachable("the engine is away")
        self.emptied.append((number, until))

    async def raw(
        self, request: bytes, *, tls: bool = False, half_close: bool = False, source: str = "127.0.0.1"
    ) -> tuple[bytes, bytes]:
        """Send bytes on a fresh connection from an address of this machine; head and body of the answer."""
        context = None
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, local_addr=(source, 0), limit=1 << 20
        )
        writer.write(request)
        await writer.drain()
        if half_close:
            writer.write_eof()
        try:
            async with asyncio.timeout(10):
                answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body

    async def json(self, request: bytes, *, tls: bool = False) -> dict[str, Any]:
        """Send bytes and read the JSON answer, which has to be HTTP 200."""
        head, body = await self.raw(request, tls=tls)
        if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
            raise AssertionError(f"not HTTP 200: {head!r}")
        if b"application/json" not in head:
            raise AssertionError(f"not JSON: {head!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def post(self, target: str, body: bytes | dict[str, Any] = b"", **headers: str) -> dict[str, Any]:
        """POST to /api/v2.0.0/<target>; a dict is sent as JSON."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        lines = [f"POST /api/v2.0.0/{target} HTTP/1.1", "Host: pbx"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(data)}")
        return await self.json("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    async def login(self, **fields: Any) -> str:
        """A fresh token."""
        answer = await self.post("login", {"username": "api", "password": MD5, **fields})
        return str(answer["token"])


@asynccontextmanager
async def running_api(*, https_only: bool = False) -> AsyncIterator[TestApi]:
    """A listening API for the time of a block."""
    with (
        tempfile.TemporaryDirectory(prefix="api-") as folder,
        # deriving passwords is slow on purpose, and no test of the API is about that
        mock.patch.object(accounts, "_N", 16),
    ):
        clock = ManualClock()
        settings = Settings(data=Path(folder), bind="127.0.0.1", http_port=free_port(), timezone="UTC")
        core = await Core.open(replace(settings, event_port=free_port()), clock)
        await core.api_settings.change(password_derived=core.api_settings.derive(PASSWORD))
        await core.dispatcher.start("127.0.0.1", ReportMethod.HTTP, 0)
        api = TestApi(core, clock, https_only=https_only)
        await api.subscriptions.load(None)
        await api.subscriptions.start()
        await api.front.start("127.0.0.1", api.port)
        try:
            yield api
        finally:
            await api.hotel.close()
            await api.messages.close()
            api.feed.end_streams()
            await api.subscriptions.close()
            await api.front.close()
            await core.dispatcher.close()
            await core.close()
