"""Parking parties of calls, and who is parked (spec 13-call: callpark, callpark_status)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from offhook.areas.control.legs import (
    NORMAL_CLEARING,
    arrives,
    engine_answers,
    find_leg,
    require_phase,
    talking_with,
)
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.talks import PEER
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import Switch
from offhook.callstate.call import Leg
from offhook.callstate.phase import Phase
from offhook.contract.errors import ContractError, Errno

_SLOT, _PARKER = "PARKINGEXTEN", "BLINDTRANSFER"
"""What the engine's Park reads: the slot wanted, and the channel to whose phone the call goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedParty:
    """Somebody who waits in a slot; `seconds` are those left until the call goes back."""

    parker: str
    party: str
    slot: str
    seconds: int
    channelid: str


class Parking:
    """Puts parties into slots. `slots` tells the first and the last slot of this moment."""

    def __init__(
        self, switch: Switch, live: LiveCalls, slots: Callable[[], Awaitable[tuple[int, int]]]
    ) -> None:
        self._switch = switch
        self._live = live
        self._slots = slots

    async def park(self, channelid: str, slot: str | None) -> str:
        """Park the party of `channelid`; whom it talks with is let go. Returns the slot.

        Raises ContractError 10007, 10015, 10102, 10103, 10151 for a slot that is none or taken, 10152 when
        all are taken or the engine has parked it nowhere, 30002.
        """
        call, leg = find_leg(self._live.picture, channelid)
        require_phase(call, Phase.IDLE, Phase.HELD)
        other = talking_with(call, leg)
        await self._require_free(slot)
        with engine_answers():
            for one in (leg, other):  # the end of the one that is let go must not end the other
                await self._switch.setvar(one.channelid, PEER, "")
            await self._switch.setvar(leg.channelid, _SLOT, slot or "")
            await self._switch.setvar(leg.channelid, _PARKER, other.channelid)
            await self._switch.redirect(leg.channelid, ("offhook-park", "s"))
            if call.phase is Phase.HELD:
                await self._switch.hangup(other.channelid, NORMAL_CLEARING)
        return await self._slot_of(call.callid, leg)

    async def _require_free(self, slot: str | None) -> None:
        """Look before anybody is moved: who cannot be parked would be hung up by the engine."""
        first, last = await self._slots()
        taken = {one.slot for one in await self.status()}
        if slot is None:
            if len(taken) > last - first:
                raise ContractError(Errno.PARKING_FAILED, "all parking slots are taken")
        elif len(slot) != len(str(first)) or not first <= int(slot) <= last:
            raise ContractError(Errno.PARKING_SLOT, f"{slot} is no parking slot")
        elif slot in taken:
            raise ContractError(Errno.PARKING_SLOT, f"slot {slot} is taken")

    async def _slot_of(self, callid: str, leg: Leg) -> str:
        await arrives(self._live, callid, leg, lambda now: now.legs[leg.uniqueid].parked)
        for one in await self.status():
            if one.channelid == leg.channelid:
                return one.slot
        raise ContractError(Errno.PARKING_FAILED, "the engine has parked the party nowhere")

    async def status(self) -> Sequence[ParkedParty]:
        """Everybody who is parked. Raises ContractError 10102, 30002."""
        with engine_answers():
            items = await self._switch.items(actions.ParkedCalls())
        return [self._party(item) for item in items]

    def _party(self, item: Mapping[str, str]) -> ParkedParty:
        channelid = item.get("ParkeeChannel", "")
        call = self._live.picture.by_channel(channelid)
        members = call.members if call is not None else ()
        member = next((one for one in members if one.channelid == channelid), None)
        known = (member.number or member.from_number or member.to_number) if member is not None else ""
        left = item.get("ParkingTimeout", "")
        return ParkedParty(
            parker=item.get("ParkerDialString", "").partition("/")[2].partition("@")[0],
            party=known or item.get("ParkeeCallerIDNum", ""),
            slot=item.get("ParkingSpace", ""),
            seconds=int(left) if left.isdecimal() else 0,
            channelid=channelid,
        )
