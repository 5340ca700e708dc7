"""The HTTP side of the operators' API: who calls, reading of bodies, answers (see offhook.contract.admin).

Callers prove themselves by HTTP Basic (RFC 7617) with a console account; over plain http only from this
machine. A browser sends such credentials by itself, so what changes something must be of a type that no
foreign page can send without asking first (JSON or audio), which is never allowed; `Origin`, `Sec-Fetch-Site`
and `Host` are looked at before the password.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web

from offhook.contract.admin import AdminAnswer, AdminHandler, AdminRefused, AdminRequest, as_text
from offhook.contract.errors import ContractError
from offhook.contract.results import Download
from offhook.web import basic, downloads
from offhook.web.hosts import Hosts

log = logging.getLogger(__name__)

PREFIX = "/admin/api/v1"
BODY_MAX = 10 << 20
_BODY_SECONDS = 60.0
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_HEADERS = {
    "Server": "offhook",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

Check: TypeAlias = Callable[[str, str, str, int], Awaitable[bool]]
"""Whether user name and password are right; gets the caller's address and port for the lock."""


class AdminSite:
    """Serves the API to those who `check` lets in, from addresses that `admits` has, by a name of `hosts`."""

    def __init__(
        self, handler: AdminHandler, check: Check, *, admits: Callable[[str], bool], hosts: Hosts
    ) -> None:
        self._handler = handler
        self._check = check
        self._admits = admits
        self._hosts = hosts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request below PREFIX."""
        try:
            username = await self._caller(request)
            asked = await self._read(request)
            answer = await self._handler.handle(asked)
            if asked.method != "GET":
                log.info("admin: %s %s by %s", asked.method, "/".join(asked.path), username)
        except AdminRefused as refused:
            log.info("admin: %s %s %s: %s", request.remote, request.method, request.path, refused)
            return _refusal(refused)
        except Exception:
            log.exception("admin: %s %s failed inside", request.method, request.path)
            return _refusal(AdminRefused(500, "something failed inside; the log says what"))
        if not isinstance(answer.body, Download):
            return _response(answer)
        try:
            return await downloads.send(request, answer.body, _HEADERS)
        except ContractError as gone:
            return _refusal(AdminRefused(404, gone.detail))

    async def _caller(self, request: web.BaseRequest) -> str:
        if not self._admits(request.remote or ""):
            raise AdminRefused(403, "this address may not come in here")
        if not self._hosts.is_ours(request.headers.get("Host", "")):
            raise AdminRefused(403, "this is no name of the PBX; the setting apilimits.adminhosts lists more")
        if not request.secure and not _is_this_machine(request.remote or ""):
            raise AdminRefused(403, "use https: a password must not travel in the clear")
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise AdminRefused(403, "this was sent by a page of another site")
        if not _is_own_page(request):
            raise AdminRefused(403, "this was sent by a page of another site")
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not value:
            raise AdminRefused(401, "user name and password are needed")
        username, password = basic.credentials(value) or ("", "")
        known = scheme.lower() == "basic" and await self._check(
            username, password, request.remote or "", basic.peer_port(request)
        )
        if not known:
            raise AdminRefused(401, "user name or password is wrong")
        return username

    async def _read(self, request: web.BaseRequest) -> AdminRequest:
        if request.method not in _METHODS:
            raise AdminRefused(405, f"{request.method} is not known here")
        path = tuple(unquote(part) for part in request.rel_url.raw_path[len(PREFIX) :].split("/") if part)
        data = b""
        if request.method != "GET":
            data = await _body(request)
        values: dict[str, str] = {}
        if data and request.content_type == "application/json":
            values = _object(data)
        elif data and not request.content_type.startswith(("audio/", "application/octet-stream")):
            raise AdminRefused(415, "send application/json, or audio")
        return AdminRequest(request.method, path, dict(request.query), values, data)


async def _body(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > BODY_MAX:
        raise AdminRefused(413, f"a body has at most {BODY_MAX >> 20} MB")
    parts, size = [], 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.content.iter_chunked(65536):
                size += len(part)
                if size > BODY_MAX:
                    raise AdminRefused(413, f"a body has at most {BODY_MAX >> 20} MB")
                parts.append(part)
    except TimeoutError:
        raise AdminRefused(408, "the body did not come in time") from None
    return b"".join(parts)


def _object(data: bytes) -> dict[str, str]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise AdminRefused(400, "the body is no JSON") from None
    if not isinstance(value, dict):
        raise AdminRefused(400, "the body has to be an object")
    return {str(name): as_text(item) for name, item in value.items()}


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_own_page(request: web.BaseRequest) -> bool:
    """Whether the page that sent this is one of ours, as far as a browser says it (Origin, RFC 6454).

    The scheme does not count: a proxy on this machine may end the TLS.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin.partition("://")[2].casefold() == request.headers.get("Host", "").strip().casefold()


def _refusal(refused: AdminRefused) -> web.Response:
    headers = dict(_HEADERS)
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="offhook", charset="UTF-8"'
    return web.json_response({"error": str(refused)}, status=refused.status, headers=headers)


def _response(answer: AdminAnswer) -> web.Response:
    if isinstance(answer.body, bytes):
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type, headers=_HEADERS
        )
    if answer.body is None:
        return web.Response(status=answer.status, headers=_HEADERS)
    return web.json_response(answer.body, status=answer.status, headers=_HEADERS)
