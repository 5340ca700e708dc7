"""A whole PBX for tests: real engine, real store, real ports, in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import random
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import numpy as np
import soundfile  # type: ignore[import-untyped]
import yarl

from offhook.app import Pbx
from offhook.asterisk.fetch import obtain_engine
from offhook.clock import Clock
from offhook.core import Core
from offhook.settings import Settings
from tests.support.carrier import Carrier
from tests.support.phone import Phone, eventually
from tests.support.uacsta import UacstaPhone

if TYPE_CHECKING:
    from tests.support.second_asterisk import SecondAsterisk

STRONG = "v0S*ZrB6Y3g~1-oe"
"""A registration password that the contract's rules let pass."""

Json = dict[str, Any]

_NOTHING = """\
trunks: []
inroutes: []
outroutes: []
ivrs: []
ringgroups: []
queues: []
conferences: []
paginggroups: []
disa: []
callbacks: []
timeconditions: []
pinlists: []
extensiongroups: []
sip: {uacsta: off, srtponly: ""}
bans: {enabled: on, permitted: 127.0.0.0/8, attempts: 8, garbage: 100, window: 600, bantime: 300}
mail: {host: "", alarmrecipients: ""}
recording: {extensions: [], ondemand: [], stereo: off, announce: "", announcefor: outside}
calllimits: []
spending:
  {stop: off, emergency: [112, 911], simultaneous: 50, country: "", cut: on, warning: 30, announce: on}
"""


def tone_file(frequency: int, seconds: float = 1.0, *, rate: int = 16000, channels: int = 2) -> bytes:
    """A WAV file of a tone; 16 kHz stereo, as it is by default, no engine plays by itself."""
    at = np.arange(int(rate * seconds)) / rate
    tone = (0.4 * np.sin(2 * np.pi * frequency * at)).astype(np.float32)
    target = io.BytesIO()
    soundfile.write(target, np.stack([tone] * channels, axis=1), rate, format="WAV", subtype="PCM_16")
    return target.getvalue()


def free_port(kind: int = socket.SOCK_STREAM, address: str = "127.0.0.1") -> int:
    """A port of a loopback address that is free now."""
    while True:
        with socket.socket(socket.AF_INET, kind) as probe, socket.socket() as other:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
            if kind == socket.SOCK_STREAM:
                return port
            with contextlib.suppress(OSError):  # SIP has UDP and TCP on one port
                other.bind((address, port))
                return port


def free_range(count: int) -> tuple[int, int]:
    """A range of UDP ports that is likely free."""
    # Below the ports that the system gives out by itself, so that no other port of ours lies within.
    low = random.SystemRandom().randrange(12000, 32000 - count, 2)
    return low, low + count - 1


class Receiver:
    """An application's receiver of events; `events` in the order in which they came."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") -> None:
        self.events: list[Json] = []
        self.raw: list[bytes] = []
        self.answer = answer
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback address."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await asyncio.sleep(0)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            raw = await reader.read(65536)
            self.raw.append(raw)
            body = raw.partition(b"\r\n\r\n")[2]
            self.events.append(json.loads(body))
            writer.write(self.answer)
            await writer.drain()
        finally:
            writer.close()

    def named(self, name: str) -> list[Json]:
        """The events of one kind."""
        return [event for event in self.events if event.get("event", event.get("action")) == name]

    def of_call(self, callid: str) -> list[Json]:
        """The events of one call."""
        return [event for event in self.events if event.get("callid") == callid]

    async def cdr(self, callid: str, seconds: float = 8.0) -> Json:
        """Wait for a call's NewCdr."""

        def found() -> list[Json]:
            return [event for event in self.named("NewCdr") if event["callid"] == callid]

        await eventually(found, f"NewCdr of {callid}", seconds)
        return found()[0]

    def clear(self) -> None:
        """Forget what came."""
        self.events.clear()
        self.raw.clear()


class Client:
    """An application as the appliances' clients are: logs in with the MD5, posts JSON."""

    def __init__(self, base: str, password: str) -> None:
        self.base = base
        self.password = password
        self.token = ""
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False, force_close=True))

    async def close(self) -> None:
        """End."""
        await self._http.close()

    async def post(self, endpoint: str, body: Json | None = None, *, token: str | None = None) -> Json:
        """One request; returns the answer."""
        token = self.token if token is None else token
        url = f"{self.base}/api/v2.0.0/{endpoint}" + (f"?token={token}" if token else "")
        async with self._http.post(url, data=b"" if body is None else json.dumps(body).encode()) as response:
            answer: Json = json.loads(await response.text())
            return answer

    async def ok(self, endpoint: str, body: Json | None = None) -> Json:
        """One request that has to succeed."""
        answer = await self.post(endpoint, body)
        if answer.get("status") != "Success":
            raise AssertionError(f"{endpoint} {body}: {answer}")
        return answer

    async def errno(self, endpoint: str, body: Json | None = None) -> str:
        """One request that has to fail; returns its errno."""
        answer = await self.post(endpoint, body)
        if answer.get("status") != "Failed":
            raise AssertionError(f"{endpoint} {body} did not fail: {answer}")
        return str(answer["errno"])

    async def download(self, endpoint: str, **query: str) -> tuple[bytes, Mapping[str, str]]:
        """What a link of a download delivers, and its headers; a JSON answer of a refusal as it is."""
        url = yarl.URL(f"{self.base}/api/v2.0.0/{endpoint}").with_query({**query, "token": self.token})
        async with self._http.get(url) as response:
            return await response.read(), response.headers

    async def login(self, **fields: Any) -> Json:
        """Log in and keep the token; `fields` go into the request."""
        md5 = hashlib.md5(self.password.encode(), usedforsecurity=False).hexdigest()
        answer = await self.post("login", {"username": "api", "password": md5, **fields}, token="")
        self.token = answer.get("token", "")
        return answer


