"""The HTTP API 2.0: from a request to an endpoint, and its answer in the envelope (spec 00-access, 16, 19).

Order of refusals (spec 16, `precedence`): method, body, token, path, parameters, then the endpoint's own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from aiohttp import web

from offhook import logs
from offhook.contract.endpoint import Caller, Endpoint, Registry
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import NoParameters, declared_params, read_request
from offhook.contract.results import Download, Wire, to_wire, without_secrets
from offhook.web.downloads import send
from offhook.web.reading import NotJson, read_body, read_query

log = logging.getLogger(__name__)

BODY_SECONDS = 30.0
BODIES_MAX = 64 << 20
ANY_VERSION = frozenset({"login", "heartbeat", "logout", "token/refresh"})
_TOKEN = re.compile(r"[0-9A-Fa-f]{24,}|ohk_[0-9A-Za-z_-]+")
_PATH = re.compile(r"/+api/+v?(?P<version>[0-9][0-9A-Za-z._-]*)(?:/+(?P<endpoint>.*?))?/*", re.IGNORECASE)


class Gate(Protocol):
    """Who may call, from where, what and how often; the access area has it."""

    @property
    def body_bytes(self) -> int:
        """How large the body of a request is at most."""

    def request(self, address: str) -> AbstractContextManager[None]:
        """Around every request of an address. Raises ContractError 20022 or 10025 instead."""

    async def authenticate(self, token: str, address: str) -> str:
        """The session of a living token that comes from `address`. Raises ContractError 20004 or 20006."""

    def permit(self, session: str, path: str) -> AbstractContextManager[None]:
        """Around what a session asks an endpoint for. Raises ContractError 10003 or 10025 instead."""

    def sees_secrets(self, session: str) -> bool:
        """Whether a session may see passwords that answers have in the clear."""

    def login_address(self, session: str) -> str:
        """The address that a session's token was obtained from."""


