"""What operators choose about events. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReportMethod(StrEnum):
    """How events are pushed: one of the two at a time (spec 00-access, `settings.basic`)."""

    HTTP = "HTTP"
    TCP = "TCP"


class Replay(StrEnum):
    """What a receiver gets on its next login of what it missed while its token had ended."""

    NONE = "none"
    RECORDS = "records"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How long events are kept and durable ones repeated, how much of them, what is replayed."""

    keep_seconds: float = 72 * 3600.0
    max_bytes: int = 500_000_000
    replay: Replay = Replay.RECORDS