class TestPbx:
    """A running PBX with an application that is logged in and receives events."""

    __test__ = False

    def __init__(
        self, data: Path, rtp_ports: int = 400, timezone: str = "UTC", clock: Clock | None = None
    ) -> None:
        self.clock = clock
        self.settings = Settings(
            data=data,
            bind="127.0.0.1",
            http_port=free_port(),
            extra_http_ports=(free_port(),),
            sip_port=free_port(socket.SOCK_DGRAM),
            tls_port=free_port(),
            event_port=free_port(),
            rtp_ports=free_range(rtp_ports),
            timezone=timezone,
        )
        self.receiver = Receiver()
        self._phones = contextlib.AsyncExitStack()
        self._before: list[Pbx] = []

    async def start(self) -> None:
        """Bring it up and log in."""
        self.core = await Core.open(self.settings, self.clock)
        await self.core.api_settings.change(
            password_derived=await asyncio.to_thread(self.core.api_settings.derive, "ApiTest2019")
        )
        self.pbx = Pbx(self.core, await asyncio.to_thread(obtain_engine))
        await self.pbx.start()
        await self.receiver.start()
        self.client = Client(f"http://127.0.0.1:{self.settings.http_port}", "ApiTest2019")
        await self.client.login(version="2.0.0", port=str(self.receiver.port))

    async def close(self) -> None:
        """End it."""
        await self._phones.aclose()
        await self.client.close()
        await self.pbx.close()
        for earlier in self._before:
            await eventually(lambda earlier=earlier: not earlier.engine.alive, "the engine has ended")  # type: ignore[misc]
        await self.receiver.close()

    async def restart_control(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """End the control plane, do something `meanwhile`, start it anew; the engine and its calls go on."""
        await self.client.close()
        await self.pbx.close(leave_engine=True)
        if meanwhile is not None:
            await meanwhile()
        self._before.append(self.pbx)  # the engine is a child of the first one's
        passwords = self.core.first_passwords
        self.core = await Core.open(self.settings, self.clock)
        self.core.first_passwords = passwords
        self.pbx = Pbx(self.core, await asyncio.to_thread(obtain_engine))
        await self.pbx.start()
        self.client = Client(f"http://127.0.0.1:{self.settings.http_port}", "ApiTest2019")
        await self.client.login(version="2.0.0", port=str(self.receiver.port))

    @property
    def registrar(self) -> tuple[str, int]:
        """Where phones register."""
        return "127.0.0.1", self.settings.sip_port

    async def extension(self, number: str, **fields: str) -> None:
        """Make an extension anew through the API."""
        await self.client.post("extension/delete", {"number": number})
        body = {"number": number, "username": f"User {number}", "registername": number}
        await self.client.ok("extension/add", {**body, "registerpassword": STRONG, **fields})

    async def phone(
        self, number: str, *, frequency: int = 440, register: bool = True, **options: Any
    ) -> Phone:
        """A phone of an extension, registered, until the end of the test."""
        phone = await self._phones.enter_async_context(
            Phone(number, STRONG, self.registrar, frequency=frequency, **options)
        )
        return await _registered(phone) if register else phone

    async def uacsta_phone(self, number: str, *, register: bool = True, **options: Any) -> UacstaPhone:
        """A phone that speaks uaCSTA, registered, until the end of the test."""
        phone = await self._phones.enter_async_context(UacstaPhone(number, STRONG, self.registrar, **options))
        return await _registered(phone) if register else phone

    async def carrier(self, *, address: str = "127.0.0.2", **options: Any) -> Carrier:
        """A carrier on an address of its own, until the end of the test."""
        return await self._phones.enter_async_context(Carrier(self.registrar, address=address, **options))

    async def trunk(self, carrier: Carrier | SecondAsterisk, name: str = "siptrunk", **fields: str) -> str:
        """Make a peer trunk to a carrier through the API; returns its id."""
        body = {"trunkname": name, "trunktype": "peer", "host": carrier.address, "domain": carrier.address}
        added = await self.client.ok("trunk/add_siptrunk", {**body, "port": str(carrier.port), **fields})
        return str(added["id"])

    async def admin(
        self, method: str, path: str, body: Json | bytes | None = None, *, status: int = 200
    ) -> Any:
        """One request to the operators' API as the administrator, who has to get `status`."""
        password = self.core.first_passwords.console or ""
        headers = {"Authorization": aiohttp.encode_basic_auth("admin", password)}
        if isinstance(body, bytes):
            headers["Content-Type"] = "audio/wav"
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                method,
                f"http://127.0.0.1:{self.settings.http_port}/admin/api/v1{path}",
                data=body if isinstance(body, bytes) else None,
                json=None if isinstance(body, bytes) else body,
                headers=headers,
            ) as response,
        ):
            answer = await response.read()
            if response.status != status:
                raise AssertionError(f"{method} {path}: {response.status} {answer.decode()}")
            return json.loads(answer) if response.content_type == "application/json" else answer

    async def prompt(self, name: str, frequency: int, seconds: float = 1.0) -> None:
        """Upload a prompt that is a tone."""
        await self.admin("PUT", f"/prompts/{name}", tone_file(frequency, seconds), status=201)

    async def apply(self, document: str) -> None:
        """Apply a document of declared state."""
        await self.core.apply.apply(document)

    async def reset(self) -> None:
        """Hang phones up and delete every extension, so that tests do not meet each other."""
        await self._phones.aclose()
        self._phones = contextlib.AsyncExitStack()
        await eventually(lambda: not self.pbx.live.picture.calls, "all calls have ended", 15)
        await self.apply(_NOTHING)
        await self.client.post("extension/delete", {"number": "all"})
        await self.quiet()
        self.receiver.clear()

    async def quiet(self, still: float = 0.3, seconds: float = 15.0) -> None:
        """Wait until no event has come for a moment and no record is open."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        count, since = len(self.receiver.events), loop.time()
        while loop.time() - since < still or self.core.records.open_calls():
            if loop.time() > deadline:
                raise TimeoutError(f"calls without a record: {self.core.records.open_calls()}")
            await asyncio.sleep(0.02)
            if len(self.receiver.events) != count:
                count, since = len(self.receiver.events), loop.time()

    async def call_id(self, condition: Callable[[Any], bool] = lambda _call: True) -> str:
        """The id of the one running call that fits."""

        def found() -> list[str]:
            return [callid for callid, call in self.pbx.live.picture.calls.items() if condition(call)]

        await eventually(found, "a call is running")
        return found()[0]


_P = TypeVar("_P", bound=Phone)


async def _registered(phone: _P) -> _P:
    status = await phone.register()
    if status != 200:
        raise AssertionError(f"{phone.number} cannot register: {status}")
    return phone


@contextlib.asynccontextmanager
async def running_pbx(
    rtp_ports: int = 400, timezone: str = "UTC", clock: Clock | None = None
) -> AsyncIterator[TestPbx]:
    """A PBX for the time of a block, with so many ports for RTP, in a time zone, with its own clock."""
    with tempfile.TemporaryDirectory(prefix="pbx-", ignore_cleanup_errors=True) as folder:
        pbx = TestPbx(Path(folder), rtp_ports, timezone, clock)
        await pbx.start()
        try:
            yield pbx
        finally:
            await pbx.close()


def steps(events: list[Json]) -> list[str]:
    """Events as short text, to compare whole sequences: `CallStatus 1000 ALERT, 1001 RING`."""
    return [step(event) for event in events]


def _told(member: Json) -> str:
    """A member: who, state, and behind a slash what the call runs through."""
    who = member["number"] if "number" in member else f"{member['from']}>{member['to']}"
    path = f"/{member['callpath']}" if "callpath" in member else ""
    return f"{who} {member.get('memberstatus', '')}".strip() + path


def step(event: Json) -> str:
    """One event as short text."""
    name = event["event"]
    match name:
        case "CallStatus" | "CallFailed" | "Forward":
            members = [next(iter(member.values())) for member in event["members"]]
            told = ", ".join(_told(m) for m in members)
            return f"{name} {event['reason']}: {told}" if name == "CallFailed" else f"{name} {told}"
        case "ConferenceStatus":
            told = ", ".join(_told(next(iter(member.values()))) for member in event["members"])
            return f"{name} {event['conferencename']}: {told}".rstrip(" ")
        case "ExtensionStatus":
            return f"{event['extension']} {event['status']}"
        case "DTMF":
            told = ", ".join(_told(next(iter(member.values()))) for member in event["members"])
            keys = event["infos"] if "infos" in event else f"{event['flag']}:{event['info']}"
            return f"DTMF {keys} of {told}"
        case "PlayPromptEnd":
            told = ", ".join(_told(next(iter(member.values()))) for member in event["members"])
            return f"PlayPromptEnd {event.get('ivr', {}).get('number', event.get('prompt'))} to {told}"
        case "satisfaction":
            return f"satisfaction {event['surveyresult']}"
        case "uacstacall":
            return f"{event['operation']} {event['cstacallid']} at {event['extnumber']}"
        case "NewCdr":
            return f"NewCdr {event['callfrom']} {event['callto']} {event['status']} {event['type']}"
        case _:
            return str(name)
