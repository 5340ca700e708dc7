"""Times of records as the contract writes them: local time of the PBX, `yyyy-mm-dd hh:mm:ss`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from offhook.contract.rules import Rule, RuleBroken

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_SAYS = "a time such as 2019-10-24 15:59:59"
_QUARTER = 900  # the clocks of no zone have been changed off a quarter of an hour since the epoch
_DAY = 86400
_MICRO = 1e-6
_KEPT_MAX = 50_000
_SECONDS = tuple(f"{second:02d}" for second in range(60))
_MINUTES = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(_DAY // 60))
_EPOCH_ORDINAL = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def time_rule() -> Rule[datetime]:
    """A time without a zone."""

    def read(value: str) -> datetime:
        text = value.strip()
        try:
            if _FORM.fullmatch(text):
                return datetime.fromisoformat(text)
        except ValueError:
            pass
        raise RuleBroken(_SAYS)

    return Rule(_SAYS, read, {"type": "string", "pattern": _FORM.pattern})


class LocalTime:
    """Turns moments (seconds since the epoch) into local time and back; a million texts take a second."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._offsets: dict[int, int] = {}  # by the quarter of an hour since the epoch
        self._days: dict[int, str] = {}

    def text(self, moment: float) -> str:
        """The local time of a moment."""
        second = int(moment + _MICRO / 2)
        quarter = second // _QUARTER
        offset = self._offsets.get(quarter)
        day, rest = divmod(second + (self._offset(quarter) if offset is None else offset), _DAY)
        return f"{self._days.get(day) or self._day(day)} {_MINUTES[rest // 60]}:{_SECONDS[rest % 60]}"

    def first(self, local: datetime) -> float:
        """The moment at which a local second begins; of one that comes twice, or never, the earlier."""
        return min(self._moments(local))

    def after(self, local: datetime) -> float:
        """The moment at which a local second is over; of one that comes twice, or never, the later."""
        return max(self._moments(local)) + 1

    def _moments(self, local: datetime) -> tuple[float, float]:
        first, second = (local.replace(tzinfo=self._zone, fold=fold).timestamp() for fold in (0, 1))
        return first, second

    def _offset(self, quarter: int) -> int:
        if len(self._offsets) > _KEPT_MAX:
            self._offsets.clear()
        found = datetime.fromtimestamp(quarter * _QUARTER, self._zone).utcoffset()
        offset = self._offsets[quarter] = int(found.total_seconds()) if found is not None else 0
        return offset

    def _day(self, day: int) -> str:
        if len(self._days) > _KEPT_MAX:
            self._days.clear()
        text = self._days[day] = datetime.fromordinal(_EPOCH_ORDINAL + day).strftime("%Y-%m-%d")
        return text
