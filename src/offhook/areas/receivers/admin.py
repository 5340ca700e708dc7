"""The operators' view of receivers: how each is, what it did not get, and sending that again.

/receivers, /receivers/<id>/deadletters, /receivers/<id>/deadletters/<id>, and /resend below both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offhook.areas.admin.schema import MOMENT, items_of, object_of, operation, parameter
from offhook.contract.admin import AdminAnswer, AdminRefused, AdminRequest, identity_in, not_allowed, not_here
from offhook.events.dead_letters import DeadLetter
from offhook.events.delivery import HttpDelivery, NotSendable, ReceiverState
from offhook.events.receivers import Receiver, Receivers

_LISTED = 1000


class ReceiverPart:
    """GET lists receivers and dead letters, POST resend sends one or all again, DELETE drops one or all."""

    key = "receivers"

    def __init__(self, receivers: Receivers, http: HttpDelivery) -> None:
        self._receivers = receivers
        self._http = http

    def paths(self) -> Mapping[str, Any]:
        """The OpenAPI of it."""
        count = {"type": "integer"}
        receiver = object_of(
            {
                "id": {"type": "string"},
                "url": {"type": "string"},
                "format": {"type": "string"},
                "state": {
                    "type": "string",
                    "enum": ["up", "down", "away"],
                    "description": "away: no living token names it",
                },
                "downsince": MOMENT,
                "lasterror": {"type": "string"},
                "waiting": {**count, "description": "events in memory for it"},
                "lag": {"type": "number", "description": "seconds since the oldest of them"},
                "position": {**count, "description": "up to this number of the journal it was served"},
                "delivered": {**count, "description": "since the start"},
                "failed": {**count, "description": "tries that failed, since the start"},
                "givenup": {**count, "description": "events, since the start"},
                "deadletters": count,
            }
        )
        letter = object_of(
            {
                "id": {"type": "string"},
                "seq": {**count, "description": "its number in the journal, 0 for none"},
                "event": {"type": "string"},
                "callid": {"type": "string"},
                "told": MOMENT,
                "givenup": MOMENT,
                "reason": {"type": "string"},
                "facts": {"type": "string", "description": "the event as it is stored, JSON"},
            }
        )
        done = object_of({"count": count})
        letters, one = "/receivers/{id}/deadletters", "/receivers/{id}/deadletters/{letter}"
        whose, which = [parameter("id")], [parameter("id"), parameter("letter")]
        return {
            "/receivers": {
                "get": operation("Receivers and how they are", "list_receivers", items_of(receiver))
            },
            letters: {
                "parameters": whose,
                "get": operation(
                    "What it did not get, the newest first", "list_dead_letters", items_of(letter)
                ),
                "delete": operation("Drop all dead letters", "drop_dead_letters", done),
            },
            f"{letters}/resend": {
                "parameters": whose,
                "post": operation(
                    "Send dead letters again, the oldest thousand", "resend_dead_letters", done
                ),
            },
            one: {"parameters": which, "delete": operation("Drop a dead letter", "drop_dead_letter", done)},
            f"{one}/resend": {
                "parameters": which,
                "post": operation("Send a dead letter again", "resend_dead_letter", done),
            },
        }

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer. Raises AdminRefused."""
        match request.method, [*path]:
            case "GET", []:
                return await self._listed()
            case "GET", [identity, "deadletters"]:
                letters = await self._http.dead_letters.listed(self._found(identity).id, _LISTED)
                return AdminAnswer(body={"items": [_letter(letter) for letter in letters]})
            case "POST", [identity, "deadletters", "resend"]:
                return await self._resend(self._found(identity), None)
            case "POST", [identity, "deadletters", letter, "resend"]:
                return await self._resend(self._found(identity), _id(letter))
            case "DELETE", [identity, "deadletters"]:
                return await self._drop(self._found(identity), None)
            case "DELETE", [identity, "deadletters", letter] if letter != "resend":
                return await self._drop(self._found(identity), _id(letter))
            case _, [] | [_, "deadletters"] | [_, "deadletters", _] | [_, "deadletters", _, "resend"]:
                raise not_allowed(request)
        raise not_here()

    def _found(self, text: str) -> Receiver:
        receiver = self._receivers.get(_id(text))
        if receiver is None:
            raise AdminRefused(404, "there is no such receiver")
        return receiver

    async def _listed(self) -> AdminAnswer:
        counts = await self._http.dead_letters.counts()
        states = sorted(self._http.states(), key=lambda one: one.receiver.id)
        return AdminAnswer(body={"items": [_state(one, counts.get(one.receiver.id, 0)) for one in states]})

    async def _resend(self, receiver: Receiver, letter: int | None) -> AdminAnswer:
        try:
            count = await self._http.resend(receiver, letter)
        except NotSendable as refused:
            raise AdminRefused(409, str(refused)) from None
        return _count(count, letter)

    async def _drop(self, receiver: Receiver, letter: int | None) -> AdminAnswer:
        return _count(await self._http.dead_letters.drop(receiver.id, letter), letter)


def _count(count: int, letter: int | None) -> AdminAnswer:
    if letter is not None and not count:
        raise AdminRefused(404, "there is no such dead letter, or it is on its way")
    return AdminAnswer(body={"count": count})


def _id(text: str) -> int:
    return identity_in(text, not_here())


def _state(one: ReceiverState, dead: int) -> dict[str, Any]:
    receiver = one.receiver
    return {
        "id": str(receiver.id),
        "url": receiver.target.url,
        "format": receiver.dialect.value,
        "state": one.state,
        **({"downsince": int(one.down_since)} if one.down_since is not None else {}),
        "lasterror": one.last_error,
        "waiting": one.waiting,
        "lag": round(one.lag, 3),
        "position": receiver.position,
        "delivered": one.delivered,
        "failed": one.failed,
        "givenup": one.given_up,
        "deadletters": dead,
    }


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "seq": letter.seq,
        "event": letter.kind,
        "callid": letter.callid,
        "told": int(letter.created),
        "givenup": int(letter.given_up),
        "reason": letter.reason,
        "facts": letter.body,
    }
