"""Requests of wakeupcall/* with the rules of their values (spec 11-wakeup)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from offhook.areas.wakeup.model import CUSTOM, EVERYDAY, ONETIME, Wish
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import nested, param
from offhook.contract.rules import Rule, RuleBroken, Selection, choice, integer, selection, split_list, text

REPEATS_MAX = 3
INTERVAL_MAX = 1440
"""Minutes; a repetition on another day would be another wake-up call."""

_TIME = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])", re.ASCII)
_BAD = Errno.WAKEUP_CONFIG


def time_rule() -> Rule[str]:
    """A time of day; an hour of one digit becomes two."""
    says = "a time of day, hh:mm in 24 hours"

    def read(value: str) -> str:
        match = _TIME.fullmatch(value.strip())
        if match is None:
            raise RuleBroken(says)
        return f"{int(match['hour']):02d}:{match['minute']}"

    return Rule(says, read, {"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"})


def weekdays_rule() -> Rule[tuple[int, ...]]:
    """Weekdays joined by commas, 0 is Sunday; in order and each once."""
    says = "days from 0 (Sunday) to 6, joined by commas"

    def read(value: str) -> tuple[int, ...]:
        days = split_list(value)
        if not all(re.fullmatch("[0-6]", day, re.ASCII) for day in days):
            raise RuleBroken(says)
        return tuple(sorted(int(day) for day in days))

    return Rule(says, read, {"type": "string"}, lists=True)


@dataclass(frozen=True, kw_only=True)
class WakeupFields:
    """What stands within `wakeup`; None: not sent."""

    time: str = param(time_rule(), bad=_BAD)
    type: str = param(choice((ONETIME, EVERYDAY, CUSTOM)), bad=_BAD)
    weekdays: tuple[int, ...] | None = param(weekdays_rule(), bad=_BAD, optional=True)
    repeats: int | None = param(integer(1, REPEATS_MAX), bad=_BAD, optional=True)
    repeatinterval: int | None = param(integer(1, INTERVAL_MAX), bad=_BAD, optional=True)
    prompt: str | None = param(text(max_len=63), bad=Errno.NO_SUCH_AUDIO, optional=True)

    def changes(self) -> dict[str, Any]:
        """The fields sent. Raises ContractError 10004 for the type custom without weekdays."""
        if self.type == CUSTOM and not self.weekdays:
            raise ContractError(Errno.PARAMETER_EMPTY, "weekdays is missing or empty")
        sent: dict[str, Any] = {"time": self.time, "type": self.type, "prompt": self.prompt}
        sent |= {"repeats": self.repeats, "repeatinterval": self.repeatinterval}
        weekdays = self.weekdays if self.type == CUSTOM else ()
        return {name: value for name, value in sent.items() if value is not None} | {"weekdays": weekdays}


def checked(wish: Wish) -> Wish:
    """`wish`. Raises ContractError 10004 when it has one of repeats and repeatinterval without the other."""
    if bool(wish.repeats) is not bool(wish.repeatinterval):
        missing = "repeatinterval" if wish.repeats else "repeats"
        raise ContractError(Errno.PARAMETER_EMPTY, f"{missing} is missing or empty")
    return wish


def _number(doc: str) -> Any:
    return param(selection(), bad=Errno.NO_SUCH_EXTENSION, aliases=("extid",), doc=doc)


def _wakeup(doc: str) -> Any:
    return param(nested(WakeupFields), bad=_BAD, doc=doc)


@dataclass(frozen=True, kw_only=True)
class QueryWakeups:
    """Request of wakeupcall/query."""

    number: Selection = _number("one extension, several joined by commas, or all")  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class CreateWakeup:
    """Request of wakeupcall/create."""

    number: Selection = _number("one extension, or several joined by commas")  # noqa: RUF009 - a field()
    wakeup: WakeupFields = _wakeup("the wake-up call; of a list the first")  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class UpdateWakeup:
    """Request of wakeupcall/update."""

    number: str = param(text(), bad=Errno.NO_SUCH_EXTENSION, aliases=("extid",))
    wakeupid: int = param(integer(1, 2**53), bad=Errno.NO_SUCH_WAKEUP)
    wakeup: WakeupFields = _wakeup("the wake-up call; of a list the first")  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class DeleteWakeups:
    """Request of wakeupcall/delete."""

    number: Selection = _number("one extension, several joined by commas, or all")  # noqa: RUF009 - a field()
    wakeupid: Selection | None = param(  # noqa: RUF009 - a field()
        selection(),
        bad=Errno.NO_SUCH_WAKEUP,
        optional=True,
        doc="one id, several joined by commas, or all; left out: all",
    )
