"""What stands on the port beside the API: the front page, the OpenAPI document, and later the console."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import web

from offhook.web.api import Api

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_SECURITY = {
    "Server": "offhook",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}


class Site:
    """Routes a request: exact paths first, then everything under /api/, then 404.

    With `https_only` a plain request is sent on to https on the same port, as on the appliances.
    """

    def __init__(self, api: Api, openapi: dict[str, object], *, https_only: bool, port: int) -> None:
        self._api = api
        self._https_only = https_only
        self._port = port
        self._routes: dict[str, Handler] = {}
        self._prefixes: dict[str, Handler] = {}
        document = json.dumps(openapi, ensure_ascii=False).encode()
        page = resources.files("offhook.console").joinpath("index.html").read_bytes()
        self.add("/api/openapi.json", _constant(document, "application/json"))
        self.add("/", _constant(page, "text/html"))

    def add(self, path: str, handler: Handler) -> None:
        """Serve `path` by `handler`."""
        self._routes[path] = handler

    def add_prefix(self, prefix: str, handler: Handler) -> None:
        """Serve everything below `prefix` by `handler`."""
        self._prefixes[prefix] = handler

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if self._https_only and not request.secure:
            return self._to_https(request)
        if (handler := self._routes.get(request.path)) is not None:
            return await handler(request)
        for prefix, handler in self._prefixes.items():
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                return await handler(request)
        if request.path.lower().startswith("/api"):
            return await self._api.handle(request)
        return web.Response(status=404, text="There is nothing here.\n", headers=_SECURITY)

    def _to_https(self, request: web.BaseRequest) -> web.StreamResponse:
        host = (request.headers.get("Host") or "localhost").strip()
        name = host[: host.rfind("]") + 1] if host.startswith("[") else host.split(":", 1)[0]
        if not all(ch.isalnum() or ch in ".-[]:_" for ch in name):
            name = "localhost"
        location = f"https://{name}:{self._port}{request.raw_path if request.raw_path[:1] == '/' else '/'}"
        response = web.Response(status=302, headers={**_SECURITY, "Location": location})
        response.force_close()
        return response


def _constant(content: bytes, content_type: str) -> Handler:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=content, content_type=content_type, charset="utf-8", headers=_SECURITY)

    return answer
