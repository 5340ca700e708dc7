"""A client of the operators' API that says what it got."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from offhook.web.admin import PREFIX


@dataclass(frozen=True, slots=True)
class Got:
    """An answer; `body` is what the JSON holds, or bytes of another type, or None."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def error(self) -> str:
        """The refusal in words."""
        return str(self.body["error"])


class Admin:
    """Asks as one account; `password` None: without any."""

    def __init__(self, port: int, password: str | None, username: str = "admin") -> None:
        self.port = port
        self._headers = {}
        if password is not None:
            self._headers["Authorization"] = aiohttp.encode_basic_auth(username, password)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        kind: str = "audio/wav",
        tls: bool = False,
        prefix: str = PREFIX,
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        """One request: `body` is sent as JSON, `data` as it is."""
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            data, kind = json.dumps(body).encode(), "application/json"
        if data is not None:
            sent["Content-Type"] = kind
        base = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False, force_close=True)) as http,
            http.request(
                method, base + prefix + path, data=data and io.BytesIO(data), headers=sent
            ) as response,
        ):
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return Got(response.status, json.loads(raw) if is_json else raw or None, response.headers)

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """One request that has to succeed; returns what it got."""
        got = await self.ask(method, path, body, **more)
        assert got.status in {200, 201, 204}, (method, path, got.status, got.body)
        return got.body

    async def refused(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> str:
        """One request that has to be refused; returns the error."""
        got = await self.ask(method, path, body, **more)
        assert got.status == status, (method, path, got.status, got.body)
        return got.error
