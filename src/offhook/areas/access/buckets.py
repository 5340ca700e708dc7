"""How often something may happen: token buckets, one for each who does it. Pure."""

from __future__ import annotations

from typing import Any

KEPT = 10_000


class Buckets:
    """Each key may do `rate` things a second, and `burst` at once after a rest."""

    def __init__(self) -> None:
        self._filled: dict[Any, tuple[float, float]] = {}  # tokens left, and when that was

    def take(self, key: Any, now: float, rate: float, burst: float) -> bool:
        """Whether one more may be done now (seconds; a clock that goes back gives nothing)."""
        left, then = self._filled.get(key, (burst, now))
        left = min(burst, left + max(0.0, now - then) * rate)
        allowed = left >= 1
        if len(self._filled) >= KEPT and key not in self._filled:
            self._forget(now, rate)
        self._filled[key] = (left - 1 if allowed else left, now)
        return allowed

    def _forget(self, now: float, rate: float) -> None:
        """Let go of those that have rested, or else of the half that was heard of longest ago."""
        rested = [key for key, (_, then) in self._filled.items() if (now - then) * rate > KEPT]
        oldest = sorted(self._filled, key=lambda key: self._filled[key][1])[: KEPT // 2]
        for key in rested or oldest:
            del self._filled[key]
