"""What was used up of a day's limits, as the dialplan keeps it in the engine's own database. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SPENT, SPENDING = "offhook-spent", "offhook-spending"
"""Families of the engine's database: what was used, and the calls that run (areas/spending/dialplan.conf)."""

NEAR = 80
"""Per cent of a limit from which on the operator is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What `who` has used on `day` (YYYYMMDD), of the limits in force at his last call; 0: no limit."""

    who: str
    day: str
    calls: int
    seconds: int
    most_calls: int
    most_seconds: int
    running: int = 0

    def reached(self, percent: int) -> tuple[str, ...]:
        """Which limits are used up by so many per cent: `calls`, `minutes`."""
        pairs = (("calls", self.calls, self.most_calls), ("minutes", self.seconds, self.most_seconds))
        return tuple(name for name, used, most in pairs if most and used * 100 >= most * percent)


def usages(spent: Mapping[str, str], running: Mapping[str, str], now: int, day: str) -> list[Usage]:
    """What each has used today, of the two families by their keys; what is no count is left out."""
    calls: dict[str, list[int]] = {}
    for key, value in running.items():
        who, since = key.rpartition("/")[0], value.partition("|")[0]
        if since.isdecimal():
            calls.setdefault(who, []).append(max(0, now - int(since)))
    found = []
    for who, value in sorted(spent.items()):
        parts = value.split("-")
        if len(parts) != 5 or not all(part.isdecimal() for part in parts) or parts[0] != day:
            continue
        runs = calls.get(who, [])
        found.append(
            Usage(
                who=who,
                day=day,
                calls=int(parts[1]),
                seconds=int(parts[2]) + sum(runs),
                most_calls=int(parts[3]),
                most_seconds=int(parts[4]),
                running=len(runs),
            )
        )
    return found


def entries(items: Iterable[Mapping[str, str]], family: str) -> dict[str, str]:
    """The answer of DBGetTree as a mapping."""
    return {item.get("Key", "").removeprefix(f"/{family}/"): item.get("Val", "") for item in items}


def is_outside_leg(channel: Mapping[str, str]) -> bool:
    """Whether a channel of CoreShowChannels is one of a carrier that we have called."""
    kind = channel.get("AccountCode", "").partition("~")[0].partition("|")[0]
    return channel.get("Channel", "").startswith("PJSIP/trunk-") and kind in {"out", "called"}
