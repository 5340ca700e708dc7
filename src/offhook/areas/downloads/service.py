"""One-time random strings for download links (spec 10-records): 30 seconds, one delivered file each.

    get_random ─ issue ─► random          download ─ redeem ─► Claim ─► Download ─► web ─► settle(delivered)

They are kept in memory only, hashed: a restart of the control plane ends those that are not used yet.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from offhook.areas.downloads.addresses import is_listed, is_same
from offhook.clock import Clock
from offhook.contract.endpoint import Caller
from offhook.contract.errors import ContractError, Errno

VALID_SECONDS = 30.0
LINKS_MAX = 10_000


@dataclass(slots=True)
class _Link:
    kind: str
    subject: str
    addresses: tuple[str, ...]
    issued: float
    taken: bool = False


class Claim:
    """A random string that is being used. Give `settle` to the `Download` as its `ended`.

    As a context manager it gives the random string back when the block raises.
    """

    def __init__(self, subject: str, settle: Callable[[bool], None]) -> None:
        self.subject = subject
        self.settle = settle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.settle(False)


class OneTimeLinks:
    """All random strings that are out; `listed` gives the addresses that the operator lets download."""

    def __init__(self, clock: Clock, listed: Callable[[], str]) -> None:
        self._clock = clock
        self._listed = listed
        self._links: dict[str, _Link] = {}  # by the hash of the random string, oldest first

    def issue(self, kind: str, subject: str, allowedip: str | None, caller: Caller) -> str:
        """A random string (32 hex digits) for one file of a kind; `subject` is what the file is known by.

        `allowedip` is the one address that may fetch it beside the application's, or None.
        """
        self._forget_old()
        random = secrets.token_hex(16)
        own = (caller.address, caller.login_address, allowedip or "")
        self._links[_key(random)] = _Link(
            kind, subject, tuple(address for address in own if address), self._clock.monotonic()
        )
        return random

    def redeem(self, kind: str, random: str, subject: str | None, caller: Caller, *, bad: Errno) -> Claim:
        """Begin to use a random string; nobody else can until the claim is settled.

        A `subject` of None means whatever it was given for. Raises ContractError: `bad` for one that is
        unknown, expired, used, in use, or for something else; 20022 for an address that may not download.
        """
        key = _key(random)
        link = self._links.get(key)
        if link is None or link.taken or self._clock.monotonic() - link.issued > VALID_SECONDS:
            raise ContractError(bad)
        same = subject is None or hmac.compare_digest(_bytes(subject), _bytes(link.subject))
        if link.kind != kind or not same:
            raise ContractError(bad, "the random string is for something else")
        named = any(is_same(caller.address, address) for address in link.addresses)
        if not named and not is_listed(caller.address, self._listed()):
            raise ContractError(Errno.ADDRESS_RESTRICTED, "this address may not download it")
        link.taken = True

        def settle(delivered: bool) -> None:
            link.taken = delivered
            if delivered:
                self._links.pop(key, None)

        return Claim(link.subject, settle)

    def _forget_old(self) -> None:
        oldest = self._clock.monotonic() - VALID_SECONDS
        for key in list(self._links):
            if self._links[key].issued >= oldest and len(self._links) < LINKS_MAX:
                return
            del self._links[key]


def _key(random: str) -> str:
    """What a random string is found by, so that finding it takes the same time for any wrong one."""
    return hashlib.sha256(_bytes(random.strip().lower())).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
