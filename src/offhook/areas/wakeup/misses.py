"""Alarms about wake-up calls that woke nobody: somebody has to look after the guest.

One is raised when a day's last ring was not answered or not made, in the transaction that says so. It is over
when a later wake-up call is answered there, when the guest checks out, or after a day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import sqlalchemy as sa

from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup.model import Alarm, Outcome, State
from offhook.store.unit import UnitOfWork

KIND = "wakeup"
_KEEP_SECONDS = 86400.0


class AlarmBook(Protocol):
    """Where alarms are written within a transaction."""

    def raise_in(self, unit: UnitOfWork, key: str, text: str) -> None:
        """Something has happened."""

    def settle_in(self, unit: UnitOfWork, keys: Sequence[str], text: str) -> None:
        """It needs nobody any more."""

    def settle_old_in(self, unit: UnitOfWork, kind: str, before: float, text: str) -> None:
        """The same of those of a kind that were raised last before a moment."""


class Misses:
    """Raises and settles them. `wanted` is whether the operator wants to be told."""

    def __init__(self, book: AlarmBook, wanted: Callable[[sa.Connection], bool]) -> None:
        self._book = book
        self._wanted = wanted

    def note_in(self, unit: UnitOfWork, alarm: Alarm, outcome: Outcome) -> None:
        """A ring has ended, or was not made, and this is what became of its wake-up call."""
        key = f"{KIND}:{alarm.number}"
        if outcome is Outcome.ANSWERED:
            self._book.settle_in(unit, [key], f"a wake-up call of {alarm.number} was answered")
        elif alarm.state in {State.WAITING, State.DONE} and outcome is not Outcome.BROKEN:
            day = rows.last_day(unit.connection, alarm.id)
            if any(ring.outcome == Outcome.ANSWERED.value for ring in day) or not self._wanted(
                unit.connection
            ):
                return
            rings = f", {len(day)} rings" if len(day) > 1 else ""
            cause = day[-1].cause
            text = f"nobody was woken at {alarm.number}, wake-up call {alarm.time}: {cause}{rings}"
            self._book.raise_in(unit, key, text)

    def forget_in(self, unit: UnitOfWork, numbers: Sequence[str]) -> None:
        """The guests have gone."""
        self._book.settle_in(unit, [f"{KIND}:{number}" for number in numbers], "checked out")

    def expire_in(self, unit: UnitOfWork, now: float) -> None:
        """What is older than a day interests nobody."""
        self._book.settle_old_in(unit, KIND, now - _KEEP_SECONDS, "it is a day ago")
