"""The operators' view of webhooks: /webhooks, /webhooks/<id> and what is done with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from offhook.areas.admin.schema import MOMENT, Json, body_of, items_of, object_of, operation, parameter
from offhook.areas.objects.service import ObjectService, one
from offhook.areas.webhooks.kind import KIND
from offhook.areas.webhooks.model import State
from offhook.areas.webhooks.service import OVERLAP_HOURS, Webhooks
from offhook.areas.webhooks.signing import new_secret
from offhook.areas.webhooks.worker import Worker
from offhook.contract.admin import (
    AdminAnswer,
    AdminRefused,
    AdminRequest,
    identity_in,
    not_allowed,
    not_here,
    only_known,
)

_OVERLAP_MAX = 168
_DOING = ("rotate", "pause", "resume", "replay", "test")
_ID_DIGITS = 9


class WebhookPart:
    """Lists, makes, changes and deletes webhooks; a secret is shown when it is made, and never again."""

    key = KIND.key

    def __init__(self, objects: ObjectService, webhooks: Webhooks) -> None:
        self._objects = objects
        self._webhooks = webhooks

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        rules: Json = {f.name: {**f.rule.schema, "description": f.doc or f.rule.says} for f in KIND.fields}
        shown = object_of(
            {
                "id": {"type": "string"},
                **{name: rule for name, rule in rules.items() if name not in {"secret", "verify"}},
                "verify": {"type": "boolean"},
                "state": {"type": "string", "enum": [*State]},
                "position": {"type": "integer", "description": "number of the last event that it has"},
                "behind": {"type": "integer", "description": "numbers of events that are before it"},
                "failingsince": MOMENT,
                "next": {**MOMENT, "description": "when it is tried again, if it fails"},
                "answer": {"type": "string", "description": "what the receiver said last"},
                "delivered": {"type": "integer", "description": "since the start of the PBX"},
            }
        )
        secret = {"type": "string", "description": "shown this once"}
        settings = object_of({**rules, "secret": {**rules["secret"], "writeOnly": True}})
        new = {**settings, "required": ["name", "url"]}
        place = [parameter("id")]
        hours = {"type": "integer", "minimum": 0, "maximum": _OVERLAP_MAX}
        replay = object_of(
            {
                "after": {"type": "integer", "description": "number of an event"},
                "since": {"type": "string", "description": "ISO 8601, or seconds since the epoch"},
            }
        )
        tried = object_of({"delivered": {"type": "boolean"}, "answer": {"type": "string"}})

        def act(what: str, summary: str, answer: Json | None, body: Json | None = None) -> Json:
            done = operation(summary, f"{what}_webhook", answer, "200" if answer else "204")
            return {"parameters": place, "post": {**done, **({"requestBody": body_of(body)} if body else {})}}

        return {
            "/webhooks": {
                "get": operation("All webhooks with their states", "list_webhooks", items_of(shown)),
                "post": {
                    **operation(
                        "Make a webhook; it begins with what happens next",
                        "add_webhook",
                        object_of({"id": {"type": "string"}, "secret": secret}),
                        "201",
                    ),
                    "requestBody": body_of(new),
                },
            },
            "/webhooks/{id}": {
                "parameters": place,
                "get": operation("One webhook", "get_webhook", shown),
                "patch": {
                    **operation("Change a webhook", "change_webhook", shown),
                    "requestBody": body_of(settings),
                },
                "delete": operation("Delete a webhook", "delete_webhook", None, "204"),
            },
            "/webhooks/{id}/rotate": act(
                "rotate",
                f"A new secret; the old one signs as well for some hours ({OVERLAP_HOURS})",
                object_of({"secret": secret}),
                object_of({"hours": hours}),
            ),
            "/webhooks/{id}/pause": act("pause", "Send nothing; its place is kept", None),
            "/webhooks/{id}/resume": act("resume", "Go on, also one that has failed", None),
            "/webhooks/{id}/replay": act(
                "replay",
                "Send again from an event or a time on",
                object_of({"position": {"type": "integer"}}),
                replay,
            ),
            "/webhooks/{id}/test": act("test", "Send one request that tells of nothing", tried),
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused, ContractError, Missing and Conflict."""
        match request.method, [*path]:
            case "GET", []:
                return AdminAnswer(body={"items": [self._shown(w) for w in self._webhooks.workers]})
            case "POST", []:
                return await self._add(request.values)
            case "GET", [identity]:
                return AdminAnswer(body=self._shown(self._webhooks.worker(_id(identity))))
            case (("PATCH" | "PUT"), [identity]):
                self._webhooks.worker(_id(identity))
                only_known(request.values, KIND.by_name, "setting")
                await self._objects.update(identity, KIND.read_changes(request.values))
                return AdminAnswer(body=self._shown(self._webhooks.worker(_id(identity))))
            case "DELETE", [identity]:
                await self._objects.delete(one(str(_id(identity))))
                return AdminAnswer(204)
            case "POST", [identity, what] if what in _DOING:
                return await self._do(_id(identity), what, request.values)
            case _, [] | [_]:
                raise not_allowed(request)
            case _, [_, what] if what in _DOING:
                raise not_allowed(request)
        raise not_here()

    async def _add(self, values: Mapping[str, str]) -> AdminAnswer:
        only_known(values, KIND.by_name, "setting")
        secret = values.get("secret", "").strip() or new_secret()
        identity = await self._objects.create(KIND.read_new({**values, "secret": secret}))
        return AdminAnswer(201, {"id": str(identity), "secret": secret})

    async def _do(self, identity: int, what: str, values: Mapping[str, str]) -> AdminAnswer:
        hooks = self._webhooks
        only_known(values, {"rotate": ("hours",), "replay": ("after", "since")}.get(what, ()), "setting")
        match what:
            case "rotate":
                hours = _number(values.get("hours") or str(OVERLAP_HOURS), "hours", _OVERLAP_MAX)
                return AdminAnswer(body={"secret": await hooks.rotate(identity, hours)})
            case "replay":
                return AdminAnswer(body={"position": await self._replay(identity, values)})
            case "test":
                tried = await hooks.test(identity)
                return AdminAnswer(body={"delivered": tried.taken, "answer": tried.says})
            case "pause":
                await hooks.pause(identity)
            case _:
                await hooks.resume(identity)
        return AdminAnswer(204)

    async def _replay(self, identity: int, values: Mapping[str, str]) -> int:
        after, since = values.get("after", ""), values.get("since", "")
        if bool(after) == bool(since):
            raise AdminRefused(400, "send either after, the number of an event, or since, a time")
        if after:
            return await self._webhooks.replay(identity, after=_number(after, "after", (1 << 62)))
        return await self._webhooks.replay(identity, since=_time(since))

    def _shown(self, worker: Worker) -> dict[str, Any]:
        settings, progress = worker.settings, worker.progress
        return {
            "id": str(settings.id),
            "name": settings.name,
            "url": settings.url,
            "kinds": settings.kinds,
            "extension": settings.extension,
            "verify": settings.verify,
            "state": str(progress.state),
            "position": progress.position,
            "behind": self._webhooks.behind(worker),
            **({"failingsince": int(progress.failing_since)} if progress.failing_since else {}),
            **({"next": int(worker.pacing.next_try)} if worker.pacing.next_try else {}),
            "answer": progress.answer,
            "delivered": worker.delivered,
        }


def _id(text: str) -> int:
    return identity_in(text, AdminRefused(404, "no webhook has this id"), _ID_DIGITS)


def _number(text: str, name: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > most:
        raise AdminRefused(400, f"{name} must be a whole number from 0 to {most}")
    return int(text)


def _time(text: str) -> float:
    try:
        if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 20:
            return float(text)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise AdminRefused(400, "since must be seconds since the epoch, or ISO 8601 with its zone")
