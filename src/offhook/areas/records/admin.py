"""The operators' view of call records: /records, page by page, and /records/<callid> with its legs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from offhook.areas.admin.schema import filter_of, items_of, object_of, operation, parameter
from offhook.areas.records.localtime import LocalTime, time_rule
from offhook.areas.records.search import LOOKED_AT, Newest, Place, find
from offhook.areas.records.tables import cdr
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, only_known
from offhook.contract.errors import Errno
from offhook.contract.params import declared_params, param, read_request
from offhook.contract.rules import Rule, RuleBroken, choice, integer, pattern, text
from offhook.ledger import extension_of, trunk_of
from offhook.store.unit import Store

SEARCHES_AT_ONCE = 2
_DEFAULT = 100
_MOST = 1000
_BAD = Errno.PARAMETER_EMPTY
_C = cdr.c
_CURSOR = pattern(r"[0-9]{1,11}\.[0-9]{1,9}:[\x21-\x7e]{1,100}", says="what `next` of the page before was")
_SAYS_WHEN = "a day such as 2019-10-24, or a time such as 2019-10-24 15:59:59"
_NAMES = {"start": "from", "end": "to"}

# How a record is shown: by the names of the contract, the rest by its own.
_SHOWN = {
    "callid": _C.callid,
    "callfrom": _C.callfrom,
    "callto": _C.callto,
    "dialled": _C.dialled,
    "callduration": _C.call_seconds,
    "talkduration": _C.talk_seconds,
    "srctrunkname": _C.source_trunk,
    "dsttrunkname": _C.destination_trunk,
    "status": _C.status,
    "type": _C.type,
    "pincode": _C.pincode,
    "recording": _C.recording,
    "didnumber": _C.didnumber,
    "agentringtime": _C.agent_ring_seconds,
    "fax": _C.fax,
    "faxpages": _C.fax_pages,
}
_TEXTS = (_C.callid, _C.callfrom, _C.callto, _C.dialled, _C.didnumber, _C.recording)


def _when(last: str) -> Rule[str]:
    """A time, or a day; a day means its second `last`."""
    exact = time_rule()

    def read(value: str) -> str:
        text = value.strip()
        try:
            exact.read(text if " " in text else f"{text} {last}")
        except RuleBroken:
            raise RuleBroken(_SAYS_WHEN) from None
        return text if " " in text else f"{text} {last}"

    return Rule(_SAYS_WHEN, read, {"type": "string"})


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for; `start` and `end` are called `from` and `to`."""

    start: str | None = param(_when("00:00:00"), bad=_BAD, optional=True, aliases=("from",))
    end: str | None = param(_when("23:59:59"), bad=_BAD, optional=True, aliases=("to",))
    number: str | None = param(
        text(max_len=64), bad=_BAD, optional=True, doc="whole number of any party, what was dialled, DID"
    )
    type: str | None = param(choice(("Internal", "Inbound", "Outbound")), bad=_BAD, optional=True)
    status: str | None = param(
        choice(("ANSWERED", "NO ANSWER", "BUSY", "VOICEMAIL")), bad=_BAD, optional=True
    )
    trunk: str | None = param(text(max_len=64), bad=_BAD, optional=True, doc="name of either trunk")
    text: str | None = param(
        text(max_len=64), bad=_BAD, optional=True, doc="part of a number, a callid or a recording's name"
    )
    cursor: str | None = param(_CURSOR, bad=_BAD, optional=True, doc="`next` of the page before")
    limit: int | None = param(integer(1, _MOST), bad=_BAD, optional=True, doc=f"{_DEFAULT} if not sent")


_KNOWN = {_NAMES.get(name, name): one for name, one in declared_params(Search).items()}


