"""The operators' view of recordings: /recordings, what is wrong with them, and each as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.admin.schema import filter_of, items_of, object_of, operation, parameter
from offhook.areas.objects.field import Row
from offhook.areas.recordings.service import Recordings
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, only_known
from offhook.contract.results import Download
from offhook.contract.rules import Rule, RuleBroken, choice, integer, pattern

_DEFAULT, _MOST = 100, 1000
_WORD = pattern(r"[0-9A-Za-z]{1,40}", says="letters and digits")
_CALLID = pattern(r"[0-9]{1,12}\.[0-9]{1,12}", says="a callid")
_EPOCH = integer(0, 10**11)
_FILTERS: Mapping[str, Rule[Any]] = {
    "callid": _CALLID,
    "caller": _WORD,
    "callee": _WORD,
    "type": choice(("Internal", "Inbound", "Outbound")),
    "state": choice(("begun", "running", "closed", "missing")),
    "since": _EPOCH,
    "until": _EPOCH,
    "limit": integer(1, _MOST),
}
_PROPERTIES: dict[str, Any] = {
    "name": {"type": "string"},
    "callid": {"type": "string"},
    "started": {"type": "number", "description": "seconds since the epoch"},
    "caller": {"type": "string"},
    "callee": {"type": "string"},
    "type": {"type": "string"},
    "side": {"type": "string", "description": "whose channel was recorded"},
    "state": {"type": "string"},
    "bytes": {"type": "integer"},
    "seconds": {"type": "number"},
    "sha256": {"type": "string"},
}
_FINDING = {"name": {"type": "string"}, "what": {"type": "string"}}


class RecordingsPart:
    """Serves /recordings."""

    key = "recordings"

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer one request. Raises AdminRefused."""
        if len(path) > 1:
            raise AdminRefused(404, "there is nothing here")
        if request.method != "GET":
            raise AdminRefused(405, f"{request.method} is not possible here")
        if not path:
            filters = _read(request.query)
            limit = filters.pop("limit", _DEFAULT)
            return AdminAnswer(body={"items": list(await self._recordings.list(filters, limit))})
        if path[0] == "check":
            found = sorted(await self._recordings.check(), key=lambda one: one.name)
            return AdminAnswer(body={"items": [{"name": one.name, "what": one.what} for one in found]})
        file = await self._recordings.find(path[0])
        if file is None:
            raise AdminRefused(404, "there is no closed recording of this name")
        return AdminAnswer(body=Download(filename=file.name, content_type="audio/wav", body=file))

    def paths(self) -> Mapping[str, Any]:
        """The part of the OpenAPI document."""
        filters = [filter_of(name, rule) for name, rule in _FILTERS.items()]
        shown = items_of(object_of(_PROPERTIES))
        wrong = items_of(object_of(_FINDING))
        audio = operation("A recording as a WAV file", "download_recording", None)
        audio["responses"]["200"]["content"] = {"audio/wav": {}}
        return {
            "/recordings": {
                "get": {
                    **operation("Recordings, the newest first", "list_recordings", shown),
                    "parameters": filters,
                }
            },
            "/recordings/check": {
                "get": operation("Files without a record, records without a file", "check_recordings", wrong)
            },
            "/recordings/{name}": {"parameters": [parameter("name")], "get": audio},
        }


def _read(query: Mapping[str, str]) -> Row:
    only_known(query, _FILTERS, "filter")
    filters: Row = {}
    for name, value in query.items():
        try:
            filters[name] = _FILTERS[name].take(value)
        except RuleBroken as broken:
            raise AdminRefused(400, f"{name} must be {broken}") from None
    return filters
