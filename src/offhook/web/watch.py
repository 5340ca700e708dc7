"""/health, /ready and /metrics: for supervisors and monitoring.

/health and /ready are open to everybody and say nothing but which part works. /metrics is for this machine
and the operator's addresses; others need a console account or the key of an API account.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from offhook.contract.errors import ContractError
from offhook.source import address_of
from offhook.web import basic
from offhook.web.hosts import is_this_machine

log = logging.getLogger(__name__)

_HEADERS = {"Server": "offhook", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Readers(Protocol):
    """Who may read the metrics."""

    def is_listed(self, address: str) -> bool:
        """Whether the operator has listed an address."""

    async def check_operator(self, username: str, password: str, address: str, port: int) -> bool:
        """Whether these are of a console account; failures count towards the lock of the address."""

    async def check_key(self, credential: str, address: str) -> None:
        """Let who may read in. Raises ContractError."""


class WatchSite:
    """Serves the three. `parts` tells of each part whether it works, `render` the metrics and their type."""

    def __init__(
        self,
        parts: Callable[[], Awaitable[Mapping[str, bool]]],
        render: Callable[[], tuple[bytes, str]],
        readers: Readers,
    ) -> None:
        self._parts = parts
        self._render = render
        self._readers = readers

    async def health(self, request: web.BaseRequest) -> web.StreamResponse:
        """Whether this process lives: it does, if it answers."""
        return _refused_method(request) or _json(200, {"alive": True})

    async def ready(self, request: web.BaseRequest) -> web.StreamResponse:
        """Whether calls can be made: 200, else 503; with the parts."""
        if (refused := _refused_method(request)) is not None:
            return refused
        parts = await self._parts()
        ready = all(parts.values())
        return _json(200 if ready else 503, {"ready": ready, "parts": dict(parts)})

    async def metrics(self, request: web.BaseRequest) -> web.StreamResponse:
        """The metrics, to who may read them."""
        if (refused := _refused_method(request)) is not None:
            return refused
        if not await self._may_read(request):
            headers = {**_HEADERS, "WWW-Authenticate": 'Basic realm="offhook", charset="UTF-8"'}
            return web.Response(status=401, text="Who may read the metrics is set.\n", headers=headers)
        body, kind = self._render()
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": kind})

    async def _may_read(self, request: web.BaseRequest) -> bool:
        address, here = request.remote or "", _is_here(request)
        if here or self._readers.is_listed(address):
            return True
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        own = address_of(address)
        if not request.secure and not (own is not None and own.is_loopback):
            return False  # a password must not travel in the clear
        match scheme.lower():
            case "basic":
                return await self._is_operator(request, value)
            case "bearer":
                try:
                    await self._readers.check_key(value.strip(), address)
                except ContractError as refused:
                    log.info("metrics: %s: %s", address, refused)
                    return False
                return True
        return False

    async def _is_operator(self, request: web.BaseRequest, value: str) -> bool:
        sent = basic.credentials(value)
        if sent is None:
            return False
        return await self._readers.check_operator(*sent, request.remote or "", basic.peer_port(request))


def _is_here(request: web.BaseRequest) -> bool:
    """Whether a program of this machine asks: no proxy for others, no browser for a page of another site.

    Such a page may stand under a name that was made to point at us (`offhook.web.hosts`).
    """
    own = address_of(request.remote or "")
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
    return (
        own is not None
        and own.is_loopback
        and not foreign
        and is_this_machine(request.headers.get("Host", ""))
        and not any(name in request.headers for name in _FORWARDED)
    )


def _refused_method(request: web.BaseRequest) -> web.Response | None:
    if request.method in {"GET", "HEAD"}:
        return None
    return web.Response(status=405, headers={**_HEADERS, "Allow": "GET, HEAD"})


def _json(status: int, body: Mapping[str, object]) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(body) + "\n", content_type="application/json", headers=_HEADERS
    )