class RecordsPart:
    """Serves /records."""

    key = "records"

    def __init__(self, store: Store, local: LocalTime) -> None:
        self._store = store
        self._local = local
        self._turns = asyncio.Semaphore(SEARCHES_AT_ONCE)

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer one request. Raises AdminRefused, and ContractError for a wrong filter."""
        if len(path) > 1:
            raise AdminRefused(404, "there is nothing here")
        if request.method != "GET":
            raise AdminRefused(405, f"{request.method} is not possible here")
        if path:
            return await self._one(path[0])
        only_known(request.query, _KNOWN, "filter")
        search = read_request(Search, request.query)
        newest, size = self._newest(search), search.limit or _DEFAULT
        columns = (_C.started, *_columns())
        async with self._turns:
            found = await self._store.read(lambda c: find(c, columns, newest, size))
        last = found.last
        return AdminAnswer(
            body={
                "items": [self._shown(row) for row in found.rows],
                "next": "" if last is None else f"{last.started!r}:{last.callid}",
                "stopped": "" if last is None or not found.short else self._local.text(last.started),
            }
        )

    async def _one(self, callid: str) -> AdminAnswer:
        query = sa.select(_C.started, _C.legs, *_columns()).where(_C.callid == callid)
        row = None
        if "\0" not in callid and callid.isprintable():
            row = await self._store.read(lambda c: c.execute(query).mappings().first())
        if row is None:
            raise AdminRefused(404, "no call record has this callid")
        return AdminAnswer(
            body={**self._shown(row), "legs": [self._leg(leg) for leg in json.loads(row["legs"])]}
        )

    def _newest(self, search: Search) -> Newest:
        filters = [
            column == wanted
            for column, wanted in ((_C.type, search.type), (_C.status, search.status))
            if wanted is not None
        ]
        if search.trunk is not None:
            filters.append(sa.or_(_C.source_trunk == search.trunk, _C.destination_trunk == search.trunk))
        if search.text is not None:
            filters.append(sa.or_(*(one.contains(search.text, autoescape=True) for one in _TEXTS)))
        behind = None
        if search.cursor is not None:
            moment, _, last = search.cursor.partition(":")
            behind = Place(float(moment), last)
        start, end = search.start, search.end
        return Newest(
            first=None if start is None else self._local.first(datetime.fromisoformat(start)),
            end=None if end is None else self._local.after(datetime.fromisoformat(end)),
            behind=behind,
            number=search.number,
            filters=tuple(filters),
        )

    def _shown(self, row: sa.RowMapping) -> dict[str, Any]:
        return {
            "callid": row["callid"],
            "timestart": self._local.text(row["started"]),
            "started": row["started"],
            **{name: row[name] for name in _SHOWN if name != "callid"},
        }

    def _leg(self, leg: Mapping[str, Any]) -> dict[str, str]:
        times = {name: self._local.text(leg[name]) if leg[name] else "" for name in _LEG_TIMES}
        channel = str(leg["channel"])
        return {"channel": channel, "extension": extension_of(channel), "trunk": trunk_of(channel), **times}

    def paths(self) -> Mapping[str, Any]:
        """The part of the OpenAPI document."""
        filters = [filter_of(name, one.rule, one.doc) for name, one in _KNOWN.items()]
        found = items_of(object_of(_PROPERTIES))
        found["properties"]["next"] = {
            "type": "string",
            "description": "the cursor of the next page, or empty",
        }
        found["properties"]["stopped"] = {
            "type": "string",
            "description": f"{LOOKED_AT} records were looked at for this page, down to this local time; "
            "there may be older ones that fit. Else empty",
        }
        legs = {"type": "array", "items": object_of({name: {"type": "string"} for name in _LEG})}
        return {
            "/records": {
                "get": {
                    **operation("Call records, the newest first", "list_records", found),
                    "parameters": filters,
                }
            },
            "/records/{callid}": {
                "parameters": [parameter("callid")],
                "get": operation(
                    "One call record with its legs", "get_record", object_of({**_PROPERTIES, "legs": legs})
                ),
            },
        }


def _columns() -> list[sa.Label[Any]]:
    return [column.label(name) for name, column in _SHOWN.items()]


_LEG_TIMES = ("started", "answered", "ended")
_LEG = ("channel", "extension", "trunk", *_LEG_TIMES)
_PROPERTIES: dict[str, Any] = {
    "callid": {"type": "string"},
    "timestart": {"type": "string", "description": "local time of the PBX"},
    "started": {"type": "number", "description": "seconds since the epoch"},
    **{
        name: {"type": "integer" if isinstance(column.type, sa.Integer) else "string"}
        for name, column in _SHOWN.items()
        if name != "callid"
    },
}
