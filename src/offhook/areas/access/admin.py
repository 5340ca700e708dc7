"""Keys of API accounts as operators make them: /apikeys, /apikeys/<id of the account>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.access.accounts import Accounts
from offhook.areas.admin.schema import MOMENT, items_of, object_of, operation, parameter
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, identity_in, not_allowed, not_here


class KeysPart:
    """GET lists who has a key, POST makes one and shows it this once, DELETE ends it."""

    key = "apikeys"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        text = {"type": "string"}
        listed = items_of(object_of({"id": text, "username": text, "created": MOMENT}))
        made = object_of({"key": {"type": "string", "description": "it is never shown again"}})
        return {
            "/apikeys": {"get": operation("API accounts that have a key", "list_apikeys", listed)},
            "/apikeys/{id}": {
                "parameters": [parameter("id")],
                "post": operation(
                    "A new key for an API account; ends its old one", "make_apikey", made, "201"
                ),
                "delete": operation("End the key of an API account", "delete_apikey", None, "204"),
            },
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused."""
        match request.method, [*path]:
            case "GET", []:
                items = [
                    {"id": str(one.id), "username": one.username, "created": int(one.key_created)}
                    for one in self._accounts.all()
                    if one.key_hash
                ]
                return AdminAnswer(body={"items": items})
            case "POST", [identity]:
                key = await self._accounts.make_key(_id(identity))
                if key is None:
                    raise _missing()
                return AdminAnswer(201, {"key": key})
            case "DELETE", [identity]:
                if not await self._accounts.drop_key(_id(identity)):
                    raise _missing()
                return AdminAnswer(204)
            case _, [] | [_]:
                raise not_allowed(request)
        raise not_here()


def _id(text: str) -> int:
    return identity_in(text, _missing())


def _missing() -> AdminRefused:
    return AdminRefused(404, "no API account has this id")
