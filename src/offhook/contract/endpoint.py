"""What an endpoint of the contract is, and the registry that router, OpenAPI and tests are derived from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from offhook.contract.errors import Errno
from offhook.contract.scopes import Scope, needed

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `address` is the peer's IP address; `session` is the key of the session in the
    access area (never the token itself), empty for endpoints that need none; `login_address` is where its
    token was obtained from."""

    address: str
    port: int
    secure: bool
    session: str = ""
    login_address: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, A]):
    """One endpoint of the contract.

    `path` as in the spec ("extension/query"); `chapter` is the spec file's number ("02"); `request` and
    `result` are dataclasses, the result of a file is `Download`; `errors` lists the codes that the handler
    itself may raise, beside those of its parameters. `needs_token` is False for login and token/refresh.
    """

    path: str
    chapter: str
    summary: str
    request: type[Q]
    result: type[A]
    handler: Callable[[Caller, Q], Awaitable[A]]
    errors: tuple[Errno, ...] = ()
    needs_token: bool = True

    @property
    def scopes(self) -> frozenset[Scope]:
        """What an account has to be allowed to call it."""
        return needed(self.path)


ALIASES: Mapping[str, str] = {
    "call/hungup": "call/hangup",
    "conference/mute": "conference/mute_member",
    "conference/unmute": "conference/unmute_member",
    "instant_conference/create": "instant_conference/start",
    "pagingroup/update": "paginggroup/update",
    "paginggroup/hangup_music": "paginggroup/hangup/music",
}
"""Paths that the reference misprints or that are older, and what they mean (notes of spec 05, 08, 13)."""


class Registry:
    """All endpoints by path. Raises ValueError when a path is declared twice.

    `alias_uses` counts requests to misprinted and older paths, by the path that was asked for.
    """

    def __init__(self, endpoints: Iterable[Endpoint[Any, Any]] = ()) -> None:
        self._by_path: dict[str, Endpoint[Any, Any]] = {}
        self.alias_uses: Counter[str] = Counter()
        for endpoint in endpoints:
            self.add(endpoint)

    def add(self, endpoint: Endpoint[Any, Any]) -> None:
        """Declare one endpoint."""
        if endpoint.path in self._by_path:
            raise ValueError(f"{endpoint.path} is declared twice")
        self._by_path[endpoint.path] = endpoint

    def get(self, path: str) -> Endpoint[Any, Any] | None:
        """The endpoint at `path`, or None."""
        return self._by_path.get(path)

    def called(self, path: str) -> Endpoint[Any, Any] | None:
        """The endpoint that a request to `path` means, an alias followed and counted; or None."""
        endpoint = self._by_path.get(ALIASES.get(path, path))
        if endpoint is not None and path in ALIASES:
            self.alias_uses[path] += 1
        return endpoint

    def __iter__(self) -> Iterator[Endpoint[Any, Any]]:
        return iter(self._by_path.values())

    def __len__(self) -> int:
        return len(self._by_path)
