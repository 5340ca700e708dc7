"""What the command `receivers` says and does: receivers and their dead letters as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from offhook.contract.admin import identity_in
from offhook.events.dead_letters import DeadLetter
from offhook.events.delivery import HttpDelivery, NotSendable, ReceiverState
from offhook.events.receivers import Receiver, Receivers

_LISTED = 1000


class ReceiverCommands:
    """Each method takes the arguments of one operation and returns lines. All raise NotSendable."""

    def __init__(self, receivers: Receivers, http: HttpDelivery, zone: tzinfo) -> None:
        self._receivers = receivers
        self._http = http
        self._zone = zone

    async def listed(self, _arguments: Mapping[str, Any]) -> list[str]:
        """The receivers and how each is."""
        dead = await self._http.dead_letters.counts()
        states = sorted(self._http.states(), key=lambda one: one.receiver.id)
        lines = [self._state(one, dead.get(one.receiver.id, 0)) for one in states]
        return lines or ["No application has named a receiver."]

    async def letters(self, arguments: Mapping[str, Any]) -> list[str]:
        """What one did not get, the newest first."""
        found = await self._http.dead_letters.listed(self._found(arguments).id, _LISTED)
        return [self._letter(one) for one in found] or ["Nothing was given up."]

    async def resend(self, arguments: Mapping[str, Any]) -> list[str]:
        """Send one or all of it again."""
        letter = _number(arguments, "letter") if arguments.get("letter") else None
        count = await self._http.resend(self._found(arguments), letter)
        if letter is not None and not count:
            raise NotSendable("there is no such event, or it is on its way")
        return [f"{count} on their way; what does not arrive stays listed."]

    def _found(self, arguments: Mapping[str, Any]) -> Receiver:
        receiver = self._receivers.get(_number(arguments, "id"))
        if receiver is None:
            raise NotSendable("there is no such receiver")
        return receiver

    def _state(self, one: ReceiverState, dead: int) -> str:
        since = f" since {self._moment(one.down_since)}" if one.down_since is not None else ""
        error = f"; last: {one.last_error}" if since else ""
        return (
            f"{one.receiver.id}  {one.receiver.target.url}  {one.state}{since}, {one.waiting} wait, "
            f"{one.delivered} delivered, {dead} not{error}"
        )

    def _letter(self, one: DeadLetter) -> str:
        call = f" of call {one.callid}" if one.callid else ""
        return f"{one.id}  {self._moment(one.created)}  {one.kind}{call}: {one.reason}"

    def _moment(self, seconds: float) -> str:
        return f"{datetime.fromtimestamp(seconds, self._zone):%Y-%m-%d %H:%M:%S}"


def _number(arguments: Mapping[str, Any], name: str) -> int:
    return identity_in(str(arguments.get(name, "")), NotSendable(f"{name} has to be a number"))
