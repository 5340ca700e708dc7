"""Finding records in the store: page by page, in the order of their start, by the numbers that took part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from offhook.areas.records.tables import cdr, cdr_parties

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