class Api:
    """Serves the registry. `ready` is False until calls can be made; `allow_origin` is the CORS answer.

    `outages` are failures of the machine, not of ours, whose text tells what is wrong. `call_of` tells the
    call of a channelid, empty when there is none.
    """

    def __init__(
        self,
        registry: Registry,
        gate: Gate,
        *,
        ready: Callable[[], bool],
        allow_origin: str,
        outages: tuple[type[Exception], ...] = (),
        call_of: Callable[[str], str] = lambda _channelid: "",
    ) -> None:
        self._call_of = call_of
        self._registry = registry
        self._gate = gate
        self._buffered = 0
        self._ready = ready
        self._allow_origin = allow_origin
        self._outages = outages

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request under /api/."""
        with logs.of_call(""):
            return await self._handled(request)

    async def _handled(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._answer(request)
            if isinstance(answer, Download):
                return await send(request, answer, self._headers())
            wire = answer
        except ContractError as refused:
            log.info("api: %s %s: %s", request.remote, _told(request.path), refused)
            wire = failed(refused.errno, refused.detail)
        except self._outages as outage:
            log.error("api: %s %s: %s", request.remote, _told(request.path), outage)
            wire = failed(Errno.NOT_HANDLED, str(outage))
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("api: %s failed inside (%s)", _told(request.path), reference)
            wire = failed(Errno.NOT_HANDLED, f"something failed inside; the log has it under {reference}")
        return self.response(wire)

    def response(self, wire: Mapping[str, Wire]) -> web.Response:
        """An answer in the envelope: HTTP 200 always."""
        answer = web.Response(
            body=json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
            content_type="application/json",
            headers=self._headers(),
        )
        answer.force_close()
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {
            "Server": "offhook",
            "Connection": "close",
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if self._allow_origin:
            headers["Access-Control-Allow-Origin"] = self._allow_origin
            headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS, PUT, DELETE"
            headers["Access-Control-Allow-Headers"] = "Content-Type"
            if self._allow_origin != "*":
                headers["Vary"] = "Origin"
        return headers

    async def _answer(self, request: web.BaseRequest) -> dict[str, Wire] | Download:
        if request.method == "OPTIONS":
            return {}
        caller = _caller(request)
        with self._gate.request(caller.address):
            return await self._served(request, caller)

    async def _served(self, request: web.BaseRequest, caller: Caller) -> dict[str, Wire] | Download:
        if request.method not in {"POST", "GET"}:
            raise ContractError(Errno.NOT_POST)
        values = await self._values(request)
        logs.about_call(values.get("callid", "") or self._call_of(values.get("channelid", "")))
        if not self._ready():
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the PBX is starting")
        version, path = split_path(request.path)
        if not path:
            raise ContractError(Errno.REQUEST_EMPTY)
        endpoint = self._registry.called(path)
        if endpoint is not None and not (version.startswith("2.") or path in ANY_VERSION):
            endpoint = None
        if endpoint is None or endpoint.needs_token:
            caller = await self._authenticated(caller, values)
        if endpoint is None:
            raise ContractError(Errno.UNKNOWN_REQUEST, f"{_told(path)[:80]} is not known")
        if endpoint.needs_token:
            with self._gate.permit(caller.session, endpoint.path):
                result = await _call(endpoint, caller, values)
        else:
            result = await _call(endpoint, caller, values)
        if isinstance(result, Download):
            return result
        wire = to_wire(result)
        if caller.session and not self._gate.sees_secrets(caller.session):
            wire = without_secrets(wire)
        if isinstance(wire, dict) and isinstance(callid := wire.get("callid"), str):
            logs.about_call(callid)
        log.info("api: %s %s: Success", caller.address, path)
        if uses := self._registry.alias_uses[path]:
            log.info("api: %s is not the endpoint's name, but %s; used %d times", path, endpoint.path, uses)
        return {"status": "Success", **(wire if isinstance(wire, dict) else {})}

    async def _values(self, request: web.BaseRequest) -> dict[str, str]:
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self._body(request)
        try:
            return {**read_query(request.query_string), **read_body(body)}
        except NotJson as broken:
            raise ContractError(Errno.NOT_JSON, str(broken)) from None
        except ValueError as broken:
            raise ContractError(Errno.NOT_JSON, f"the query cannot be read: {broken}") from None

    async def _authenticated(self, caller: Caller, values: Mapping[str, str]) -> Caller:
        token = values.get("token", "").strip()
        if not token:
            raise ContractError(Errno.TOKEN_EMPTY)
        session = await self._gate.authenticate(token, caller.address)
        return replace(caller, session=session, login_address=self._gate.login_address(session))

    async def _body(self, request: web.BaseRequest) -> bytes:
        most, chunks = self._gate.body_bytes, bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.content.iter_any():
                    chunks += chunk
                    self._buffered += len(chunk)
                    if len(chunks) > most:
                        raise ContractError(Errno.NOT_JSON, f"the body is larger than {most >> 10} kB")
                    if self._buffered > BODIES_MAX:
                        raise ContractError(Errno.APPLIED_TOO_OFTEN, "too many large requests at a time")
        except (TimeoutError, OSError, ValueError, web.RequestPayloadError):
            raise ContractError(Errno.NOT_JSON, "the body did not arrive whole") from None
        finally:
            self._buffered -= len(chunks)
        return bytes(chunks)


async def _call(endpoint: Endpoint[Any, Any], caller: Caller, values: Mapping[str, str]) -> Any:
    params = declared_params(endpoint.request)
    needed = [name for name, param in params.items() if not param.optional]
    if endpoint.request is not NoParameters and needed and not (set(values) - {"token"}):
        raise ContractError(Errno.DATA_EMPTY, "parameters are needed: " + ", ".join(needed))
    return await endpoint.handler(caller, read_request(endpoint.request, values))


def _caller(request: web.BaseRequest) -> Caller:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    address, port = (peer[0], peer[1]) if peer else ("", 0)
    return Caller(str(address).removeprefix("::ffff:"), int(port), request.secure)


def split_path(path: str) -> tuple[str, str]:
    """Version and endpoint of a path such as /api/v2.0.0/extension/query; both empty for another path.

    The endpoint is in lower case without doubled or trailing slashes.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return "", ""
    endpoint = "/".join(part for part in (match["endpoint"] or "").split("/") if part)
    return match["version"], endpoint.lower()


def _told(path: str) -> str:
    """A path for logs and answers, without what may be a token that somebody took for a part of it."""
    return _TOKEN.sub("…", path)


def failed(errno: Errno, detail: str = "") -> dict[str, Wire]:
    """The envelope of a failure; `errmsg` helps people and harms no client."""
    return {"status": "Failed", "errno": str(int(errno)), "errmsg": detail or errno.meaning}


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
