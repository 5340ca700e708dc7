"""The operators' view of who is refused: /bans, with the addresses that the API has locked beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.access.lockout import Lockout
from offhook.areas.admin.schema import MOMENT, items_of, object_of, operation, parameter
from offhook.areas.bans.watch import BanWatch
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, not_allowed

SIP, API = "SIP-IP", "API-IP"


class BanPart:
    """GET /bans, DELETE /bans/{address}."""

    key = "bans"

    def __init__(self, watch: BanWatch, lockout: Lockout) -> None:
        self._watch = watch
        self._lockout = lockout

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        ban = object_of(
            {
                "type": {"type": "string", "enum": [SIP, API], "description": "phones, or the API's logins"},
                "address": {"type": "string"},
                "since": MOMENT,
                "until": MOMENT,
                "times": {"type": "integer", "description": "bans in a row; each lasts longer"},
                "reason": {"type": "string"},
            }
        )
        lift = operation("Let an address in again", "lift_ban", None, "204")
        return {
            "/bans": {"get": operation("Addresses that are refused", "list_bans", items_of(ban))},
            "/bans/{address}": {"parameters": [parameter("address")], "delete": lift},
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer; an IPv6 network is named by one of its addresses, as a path has no place for its slash."""
        if len(path) > 2:
            raise AdminRefused(404, "there is nothing here")
        if not path:
            if request.method != "GET":
                raise not_allowed(request)
            return AdminAnswer(body={"items": [*await self._phones(), *await self._logins()]})
        if request.method != "DELETE":
            raise not_allowed(request)
        address = path[0]
        lifted = await self._watch.lift(address)
        if not await self._lockout.release(address) and not lifted:
            raise AdminRefused(404, "this address is not refused")
        return AdminAnswer(status=204)

    async def _phones(self) -> list[dict[str, Any]]:
        return [
            {
                "type": SIP,
                "address": ban.address,
                "since": int(ban.since),
                "until": int(ban.until),
                "times": ban.times,
                "reason": ban.reason,
            }
            for ban in await self._watch.list.living()
        ]

    async def _logins(self) -> list[dict[str, Any]]:
        return [
            {
                "type": API,
                "address": entry.address,
                "since": int(entry.time),
                "until": int(entry.until),
                "times": 1,
                "reason": "wrong passwords at a login",
            }
            for entry in await self._lockout.blocked()
        ]
