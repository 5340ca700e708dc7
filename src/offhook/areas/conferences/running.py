"""Conferences that run: who is in them, inviting, muting and removing members (spec 05-conference).

Who is inside is told by the engine and read off the picture; nothing is kept here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager

from offhook.areas.conferences.inviting import Inviter
from offhook.areas.conferences.rooms import moderators_of
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.targets import Target
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, EngineUnreachable, Switch, SwitchError
from offhook.callstate import Picture
from offhook.callstate.model import Member, PartyKind
from offhook.callstate.room import Room
from offhook.callstate.rooms import seated
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store

LEAVE_SECONDS = 2.0
"""How long kick_member waits for the engine to show that a member has left."""

Inside = tuple[str, Member]
"""A channel in a room, by its uniqueid, and the party behind it."""


def number_of(member: Member) -> str:
    """The number by which requests name a member: its extension, or the number of the outside party."""
    match member.kind:
        case PartyKind.EXT:
            return member.number
        case PartyKind.INBOUND:
            return member.from_number
        case PartyKind.OUTBOUND:
            return member.to_number


class RunningConferences:
    """Fixed and instant conferences while people are in them. `kept` keeps an instant one from ending."""

    def __init__(
        self,
        store: Store,
        switch: Switch,
        live: LiveCalls,
        inviter: Inviter,
        kept: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._store = store
        self._switch = switch
        self._live = live
        self._inviter = inviter
        self._kept = kept
        self._inviting = asyncio.Lock()  # two requests at once must not call one person twice

    async def in_session(self, which: Selection) -> tuple[tuple[Room, tuple[Member, ...]], ...]:
        """The conferences with somebody in them, by number.

        Raises ContractError 10110 when one that is named does not exist; one that is empty is left out.
        """
        for number in which.names:
            await self._moderators(number)
        picture = self._live.picture
        chosen = picture.rooms if which.every else [name for name in which.names if name in picture.rooms]
        ordered = sorted(chosen, key=lambda number: (len(number), number))
        return tuple(
            (picture.rooms[number], tuple(member for _, member in _inside(picture, number)))
            for number in ordered
        )

    async def add_member(
        self, number: str, operator: str, invited: Sequence[str], dialpermission: str
    ) -> None:
        """Call people into a conference; who is in it, or is being called into it, is not called again.

        Raises ContractError 10006, 10011, 10024, 10106, 10110, 10112, 30002; then nobody is called.
        """
        with self._kept(number):
            await self._require_moderator(number, operator)
            targets = await self._inviter.check(invited, dialpermission)
            async with self._inviting:
                await self._invite(number, targets, dialpermission)

    async def _invite(self, number: str, targets: Sequence[Target], dialpermission: str) -> None:
        there = {number_of(member) for _, member in _inside(self._live.picture, number)}
        there |= {
            call.expected_callee
            for call in self._live.picture.calls.values()
            if call.invited_to == number and call.expected_callee
        }
        wanted = [target for target in targets if target.number not in there]
        if not wanted:
            return
        invitations = self._inviter.invitations(wanted)
        await self._store.write(
            "conference: invitations", lambda unit: self._inviter.note(unit, number, invitations)
        )
        await self._inviter.call(number, invitations, dialpermission)

    async def kick(self, number: str, operator: str, which: Selection) -> None:
        """Remove members; returns when they have left.

        Raises ContractError 10105 when one is not inside (then all stay), 10106, 10110, 10112, 30002.
        """
        chosen = await self._chosen(number, operator, which)
        await self._each(
            number,
            chosen,
            lambda channel: self._switch.act(actions.ConfbridgeKick(conference=number, channel=channel)),
        )
        gone = {uniqueid for uniqueid, _ in chosen}

        def left(picture: Picture) -> bool:
            room = picture.rooms.get(number)
            return room is None or not gone & set(room.inside)

        if not await self._live.until(left, LEAVE_SECONDS):
            raise ContractError(Errno.CONFERENCE_FAILED, "the engine did not remove them in time")

    async def mute(self, number: str, operator: str, which: Selection, *, on: bool) -> None:
        """Let nobody hear these members, or let them be heard again; who is so already stays so.

        Raises ContractError 10105 when one is not inside (then nobody is muted), 10106, 10110, 10112, 30002.
        """
        action = actions.ConfbridgeMute if on else actions.ConfbridgeUnmute
        await self._each(
            number,
            await self._chosen(number, operator, which),
            lambda channel: self._switch.act(action(conference=number, channel=channel)),
        )

    async def _moderators(self, number: str) -> frozenset[str]:
        found = await self._store.read(lambda connection: moderators_of(connection, number))
        if found is None:
            raise ContractError(Errno.NO_SUCH_CONFERENCE, f"there is no conference {number}")
        return found

    async def _require_moderator(self, number: str, operator: str) -> None:
        """An operator is configured as a moderator, or is in the room as one (by its password)."""
        if operator in await self._moderators(number):
            return
        room = self._live.picture.rooms.get(number)
        for uniqueid, member in _inside(self._live.picture, number):
            if room is not None and uniqueid in room.moderators and number_of(member) == operator:
                return
        raise ContractError(Errno.NOT_MODERATOR)

    async def _chosen(self, number: str, operator: str, which: Selection) -> tuple[Inside, ...]:
        """The members named; one that is inside with two phones is both."""
        await self._require_moderator(number, operator)
        inside = _inside(self._live.picture, number)
        if which.every:
            return inside
        there = {number_of(member) for _, member in inside}
        if not set(which.names) <= there:
            raise ContractError(Errno.NO_SUCH_MEMBER, "not all of them are in the conference")
        return tuple(one for one in inside if number_of(one[1]) in which.names)

    async def _each(
        self, number: str, chosen: Sequence[Inside], act: Callable[[str], Awaitable[object]]
    ) -> None:
        """Do something with the channel of each; one who has just left has got what was wanted."""
        for uniqueid, _ in chosen:
            channel = self._channel(uniqueid)
            if not channel:
                continue
            try:
                await act(channel)
            except EngineUnreachable:
                raise ContractError(Errno.ENGINE_UNREACHABLE) from None
            except EngineRefused as refused:
                room = self._live.picture.rooms.get(number)
                if room is not None and uniqueid in room.inside and self._channel(uniqueid) == channel:
                    raise ContractError(Errno.CONFERENCE_FAILED, str(refused)) from None
            except SwitchError as failure:
                raise ContractError(Errno.CONFERENCE_FAILED, str(failure)) from None

    def _channel(self, uniqueid: str) -> str:
        """The present name of a channel; empty when it has ended."""
        picture = self._live.picture
        call = picture.calls.get(picture.channels.get(uniqueid, ""))
        leg = call.legs.get(uniqueid) if call is not None else None
        return leg.channelid if leg is not None else ""


def _inside(picture: Picture, number: str) -> tuple[Inside, ...]:
    room = picture.rooms.get(number)
    return seated(picture.calls, picture.channels, room) if room is not None else ()
