"""The actions that wait for the engine's answer, and which messages belong to them. No I/O."""

from __future__ import annotations

import asyncio
import itertools
import secrets

from offhook.asterisk.ami.errors import AmiLost, AmiRefused
from offhook.asterisk.ami.wire import Message

_LAST = frozenset({"Complete", "cancelled"})


class Pending:
    """One action that waits: for its response, or for the end of its list of events."""

    def __init__(self, key: str, wants_list: bool) -> None:
        self.key = key
        self.future: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self.wants_list = wants_list
        self._messages: list[Message] = []

    def take(self, message: Message) -> bool:
        """Take one message of this action; True when it was the last."""
        if self.future.done():
            return ends_list(message)
        if not message.event and message.get("Response") == "Error":
            self.future.set_exception(AmiRefused(message.get("Message", "refused")))
            return True
        self._messages.append(message)
        if self.wants_list and not ends_list(message):
            return False
        self.future.set_result(self._messages)
        return True


def ends_list(message: Message) -> bool:
    """Whether this is the last message that an action with a list brings."""
    return message.get("EventList") in _LAST or (not message.event and message.get("Response") == "Error")


class PendingActions:
    """All actions of one connection that wait. Ids are not guessable, so that no text in the dialplan's
    own events can pass for an answer."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Pending] = {}
        self._given_up: set[str] = set()

    def open(self, *, wants_list: bool) -> Pending:
        """A new action with an id of its own."""
        pending = Pending(f"{self._prefix}-{next(self._numbers)}", wants_list)
        self._waiting[pending.key] = pending
        return pending

    def close(self, pending: Pending, *, more: bool) -> None:
        """Nobody waits for it any more; if `more` of its list may come, that must not pass for news."""
        if self._waiting.pop(pending.key, None) is not None and more:
            self._given_up.add(pending.key)

    def take(self, message: Message) -> bool:
        """Give a message to the action that it answers; False when it is an event for everybody."""
        key = message.action_id
        if key in self._given_up:
            if ends_list(message):
                self._given_up.discard(key)
            return True
        pending = self._waiting.get(key) if key else None
        # OriginateResponse bears both an ActionID and a Response, and is an event all the same.
        if pending is None or (message.event and not pending.wants_list):
            return not message.event
        if pending.take(message):
            del self._waiting[key]
        return True

    def fail_all(self) -> None:
        """The connection is lost: nothing will be answered."""
        for pending in self._waiting.values():
            if not pending.future.done():
                pending.future.set_exception(AmiLost("the link to the engine was lost"))
        self._waiting.clear()
        self._given_up.clear()
