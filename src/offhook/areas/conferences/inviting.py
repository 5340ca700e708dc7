"""Calling people into a conference: conference/add_member and instant_conference/start (spec 05-conference).

A call of its own for each: `Local/<room>-<number>@offhook-invited` rings, and what answers enters the room.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from offhook import logs
from offhook.areas.control.dialling import RING_SECONDS
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.targets import WITH_PHONES, Target, Targets
from offhook.areas.records.service import RecordKeeper
from offhook.asterisk.switch import (
    NO_ANSWER,
    EngineUnreachable,
    OriginateRequest,
    Switch,
    SwitchError,
)
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import UnitOfWork

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200
"""How many can be invited by one request."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A call that is about to be made: its id, whom it calls, and whose right a call to the outside needs."""

    callid: str
    number: str
    right: str


class Inviter:
    """Makes the calls; the services decide who is called."""

    def __init__(self, switch: Switch, live: LiveCalls, records: RecordKeeper, targets: Targets) -> None:
        self._switch = switch
        self._live = live
        self._records = records
        self._targets = targets

    async def check(self, numbers: Sequence[str], dialpermission: str) -> tuple[Target, ...]:
        """What these numbers are. All are checked before any is called.

        Raises ContractError: 10006 when `dialpermission` is no extension, 10024 when it may not call one of
        them, 10011 for a number that is neither an extension nor fits an outbound route, 10112 for too many.
        """
        if len(numbers) > MOST_AT_ONCE:
            raise ContractError(Errno.CONFERENCE_FAILED, f"at most {MOST_AT_ONCE} can be invited at once")
        await self._targets.extension(dialpermission)
        found = [await self._targets.reach(number, dialpermission) for number in numbers]
        for target in found:
            if target.kind not in WITH_PHONES:
                raise ContractError(
                    Errno.NO_SUCH_NUMBER, f"{target.number} is neither an extension nor an outside number"
                )
        return tuple(found)

    def invitations(self, targets: Sequence[Target]) -> tuple[Invitation, ...]:
        """A call with an id of its own for each. Raises ContractError 30002 when the engine is away."""
        if not self._switch.healthy:
            raise ContractError(Errno.ENGINE_UNREACHABLE)
        return tuple(Invitation(self._switch.next_call_id(), one.number, one.right) for one in targets)

    def note(self, unit: UnitOfWork, room: str, invitations: Sequence[Invitation]) -> None:
        """Make sure that each call gets its record: it is from the room to who is invited."""
        for one in invitations:
            self._records.add_intent(unit, one.callid, room, one.number)

    async def call(self, room: str, invitations: Sequence[Invitation], dialpermission: str) -> None:
        """Let them all ring, one after the other at the engine's pace.

        What the engine does not take on is logged, as long as it takes on one. Raises ContractError 10112,
        30002 when it takes on none.
        """
        refused: list[SwitchError] = []
        waiting = list(invitations)
        try:
            while waiting:
                one = waiting.pop(0)
                with logs.of_call(one.callid):
                    failure = await self._ring(room, one, dialpermission)
                if failure is not None:
                    refused.append(failure)
        finally:
            for one in waiting:  # never tried; nobody was told of them, but they are noted
                self._records.call_ended(one.callid)
        if refused and len(refused) == len(invitations):
            if isinstance(refused[0], EngineUnreachable):
                raise ContractError(Errno.ENGINE_UNREACHABLE)
            raise ContractError(Errno.CONFERENCE_FAILED, str(refused[0]))

    async def _ring(self, room: str, one: Invitation, dialpermission: str) -> SwitchError | None:
        self._live.expect(one.callid, "", one.number, called=True, invited_to=room)
        request = OriginateRequest(
            callid=one.callid,
            channel=f"Local/{room}-{one.number}@offhook-invited/n",
            other_channel_id=self._switch.next_call_id(),
            context="offhook-joined",
            exten=room,
            timeout=RING_SECONDS,
            caller_id=f"<{room}>",
            variables={
                "__OFFHOOK_INVITED": one.number,
                "__OFFHOOK_FROM": dialpermission,
                "__OFFHOOK_RIGHT": one.right,
            },
        )
        try:
            await self._switch.originate(request)
        except NO_ANSWER:
            log.warning("conference %s: the engine has not answered", room)
        except SwitchError as failure:
            log.warning("conference %s: %s is not called: %s", room, one.number, failure)
            self._live.abandon(one.callid)
            await self._records.withdraw_intent(one.callid)
            return failure
        return None
