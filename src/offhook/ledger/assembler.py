"""Rows in the order of the file to complete calls: which are open, and from where to read again.

Every linkedid is a call of its own; it is complete at its LINKEDID_END, which is always its last row
(measured). A leg that joins another call goes on under that call's linkedid. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.ledger.rows import CelRow


@dataclass(slots=True)
class OpenCall:
    """A call whose end has not been read; `position` is where its first row stands."""

    callid: str
    position: tuple[int, int]
    rows: list[CelRow] = field(default_factory=list)


class Assembler:
    """Holds the open calls. A position is the number of a file in reading order, and an offset in it."""

    def __init__(self) -> None:
        self._open: dict[str, OpenCall] = {}

    def feed(self, row: CelRow, position: tuple[int, int]) -> OpenCall | None:
        """Take the next row; returns the call that it completes, if any."""
        call = self._open.get(row.linkedid)
        if call is None:
            call = self._open[row.linkedid] = OpenCall(row.linkedid, position)
        call.rows.append(row)
        if row.type != "LINKEDID_END":
            return None
        return self._open.pop(row.linkedid)

    def open_calls(self) -> dict[str, OpenCall]:
        """The calls whose end has not been read."""
        return dict(self._open)

    def drop(self, callid: str) -> OpenCall | None:
        """Take a call out whose end will never be written: the engine died."""
        return self._open.pop(callid, None)

    def low(self) -> tuple[int, int] | None:
        """Position of the first row of any open call; None when none is open."""
        return min((call.position for call in self._open.values()), default=None)
