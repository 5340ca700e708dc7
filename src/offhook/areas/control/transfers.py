"""Sending a party to another number, at once or after a consultation (spec 13-call).

The consultation is method B of the engine notes (2.3b): legs are redirected and joined, no keys are
injected. What has to happen when a phone hangs up in the middle is in the dialplan, so it needs nobody here.
"""

from __future__ import annotations

from offhook.areas.control.legs import (
    NORMAL_CLEARING,
    engine_answers,
    extension_of,
    find_leg,
    leg_of_seat,
    require_arrival,
    require_phase,
    talking_with,
)
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.talks import PEER, TALK, Talks
from offhook.areas.control.targets import Target, Targets
from offhook.asterisk.switch import Switch
from offhook.callstate import Call
from offhook.callstate.call import Consultation, Leg, LegState
from offhook.callstate.phase import THIRD, Phase
from offhook.contract.errors import ContractError, Errno

_HELD, _CONSULT, _RIGHT = "OFFHOOK_HELD", "OFFHOOK_CONSULT", "OFFHOOK_RIGHT"


class Transfers:
    """Blind and attended transfers for applications."""

    def __init__(self, switch: Switch, live: LiveCalls, talks: Talks, targets: Targets) -> None:
        self._switch = switch
        self._live = live
        self._talks = talks
        self._targets = targets

    async def transfer(self, channelid: str, number: str, dialpermission: str | None) -> str:
        """Send the party of `channelid` to `number`; whom it talked with is let go. Returns the callid.

        Raises ContractError 10006, 10007, 10011, 10015, 10024, 10102, 10103, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        target = await self._target(leg, number, dialpermission)
        require_phase(call, Phase.IDLE, Phase.HELD, Phase.DECIDING, Phase.PARKED)
        if leg.dialled and leg.state is not LegState.UP:
            raise ContractError(Errno.CALL_NOT_CONNECTED, "a phone that rings cannot be sent on")
        other = self._held_with(call, leg)
        attempt = call.attempt
        with engine_answers():
            await self._give_right(leg, target)
            for one in (leg, other):  # the end of the one that is let go must not end the other
                if one is not None:
                    await self._switch.setvar(one.channelid, PEER, "")
            await self._switch.redirect(leg.channelid, ("offhook-transferred", target.number))
            if other is not None:
                await self._switch.hangup(other.channelid, NORMAL_CLEARING)
        await require_arrival(self._live, call.callid, leg, lambda now: now.attempt > attempt)
        return call.callid

    async def consult(self, channelid: str, number: str, dialpermission: str | None) -> str:
        """Let the party of `channelid` call `number` while whom it talks with is held. Returns the callid.

        Raises ContractError 10006, 10007, 10011, 10015, 10024, 10102, 10103, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        target = await self._target(leg, number, dialpermission)
        require_phase(call, Phase.IDLE)
        other = talking_with(call, leg)
        with engine_answers():
            await self._talks.settle(call, leg, other)
            await self._give_right(leg, target)
            await self._switch.setvar(leg.channelid, _HELD, other.channelid)
            await self._switch.setvar(leg.channelid, PEER, "")
            await self._switch.setvar(other.channelid, PEER, "")
            waiting = (other.channelid, "offhook-held", "consult")
            await self._switch.redirect(leg.channelid, ("offhook-consult", target.number), waiting)
        await require_arrival(self._live, call.callid, leg, lambda now: now.phase in THIRD)
        return call.callid

    async def operate(self, channelid: str, operation: str) -> str:
        """Go on with a consultation: `abort`, `complete`, `threeway` or `swap`. Returns the callid.

        Raises ContractError 10007 when none is going on, 10102 for what its state forbids, 10103, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        consultation = call.consultation
        if consultation is None or consultation.transferring != leg.uniqueid:
            raise ContractError(Errno.NO_SUCH_CALL, "no consultation is going on on this channel")
        with engine_answers():
            match operation:
                case "abort":
                    await self._abort(call, leg)
                case "complete":
                    await self._complete(call, leg, consultation)
                case "threeway":
                    await self._threeway(call, leg)
                case _:
                    await self._swap(call, leg)
        before = call.phase
        await require_arrival(self._live, call.callid, leg, lambda now: now.phase is not before)
        return call.callid

    async def _abort(self, call: Call, leg: Leg) -> None:
        if call.phase is Phase.CONSULTING:
            await self._switch.redirect(leg.channelid, ("offhook-consult-over", "s"))
        else:
            await self._switch.hangup(self._third(call).channelid, NORMAL_CLEARING)

    async def _complete(self, call: Call, leg: Leg, consultation: Consultation) -> None:
        waiting = call.legs[consultation.waiting]
        await self._switch.setvar(leg.channelid, _CONSULT, "")
        if call.phase is Phase.CONSULTING:  # it rings there still: who waited is sent there
            await self._switch.redirect(waiting.channelid, ("offhook-transferred", consultation.number))
            await self._switch.hangup(leg.channelid, NORMAL_CLEARING)
        else:
            await self._switch.setvar(waiting.channelid, _HELD, self._third(call).channelid)
            await self._switch.redirect(waiting.channelid, ("offhook-consulted", "s"))

    async def _threeway(self, call: Call, leg: Leg) -> None:
        held, _ = self._apart(call)
        await self._switch.setvar(leg.channelid, _CONSULT, "")
        await self._switch.setvar(held.channelid, TALK, leg.channelid)
        await self._switch.redirect(held.channelid, ("offhook-joining", "s"))

    async def _swap(self, call: Call, leg: Leg) -> None:
        held, partner = self._apart(call)
        await self._switch.setvar(leg.channelid, TALK, held.channelid)
        await self._switch.setvar(leg.channelid, _HELD, partner.channelid)
        await self._switch.setvar(leg.channelid, _CONSULT, "1")
        await self._switch.setvar(held.channelid, _HELD, partner.channelid)
        waiting = (partner.channelid, "offhook-held", "consult")
        await self._switch.redirect(leg.channelid, ("offhook-talk", "s"), waiting)

    def _third(self, call: Call) -> Leg:
        """The party that was called for the consultation."""
        known = (call.consultation.transferring, call.consultation.waiting) if call.consultation else ()
        for seat in call.seats:
            if seat.talking and not set(seat.legs) & set(known):
                return leg_of_seat(call, seat)
        raise ContractError(Errno.CALL_OPERATION_FAILED, "the third party has not answered")

    def _apart(self, call: Call) -> tuple[Leg, Leg]:
        """Who is held, and whom the transferring party talks with."""
        require_phase(call, Phase.CONSULTED, Phase.SWAPPED)
        third = self._third(call)
        waiting = call.legs[call.consultation.waiting] if call.consultation else third
        return (waiting, third) if call.phase is Phase.CONSULTED else (third, waiting)

    def _held_with(self, call: Call, leg: Leg) -> Leg | None:
        """Whom `leg` is apart from by a hold: nothing else ends it when `leg` is sent on."""
        if call.phase is not Phase.HELD:
            return None
        return talking_with(call, leg)

    async def _target(self, leg: Leg, number: str, dialpermission: str | None) -> Target:
        return await self._targets.reach(number, dialpermission or extension_of(leg))

    async def _give_right(self, leg: Leg, target: Target) -> None:
        await self._switch.setvar(leg.channelid, f"__{_RIGHT}", target.right)
