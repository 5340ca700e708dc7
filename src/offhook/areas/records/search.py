"""Finding records in the store: page by page, in the order of their start, by the numbers that took part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.areas.records.tables import cdr, cdr_parties

LOOKED_AT = 200_000
"""How many records one search by what no index knows looks at; the next page goes on behind them."""

_C, _P = cdr.c, cdr_parties.c


@dataclass(frozen=True, slots=True)
class Place:
    """Between two records: after (or before) the one with this start and callid."""

    started: float
    callid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Records that began at `first` or later and before `end`; `numbers` None: all, else of extensions."""

    first: float
    end: float
    numbers: tuple[str, ...] | None = None


def page(columns: Sequence[Any], span: Span, after: Place | None, size: int) -> sa.Select[Any]:
    """The next records of a span, oldest first.

    Those of one number are found by the table of parties; for several, each record of the span is asked
    whether one of them took part in it.
    """
    place = after or Place(span.first)
    if span.numbers is not None and len(span.numbers) == 1:
        query = (
            sa.select(*columns)
            .join(cdr_parties, _P.callid == _C.callid)
            .where(_P.number == span.numbers[0], _P.inside)
        )
        started, callid = _P.started, _P.callid
    else:
        query = sa.select(*columns)
        started, callid = _C.started, _C.callid
        if span.numbers is not None:
            # Not the bare column: the few parties of a record are quicker looked through than the numbers.
            number = _P.number.concat("")
            own = sa.select(sa.literal(1)).where(_P.callid == _C.callid, _P.inside, number.in_(span.numbers))
            query = query.where(own.exists())
    key = sa.tuple_(started, callid)
    return (
        query.where(key > sa.tuple_(sa.literal(place.started), sa.literal(place.callid)), started < span.end)
        .order_by(started, callid)
        .limit(size)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What is looked for, newest first: records from `first` on (None: all) and before `end`, older than the
    place `behind`, of the party `number`.

    `filters` are conditions on columns of `cdr` that have no index.
    """

    first: float | None = None
    end: float | None = None
    behind: Place | None = None
    number: str | None = None
    filters: tuple[sa.ColumnElement[bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records, and the place behind which the next one begins; None when there are no more.

    `short` tells that there was more to look at than is looked at for one page.
    """

    rows: Sequence[sa.RowMapping]
    last: Place | None
    short: bool


def find(connection: sa.Connection, columns: Sequence[Any], newest: Newest, size: int) -> Found:
    """The next page; `columns` have to contain those of the place, `started` and `callid`.

    With filters, a page that is not full ends where `LOOKED_AT` records have been looked at.
    """
    until = connection.execute(edge(newest, LOOKED_AT)).all() if newest.filters else []
    oldest = Place(until[0].started, until[0].callid) if len(until) > 1 else None
    found = connection.execute(matching(columns, newest, oldest, size + 1)).mappings().all()
    rows = found[:size]
    if len(found) > size:
        return Found(rows, Place(rows[-1]["started"], rows[-1]["callid"]), False)
    return Found(rows, oldest, oldest is not None)


def edge(newest: Newest, count: int) -> sa.Select[Any]:
    """The place of the last record that is looked at, and that behind it, by an index alone."""
    started, callid = _place(newest)
    query = sa.select(started, callid).where(*_span(newest))
    return query.order_by(started.desc(), callid.desc()).offset(count - 1).limit(2)


def matching(columns: Sequence[Any], newest: Newest, oldest: Place | None, size: int) -> sa.Select[Any]:
    """The records that fit, down to `oldest`."""
    started, callid = _place(newest)
    query = sa.select(*columns).where(*_span(newest), *newest.filters)
    if newest.number is not None:
        query = query.join(cdr_parties, _P.callid == _C.callid)
    if oldest is not None:
        query = query.where(sa.tuple_(started, callid) >= _literal(oldest))
    return query.order_by(started.desc(), callid.desc()).limit(size)


def _place(newest: Newest) -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (_C.started, _C.callid) if newest.number is None else (_P.started, _P.callid)


def _span(newest: Newest) -> list[sa.ColumnElement[bool]]:
    started, callid = _place(newest)
    found: list[sa.ColumnElement[bool]] = []
    if newest.number is not None:
        found.append(_P.number == newest.number)
    if newest.first is not None:
        found.append(started >= newest.first)
    if newest.end is not None:
        found.append(started < newest.end)
    if newest.behind is not None:
        found.append(sa.tuple_(started, callid) < _literal(newest.behind))
    return found


def _literal(place: Place) -> sa.Tuple:
    return sa.tuple_(sa.literal(place.started), sa.literal(place.callid))
