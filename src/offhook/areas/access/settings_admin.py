"""The operators' view of the API's settings: /api. Who may log in is declared elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.access.settings import SettingsKeeper
from offhook.areas.admin.schema import body_of, object_of, operation
from offhook.areas.apply.access import DeclaredApi
from offhook.contract.admin import AdminAnswer, AdminRequest, not_allowed, not_here, only_known
from offhook.contract.params import declared_params, read_request

_SHOWN = ("enabled", "report_method", "event_port", "download_addresses")


class ApiPart:
    """GET and PATCH /api: whether the API is on, how events are pushed, who may download."""

    key = "api"

    def __init__(self, settings: SettingsKeeper) -> None:
        self._settings = settings

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        params = declared_params(DeclaredApi)
        sent = {name: params[name].schema for name in _SHOWN} | {"enabled": {"type": "boolean"}}
        port = {"type": "integer", "minimum": 0, "description": "0: that of the command line"}
        fields, shown = object_of(sent), object_of({**sent, "event_port": port})
        return {
            "/api": {
                "get": operation("How the API is set", "get_api", shown),
                "patch": {
                    **operation("Change settings of the API", "change_api", shown),
                    "requestBody": body_of(fields),
                },
            }
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused and ContractError."""
        if path:
            raise not_here()
        if request.method in {"PATCH", "PUT"}:
            only_known(request.values, _SHOWN, "setting")
            sent = dataclasses.asdict(read_request(DeclaredApi, request.values))
            changes = {name: value for name, value in sent.items() if value is not None}
            await self._settings.change(**changes)
        elif request.method != "GET":
            raise not_allowed(request)
        now = self._settings.now
        return AdminAnswer(body={name: getattr(now, name) for name in _SHOWN})
