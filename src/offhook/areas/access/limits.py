"""How much of the API anybody gets, and from where (settings `apilimits`).

What is over a limit gets 10025 in the envelope, an address that may not come at all 20022.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from offhook.areas.access.accounts import Account
from offhook.areas.access.buckets import Buckets
from offhook.areas.downloads.addresses import is_listed
from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.apilimits_settings import APILIMITS
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.scopes import ORIGINATING
from offhook.source import source_of

BURST_SECONDS = 4
_KNOWN_MAX = 10_000


class Limits:
    """Counts what is asked for. `refused` counts refusals by their reason, for whoever watches."""

    def __init__(self, clock: Clock, read: Callable[[], Awaitable[Row]]) -> None:
        self._clock = clock
        self._read = read
        self._now: Row = APILIMITS.defaults
        self._buckets = Buckets()
        self._running: Counter[Any] = Counter()
        self._answers: dict[tuple[str, str], bool] = {}
        self.refused: Counter[str] = Counter()

    async def load(self) -> None:
        """Put the stored settings in force."""
        self._now = await self._read()
        self._answers.clear()

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Settings were changed."""
        if parts & APILIMITS.parts:
            await self.load()

    @property
    def sessions(self) -> int:
        """How many living tokens an account has from one address."""
        return int(self._now["sessions"])

    @property
    def connections(self) -> int:
        """How many connections one address has."""
        return int(self._now["connections"])

    @property
    def body_bytes(self) -> int:
        """How large the body of a request is at most."""
        return int(self._now["bodysize"]) << 10

    @property
    def admin_hosts(self) -> frozenset[str]:
        """Names by which operators reach the PBX."""
        return frozenset(str(self._now["adminhosts"]).split(",")) - {""}

    def admits(self, address: str, setting: str = "addresses") -> bool:
        """Whether an address is in the list of `setting`; an empty list has all."""
        listed = str(self._now[setting])
        if not listed:
            return True
        key = (setting, address)
        if key not in self._answers:
            if len(self._answers) > _KNOWN_MAX:
                self._answers.clear()
            self._answers[key] = is_listed(address, listed)
        return self._answers[key]

    def check_address(self, address: str) -> None:
        """Raises ContractError 20022 for an address that may not use the API."""
        if not self.admits(address):
            self.refused["address"] += 1
            raise ContractError(Errno.ADDRESS_RESTRICTED, "this address may not use the API")

    @contextlib.contextmanager
    def request(self, address: str) -> Iterator[None]:
        """Around a request of an address. Raises ContractError 20022 or 10025 instead."""
        self.check_address(address)
        source = source_of(address)
        self._take("requests", ("address", source), self._now["requests"])
        with self._one_more(("address", source)):
            yield

    @contextlib.contextmanager
    def work(self, session: str, account: Account, path: str) -> Iterator[None]:
        """Around what a session asks an endpoint for. Raises ContractError 10025 instead."""
        self._take("requests", ("account", account.id), account.requestrate)
        if path in ORIGINATING:
            self._take("calls", ("calls", session), self._now["calls"])
            self._take("calls", ("account calls", account.id), account.callrate / 60, account.callrate)
        with self._one_more(("session", session)):
            yield

    def _take(self, reason: str, key: Any, rate: float, burst: float = 0) -> None:
        if rate and not self._buckets.take(key, self._clock.monotonic(), rate, burst or rate * BURST_SECONDS):
            raise self._too_much(reason)

    @contextlib.contextmanager
    def _one_more(self, key: Any) -> Iterator[None]:
        if self._running[key] >= self._now["concurrent"]:
            raise self._too_much("concurrent")
        self._running[key] += 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]

    def _too_much(self, reason: str) -> ContractError:
        self.refused[reason] += 1
        return ContractError(Errno.APPLIED_TOO_OFTEN, f"too many {_TOO_MANY[reason]}")


_TOO_MANY = {
    "requests": "requests in too short a time",
    "calls": "calls in too short a time",
    "concurrent": "requests at a time",
}
