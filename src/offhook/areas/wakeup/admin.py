"""The operators' view of wake-up calls: /wakeupcalls, and /wakeupjournal as JSON or CSV, page by page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from offhook.areas.admin.schema import body_of, filter_of, items_of, object_of, operation, parameter
from offhook.areas.objects.service import named
from offhook.areas.records.localtime import LocalTime, time_rule
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup.model import Alarm, Outcome, vars_of
from offhook.areas.wakeup.requests import WakeupFields
from offhook.areas.wakeup.service import WakeupService
from offhook.contract.admin import (
    AdminAnswer,
    AdminRefused,
    AdminRequest,
    identity_in,
    not_allowed,
    not_here,
    only_known,
)
from offhook.contract.errors import Errno
from offhook.contract.params import declared_params, param, read_request
from offhook.contract.rules import RuleBroken, Selection, choice, integer, selection, text
from offhook.store.unit import Store

_DEFAULT, _MOST = 100, 10_000
_BAD = Errno.PARAMETER_EMPTY
_FIELDS = declared_params(WakeupFields)
_MOMENTS = ("due", "at", "begun", "answered", "ended")


def _time(moment: float | None) -> str:
    """A moment as UTC (ISO 8601); empty when there is none."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


class WakeupsPart:
    """Serves /wakeupcalls."""

    key = "wakeupcalls"

    def __init__(self, store: Store, service: WakeupService) -> None:
        self._store = store
        self._service = service

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer one request. Raises AdminRefused, Missing, Conflict, and ContractError for a wrong value."""
        match request.method, list(path):
            case "GET", []:
                return await self._list(request)
            case "POST", []:
                return await self._create(request)
            case "GET", [identity]:
                return AdminAnswer(body=_shown(await self._one(identity)))
            case (("PATCH" | "PUT"), [identity]):
                return await self._update(request, await self._one(identity))
            case "DELETE", [identity]:
                alarm = await self._one(identity)
                await self._service.delete(named([alarm.number]), named([str(alarm.id)]))
                return AdminAnswer(204)
        if len(path) > 1:
            raise not_here()
        raise not_allowed(request)

    async def _list(self, request: AdminRequest) -> AdminAnswer:
        only_known(request.query, ("number",), "filter")
        found = await self._service.query(_which(request.query.get("number", "all")))
        return AdminAnswer(body={"items": [_shown(one) for alarms in found.values() for one in alarms]})

    async def _create(self, request: AdminRequest) -> AdminAnswer:
        only_known(request.values, ("number", *_FIELDS), "setting")
        which = _which(request.values.get("number", ""))
        fields = read_request(WakeupFields, request.values)
        await self._service.create(which, fields)
        key = (fields.time, fields.type, fields.changes()["weekdays"])
        made = [
            one
            for alarms in (await self._service.query(which)).values()
            for one in alarms
            if (one.time, one.type, one.weekdays) == key
        ]
        return AdminAnswer(201, {"ids": [str(one.id) for one in made]})

    async def _update(self, request: AdminRequest, alarm: Alarm) -> AdminAnswer:
        only_known(request.values, _FIELDS, "setting")
        kept = {"time": alarm.time, "type": alarm.type, "weekdays": ",".join(map(str, alarm.weekdays))}
        fields = read_request(WakeupFields, {**kept, **request.values})
        await self._service.update(alarm.number, alarm.id, fields)
        return AdminAnswer(body=_shown(await self._one(str(alarm.id))))

    async def _one(self, identity: str) -> Alarm:
        missing = AdminRefused(404, "no wake-up call has this id")
        ids = [identity_in(identity, missing)]
        found = await self._store.read(lambda connection: rows.select(connection, ids=ids))
        if not found:
            raise missing
        return found[0]

    def paths(self) -> Mapping[str, Any]:
        """The part of the OpenAPI document."""
        sent = {
            name: {**one.rule.schema, "description": one.doc or one.rule.says}
            for name, one in _FIELDS.items()
        }
        number = {"type": "string", "description": "one extension, or several joined by commas"}
        shown = object_of(_SHOWN)
        ids = object_of({"ids": {"type": "array", "items": {"type": "string"}}})
        create = {**object_of({"number": number, **sent}), "required": ["number", "time", "type"]}
        return {
            "/wakeupcalls": {
                "get": {
                    **operation("Wake-up calls that are set", "list_wakeupcalls", items_of(shown)),
                    "parameters": [{"name": "number", "in": "query", "schema": {"type": "string"}}],
                },
                "post": {
                    **operation("Give extensions a wake-up call", "add_wakeupcalls", ids, "201"),
                    "requestBody": body_of(create),
                },
            },
            "/wakeupcalls/{id}": {
                "parameters": [parameter("id")],
                "get": operation("One wake-up call", "get_wakeupcall", shown),
                "patch": {
                    **operation("Change what is sent of a wake-up call", "patch_wakeupcall", shown),
                    "requestBody": body_of(object_of(sent)),
                },
                "delete": operation("Delete a wake-up call", "delete_wakeupcall", None, "204"),
            },
        }


def _which(number: str) -> Selection:
    try:
        return selection().take(number)
    except RuleBroken as broken:
        raise AdminRefused(400, f"number must be {broken}") from None


def _shown(alarm: Alarm) -> dict[str, Any]:
    wish = {**vars_of(alarm), "weekdays": [str(day) for day in alarm.weekdays]}
    plan = {"state": alarm.state.value, "next": _time(alarm.at), "zone": alarm.zone}
    return {"id": str(alarm.id), "number": alarm.number, **wish, **plan}


_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_SHOWN: dict[str, Any] = {
    **dict.fromkeys(("id", "number", "time", "type"), _TEXT),
    "weekdays": {"type": "array", "items": _TEXT},
    "repeats": _NUMBER,
    "repeatinterval": {"type": "integer", "description": "minutes"},
    "prompt": _TEXT,
    "state": {"type": "string", "enum": ["waiting", "ringing", "paused"]},
    "next": {"type": "string", "description": "when it rings next, UTC"},
    "zone": _TEXT,
}


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for in the journal; `start` and `end` are called `from` and `to`."""

    number: str | None = param(text(max_len=7), bad=_BAD, optional=True)
    outcome: str | None = param(choice([one.value for one in Outcome]), bad=_BAD, optional=True)
    start: datetime | None = param(  # noqa: RUF009 - a field()
        time_rule(), bad=_BAD, optional=True, aliases=("from",)
    )
    end: datetime | None = param(  # noqa: RUF009 - a field()
        time_rule(), bad=_BAD, optional=True, aliases=("to",)
    )
    before: int | None = param(integer(1, 2**53), bad=_BAD, optional=True, doc="`next` of the page before")
    limit: int | None = param(integer(1, _MOST), bad=_BAD, optional=True, doc=f"{_DEFAULT} if not sent")
    format: str | None = param(choice(("json", "csv")), bad=_BAD, optional=True)


