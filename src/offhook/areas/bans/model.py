"""When a source is banned. Pure: what was seen comes in with its time, verdicts come out.

An attempt is a request that a right password does not follow: a name that nobody has, a wrong password, or a
name without one. All count alike, else the ban itself would tell which names there are. Garbage, packets that
are no SIP, is counted apart.

Over UDP the sender's address can be forged. Such evidence never bans an address where phones of ours are or
were not long ago, and others for a short time only.

A right password forgives what belongs to it: the requests of its own dialogue, and the wrong passwords of its
own account; not those of others, which one good account would cover else.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum

from offhook.areas.bans.address import Network, lies_in

SOURCES_MAX = 10_000
TRUST_SECONDS = 3900.0
"""Phones register anew within an hour."""
HOME_SECONDS = 7 * 86400.0
"""An address stays one of ours for so long: all phones of a site may come back at once after a power cut."""
TRUSTED_WINDOW = 60.0
"""Where phones are, only attempts of the last minute count: one with an old password tries for ever."""
GARBAGE_WINDOW = 10.0
_ACCOUNTS_MAX = 100
_ATTEMPTS_MAX = 2000
_TOLD_SECONDS = 60.0
_AFTER_SECONDS = 0.5


class Kind(StrEnum):
    """What was seen."""

    UNKNOWN = "unknown"  # a name that nobody has, with or without a password
    CHALLENGE = "challenge"  # a known name without a password
    WRONG = "wrong"  # a known name with a wrong one
    SUCCESS = "success"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that was seen of a source; `proven` means that the address cannot be forged."""

    kind: Kind
    source: str
    proven: bool = False
    account: str = ""
    dialog: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a source: ban it, or only tell (`spared`) since it may not be who sent this."""

    source: str
    reason: str
    proven: bool
    spared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is let pass: attempts in `window` seconds, garbage in ten; `permitted` are never judged."""

    attempts: int = 8
    window: float = 600.0
    garbage: int = 100
    permitted: tuple[Network, ...] = ()


@dataclass(slots=True)
class _Source:
    attempts: deque[tuple[float, Sighting]] = field(default_factory=lambda: deque(maxlen=_ATTEMPTS_MAX))
    garbage: int = 0
    garbage_since: float = float("-inf")
    told: float = float("-inf")
    judged: float = float("-inf")


class Judge:
    """Counts what is seen of each source. Times are of one clock, in seconds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._accounts: dict[str, dict[str, float]] = {}
        self._homes: dict[str, float] = {}

    def trust(self, source: str, account: str, now: float) -> None:
        """A phone of ours is there."""
        accounts = self._accounts.setdefault(source, {})
        if account in accounts or len(accounts) < _ACCOUNTS_MAX:
            accounts[account] = now
        self._homes[source] = now

    def remember(self, source: str, seen: float) -> None:
        """Phones of ours were there at that time."""
        self._homes[source] = max(seen, self._homes.get(source, seen))

    def is_home(self, source: str, now: float) -> bool:
        """Whether phones of ours are there, or were not long ago."""
        return now - self._homes.get(source, float("-inf")) <= HOME_SECONDS

    def phones_at(self, source: str, now: float) -> int:
        """How many accounts have shown a right password there in the last hour."""
        return sum(now - seen <= TRUST_SECONDS for seen in self._accounts.get(source, {}).values())

    def forget(self, source: str) -> None:
        """Begin anew with a source."""
        self._sources.pop(source, None)

    def tidy(self, now: float) -> None:
        """Forget homes and accounts that are long gone; call it from time to time."""
        self._homes = {source: seen for source, seen in self._homes.items() if now - seen <= HOME_SECONDS}
        for source, accounts in list(self._accounts.items()):
            living = {name: seen for name, seen in accounts.items() if now - seen <= TRUST_SECONDS}
            self._accounts[source] = living
            if not living:
                del self._accounts[source]

    def hear(self, seen: Sighting, now: float) -> Verdict | None:
        """Take note; a verdict when it was too much."""
        if seen.kind is Kind.SUCCESS:
            self._forgive(seen, now)
            return None
        if lies_in(seen.source, self.limits.permitted):
            return None
        one = self._source(seen.source)
        if 0 <= now - one.judged < _AFTER_SECONDS:  # was on its way when the verdict came
            return None
        if seen.kind is Kind.GARBAGE:
            return self._judge_garbage(seen, one, now)
        one.attempts.append((now, seen))
        return self._judge_attempts(seen, one, now)

    def _judge_garbage(self, seen: Sighting, one: _Source, now: float) -> Verdict | None:
        if not 0 <= now - one.garbage_since <= GARBAGE_WINDOW:
            one.garbage, one.garbage_since = 0, now
        one.garbage += 1
        if one.garbage < self._allowed(self.limits.garbage, seen.source, now):
            return None
        return self._verdict(one, seen.source, f"{one.garbage} packets that are no SIP", seen.proven, now)

    def _judge_attempts(self, seen: Sighting, one: _Source, now: float) -> Verdict | None:
        window = TRUSTED_WINDOW if self.is_home(seen.source, now) else self.limits.window
        while one.attempts and now - one.attempts[0][0] > window:
            one.attempts.popleft()
        allowed = self._allowed(self.limits.attempts, seen.source, now)
        if len(one.attempts) < allowed:
            return None
        proven = sum(attempt.proven for _, attempt in one.attempts)
        names = len({attempt.account for _, attempt in one.attempts})
        reason = f"{len(one.attempts)} attempts at {names} names"
        return self._verdict(one, seen.source, reason, proven >= allowed, now)

    def _verdict(self, one: _Source, source: str, reason: str, proven: bool, now: float) -> Verdict | None:
        if proven or not self.is_home(source, now):
            self._sources[source] = _Source(judged=now)
            return Verdict(source, reason, proven)
        # Those that are proven stay: who mixes both kinds must not get off.
        kept = ((at, attempt) for at, attempt in one.attempts if attempt.proven)
        one.attempts = deque(kept, maxlen=_ATTEMPTS_MAX)
        one.garbage = 0
        if 0 <= now - one.told < _TOLD_SECONDS:
            return None
        one.told = now
        return Verdict(source, reason, proven, spared=True)

    def _allowed(self, most: int, source: str, now: float) -> int:
        return most * (1 + self.phones_at(source, now))

    def _forgive(self, seen: Sighting, now: float) -> None:
        self.trust(seen.source, seen.account, now)
        one = self._sources.get(seen.source)
        if one is not None and one.attempts:
            kept = ((at, attempt) for at, attempt in one.attempts if not _belongs(attempt, seen))
            one.attempts = deque(kept, maxlen=_ATTEMPTS_MAX)

    def _source(self, source: str) -> _Source:
        one = self._sources.setdefault(source, _Source())
        self._sources.move_to_end(source)
        if len(self._sources) > SOURCES_MAX:
            self._sources.popitem(last=False)
        return one


def _belongs(attempt: Sighting, success: Sighting) -> bool:
    if attempt.kind is Kind.WRONG:
        return attempt.account == success.account
    return attempt.dialog == success.dialog


def ban_seconds(times: int, first: float, longest: float) -> float:
    """How long the ban number `times` in a row lasts: each twice as long as the one before."""
    return min(longest, first * 2.0 ** min(times - 1, 30))
