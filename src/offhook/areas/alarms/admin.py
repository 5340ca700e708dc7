"""The operators' view of the alarms: /alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.admin.schema import MOMENT, items_of, object_of, operation
from offhook.areas.alarms.service import Alarms
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, not_allowed


class AlarmPart:
    """GET /alarms."""

    key = "alarms"

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        alarm = object_of(
            {
                "key": {"type": "string"},
                "text": {"type": "string"},
                "active": {"type": "boolean", "description": "whether it is still so"},
                "since": MOMENT,
                "last": MOMENT,
                "count": {"type": "integer", "description": "how often it was raised"},
            }
        )
        return {"/alarms": {"get": operation("What is or was wrong", "list_alarms", items_of(alarm))}}

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer."""
        if path:
            raise AdminRefused(404, "there is nothing here")
        if request.method != "GET":
            raise not_allowed(request)
        items = [
            {
                "key": row["key"],
                "text": row["text"],
                "active": row["active"],
                "since": int(row["since"]),
                "last": int(row["last_at"]),
                "count": row["count"],
            }
            for row in await self._alarms.listed()
        ]
        return AdminAnswer(body={"items": items})