_NAMES = {"start": "from", "end": "to"}
_KNOWN = {_NAMES.get(name, name): one for name, one in declared_params(Search).items()}
_COLUMNS = ("id", "wakeupid", "number", "time", "ring", *_MOMENTS, "outcome", "cause", "callid")


class JournalPart:
    """Serves /wakeupjournal."""

    key = "wakeupjournal"

    def __init__(self, store: Store, local: LocalTime) -> None:
        self._store = store
        self._local = local

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer one request. Raises AdminRefused, and ContractError for a wrong filter."""
        if path:
            raise not_here()
        if request.method != "GET":
            raise not_allowed(request)
        only_known(request.query, _KNOWN, "filter")
        search = read_request(Search, request.query)
        size = search.limit or _DEFAULT
        found = await self._store.read(
            lambda connection: rows.journal(
                connection,
                number=search.number,
                outcome=search.outcome,
                since=self._local.first(search.start) if search.start else None,
                until=self._local.after(search.end) if search.end else None,
                before=search.before,
                limit=size + 1,
            )
        )
        tries = [_try(row._mapping) for row in found[:size]]
        if search.format == "csv":
            return AdminAnswer(body=_csv(tries), content_type="text/csv")
        return AdminAnswer(body={"items": tries, "next": tries[-1]["id"] if len(found) > size else ""})

    def paths(self) -> Mapping[str, Any]:
        """The part of the OpenAPI document."""
        found = items_of(object_of({**dict.fromkeys(_COLUMNS, _TEXT), "ring": _NUMBER}))
        found["properties"]["next"] = {"type": "string", "description": "`before` of the next page, or empty"}
        filters = [filter_of(name, one.rule, one.doc) for name, one in _KNOWN.items()]
        listed = operation("Every try to wake somebody, the latest first", "list_wakeupjournal", found)
        return {"/wakeupjournal": {"get": {**listed, "parameters": filters}}}


def _try(row: Mapping[Any, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in _COLUMNS}
    values |= {name: _time(row[name]) for name in _MOMENTS}
    return {**values, "id": str(row["id"]), "wakeupid": str(row["wakeupid"])}


def _csv(tries: Sequence[Mapping[str, Any]]) -> bytes:
    target = io.StringIO()
    writer = csv.DictWriter(target, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for one in tries:  # a cause is text of the engine: no spreadsheet may take it for a formula
        cause = one["cause"]
        writer.writerow({**one, "cause": f"'{cause}" if cause.startswith(("=", "+", "-", "@")) else cause})
    return target.getvalue().encode()
