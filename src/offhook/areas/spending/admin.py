"""What operators see and do of calls out: /spending, /spending/stop, /spending/resume, /spending/<who>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.admin.schema import body_of, object_of, operation, parameter
from offhook.areas.spending.service import Spending
from offhook.areas.spending.stop import OutsideStop
from offhook.asterisk.switch import SwitchError
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, not_allowed, not_here, only_known

_NUMBER = {"type": "integer"}


class SpendingPart:
    """GET shows what was used today, POST stop and resume are the switch, DELETE begins to count anew."""

    key = "spending"

    def __init__(self, spending: Spending, stop: OutsideStop) -> None:
        self._spending = spending
        self._stop = stop

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        item = object_of(
            {
                "who": {
                    "type": "string",
                    "description": "extension, ivr<number>, disa<id>, callback<id>, trunk<id>",
                },
                "calls": {**_NUMBER, "description": "begun today"},
                "seconds": {**_NUMBER, "description": "talked today, calls that run too"},
                "running": {**_NUMBER, "description": "calls that run and whose minutes are counted"},
                "mostcalls": {**_NUMBER, "description": "allowed a day; 0: no limit"},
                "mostseconds": {**_NUMBER, "description": "allowed a day; 0: no limit"},
            }
        )
        known = {"type": "boolean", "description": "false while the engine, which counts, does not answer"}
        shown = object_of(
            {"stopped": {"type": "boolean"}, "known": known, "items": {"type": "array", "items": item}}
        )
        ended = object_of({"ended": {**_NUMBER, "description": "calls that were ended"}})
        end_calls = object_of({"endcalls": {"type": "boolean", "description": "end the calls that run"}})
        stop = operation("No new calls to the outside, but for emergency numbers", "stop_outbound", ended)
        return {
            "/spending": {"get": operation("What was used of the limits today", "show_spending", shown)},
            "/spending/stop": {"post": {**stop, "requestBody": {**body_of(end_calls), "required": False}}},
            "/spending/resume": {
                "post": operation("Calls to the outside may be made again", "resume_outbound", None, "204")
            },
            "/spending/{who}": {
                "parameters": [parameter("who")],
                "delete": operation("Begin to count calls and minutes anew", "forget_spending", None, "204"),
            },
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused."""
        try:
            return await self._answer(request, path)
        except SwitchError as failure:
            # a stop holds all the same: the dialplan reads it, as soon as there is one
            raise AdminRefused(409, f"the engine does not answer, so it was not told: {failure}") from None

    async def _answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        match request.method, [*path]:
            case "GET", []:
                return AdminAnswer(body=await self._shown())
            case "POST", ["stop"]:
                only_known(request.values, ("endcalls",), "setting")
                wish = request.values.get("endcalls", "off")
                if wish not in {"on", "off"}:
                    raise AdminRefused(400, "endcalls must be on or off")
                return AdminAnswer(body={"ended": await self._stop.stop(end_calls=wish == "on")})
            case "POST", ["resume"]:
                await self._stop.resume()
                return AdminAnswer(204)
            case "DELETE", [who] if who not in {"stop", "resume"}:
                if not (who.isascii() and who.isalnum() and await self._spending.forget(who)):
                    raise AdminRefused(404, f"nothing was counted for {who}")
                return AdminAnswer(204)
            case _, [] | [_]:
                raise not_allowed(request)
        raise not_here()

    async def _shown(self) -> dict[str, Any]:
        try:
            used = await self._spending.used()
        except SwitchError:
            return {"stopped": await self._stop.stopped(), "known": False, "items": []}
        items = [
            {
                "who": usage.who,
                "calls": usage.calls,
                "seconds": usage.seconds,
                "running": usage.running,
                "mostcalls": usage.most_calls,
                "mostseconds": usage.most_seconds,
            }
            for usage in used
        ]
        return {"stopped": await self._stop.stopped(), "known": True, "items": items}
