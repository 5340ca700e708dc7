"""The operators' view of the mail queue: /mail, /mail/<id>, /mail/<id>/retry, /mail/test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.admin.schema import MOMENT, body_of, items_of, object_of, operation, parameter
from offhook.areas.mail.model import State
from offhook.areas.mail.service import Mailer
from offhook.areas.mail.smtp import Result
from offhook.contract.admin import (
    AdminAnswer,
    AdminRefused,
    AdminRequest,
    identity_in,
    not_allowed,
    only_known,
)


class MailPart:
    """GET lists the queue, DELETE takes a mail out, POST retry tries it again, POST test sends one now."""

    key = "mail"

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        mail = object_of(
            {
                "id": {"type": "string"},
                "kind": {"type": "string"},
                "to": {"type": "string"},
                "subject": {"type": "string"},
                "state": {"type": "string", "enum": [*State]},
                "attempts": {"type": "integer"},
                "queued": MOMENT,
                "next": {**MOMENT, "description": "when it is tried next, seconds since the epoch"},
                "answer": {"type": "string", "description": "what the server said last"},
                "messageid": {"type": "string"},
            }
        )
        listing = operation("The newest mails with their states", "list_mail", items_of(mail))
        state = {"name": "state", "in": "query", "schema": {"type": "string", "enum": [*State]}}
        outcome = object_of({"sent": {"type": "boolean"}, "answer": {"type": "string"}})
        address = object_of({"address": {"type": "string"}})
        return {
            "/mail": {"get": {**listing, "parameters": [state]}},
            "/mail/test": {
                "post": {
                    **operation("Send a test mail; says what the server answered", "test_mail", outcome),
                    "requestBody": body_of({**address, "required": ["address"]}),
                }
            },
            "/mail/{id}": {
                "parameters": [parameter("id")],
                "delete": operation("Take a mail out of the queue", "delete_mail", None, "204"),
            },
            "/mail/{id}/retry": {
                "parameters": [parameter("id")],
                "post": operation("Try a mail again as if it were new", "retry_mail", None, "204"),
            },
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused, ContractError and Missing."""
        match request.method, [*path]:
            case "GET", []:
                rows = await self._mailer.listed(_state(request.query.get("state", "")))
                return AdminAnswer(body={"items": [_shown(row) for row in rows]})
            case "POST", ["test"]:
                return await self._test(request.values)
            case "DELETE", [identity] if identity != "test":
                await self._mailer.delete(_id(identity))
                return AdminAnswer(204)
            case "POST", [identity, "retry"]:
                await self._mailer.try_again(_id(identity))
                return AdminAnswer(204)
            case _, [] | [_] | [_, "retry"]:
                raise not_allowed(request)
        raise AdminRefused(404, "there is nothing here")

    async def _test(self, values: Mapping[str, str]) -> AdminAnswer:
        only_known(values, ("address",), "field")
        outcome = await self._mailer.test(values.get("address", ""))
        return AdminAnswer(body={"sent": outcome.result is Result.SENT, "answer": outcome.answer})


def _state(text: str) -> State | None:
    if not text:
        return None
    try:
        return State(text)
    except ValueError:
        raise AdminRefused(400, f"state must be one of {', '.join(State)}") from None


def _id(text: str) -> int:
    return identity_in(text, AdminRefused(404, "there is no such mail"))


def _shown(row: sa.RowMapping) -> dict[str, Any]:
    waits = row["state"] == State.WAITING
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "to": row["recipient"],
        "subject": row["subject"],
        "state": row["state"],
        "attempts": row["attempts"],
        "queued": int(row["queued_at"]),
        **({"next": int(row["next_try"])} if waits else {}),
        "answer": row["answer"],
        "messageid": row["message_id"],
    }
