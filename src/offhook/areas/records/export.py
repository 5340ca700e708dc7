"""Call records as a file, made page by page in reader threads, so that a million cost no memory.

Each page is a short read of its own: no snapshot is held while a slow client takes its time, and the store's
log can be folded in meanwhile. Only so many pages are made at once, that other reads get their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import sqlalchemy as sa

from offhook.areas.records.localtime import LocalTime
from offhook.areas.records.plaincsv import HEADING, lines, plain
from offhook.areas.records.search import Place, Span, page
from offhook.areas.records.tables import cdr
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store

PAGE = 1000
PAGES_AT_ONCE = 2

_C = cdr.c
_COLUMNS = (
    _C.started,
    _C.callid,
    _C.callfrom,
    _C.callto,
    sa.cast(_C.call_seconds, sa.Text),
    sa.cast(_C.talk_seconds, sa.Text),
    _C.source_trunk,
    _C.destination_trunk,
    _C.status,
    _C.type,
    _C.pincode,
    _C.recording,
    _C.didnumber,
)


class RecordExport:
    """Makes files of records; `sn` is the serial number of the PBX."""

    def __init__(self, store: Store, local: LocalTime, sn: Callable[[], str]) -> None:
        self._store = store
        self._local = local
        self._sn = sn
        self._turns = asyncio.Semaphore(PAGES_AT_ONCE)

    async def file(self, span: Span) -> AsyncIterator[bytes]:
        """The file of a span, bit by bit. Raises ContractError 20021 at first when there is no record."""
        place: Place | None = None
        while True:
            async with self._turns:
                text, place = await self._store.read(lambda c, at=place: self._page(c, span, at))  # type: ignore[misc]
            if place is None:
                break
            yield text

    def _page(self, connection: sa.Connection, span: Span, after: Place | None) -> tuple[bytes, Place | None]:
        rows = connection.execute(page(_COLUMNS, span, after, PAGE)).all()
        if not rows:
            if after is None:
                raise ContractError(Errno.NO_SUCH_CDR, "there is no record in this span")
            return b"", None
        when, sn = self._local.text, plain(self._sn())
        text = lines([(callid, when(started), *fields, sn) for started, callid, *fields in rows])
        head = f"{HEADING}\n" if after is None else "\n"
        return (head + text).encode(), Place(rows[-1][0], rows[-1][1])
