"""One signed request to one receiver: to an address that was looked at, without redirects, bounded in all."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from offhook.events.addresses import Addresses, is_numeric
from offhook.events.target import absolute_target

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
ANSWER_MAX = 64 << 10
_GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a try. `again` asks for so many seconds of patience; `gone`: never try again."""

    taken: bool
    says: str
    again: float = 0.0
    gone: bool = False
    at_once: bool = False


class _Resolver(AbstractResolver):
    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._addresses.resolve(host, port)
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


class Sender:
    """Sends; one for all webhooks. `version` names us to receivers."""

    def __init__(self, addresses: Addresses, version: str) -> None:
        self._addresses = addresses
        self._agent = f"offhook/{version}"
        self._session: aiohttp.ClientSession | None = None
        self._trusted: ssl.SSLContext | None = None

    async def close(self) -> None:
        """Close what is kept open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, verify: bool) -> Answer:
        """Post once. Never raises for what the other side does."""
        target = absolute_target(url)
        try:
            if is_numeric(target.host):  # names are looked at when they are resolved
                await self._addresses.resolve(target.host, target.port)
            async with self._client().post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "User-Agent": self._agent, **headers},
                allow_redirects=False,
                ssl=await self._trust() if verify else False,
            ) as response:
                answer = _judged(response)
                await _drop_body(response)
                return answer
        except aiohttp.ServerDisconnectedError:
            return Answer(False, "the connection was closed without an answer", at_once=True)
        except TimeoutError:
            return Answer(False, "no answer in time")
        except aiohttp.ClientConnectorCertificateError:
            return Answer(False, "the certificate is not trusted")
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            return Answer(False, _told(failure))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=_Resolver(self._addresses), use_dns_cache=False, limit=0
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def _trust(self) -> ssl.SSLContext:
        if self._trusted is None:
            self._trusted = await asyncio.to_thread(ssl.create_default_context)
        return self._trusted


def _judged(response: aiohttp.ClientResponse) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(True, f"status {status}")
    if 300 <= status < 400:
        return Answer(False, f"status {status}: redirects are not followed")
    asked = response.headers.get("Retry-After", "")
    again = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0.0
    return Answer(False, f"status {status}", again, gone=status == _GONE)


async def _drop_body(response: aiohttp.ClientResponse) -> None:
    """Read a small answer, so that the connection can be used again; cut off a large or slow one."""
    left = ANSWER_MAX
    try:
        async with asyncio.timeout(1.0):
            while left > 0 and (part := await response.content.read(left)):
                left -= len(part)
    except (TimeoutError, aiohttp.ClientError):
        left = 0
    if left <= 0:
        response.close()


def _told(failure: BaseException) -> str:
    """What happened, without the address, whose query may hold a secret."""
    cause = failure.os_error if isinstance(failure, aiohttp.ClientConnectorError) else failure
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause) or type(cause).__name__
    if not isinstance(cause, OSError):
        text = type(cause).__name__
    return f"no connection: {text[:200]}"
