"""Instant conferences: made by a request, there until everybody has left (spec 05-conference).

They stand in the store, so that the dialplan can ask and a restart of the control plane loses none. One is
over when nobody is in its room and nobody is being called into it; the picture tells both.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.conferences.inviting import Inviter
from offhook.areas.conferences.rooms import RoomNames
from offhook.areas.conferences.tables import instant_conferences, instant_members
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.targets import Targets
from offhook.areas.numbers.service import Numbers
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantConference:
    """An instant conference as it was started; `members` without the moderators."""

    number: str
    name: str
    moderators: tuple[str, ...]
    members: tuple[str, ...]


class InstantConferences:
    """Starts instant conferences and clears them away."""

    def __init__(
        self,
        store: Store,
        numbers: Numbers,
        targets: Targets,
        live: LiveCalls,
        inviter: Inviter,
        names: RoomNames,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._targets = targets
        self._live = live
        self._inviter = inviter
        self._names = names
        self._running: set[str] = set()
        self._kept: Counter[str] = Counter()
        self._ending: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Take up what runs, once the picture is in line with the engine; clear what has ended meanwhile."""
        found = await self._store.read(
            lambda c: c.execute(sa.select(instant_conferences.c.number)).scalars().all()
        )
        self._running |= set(found)
        self.look()
        await self._settle()

    def look(self) -> None:
        """Clear away what is over; call it when the picture has changed."""
        if not self._running:
            return
        picture = self._live.picture
        quiet = self._running - set(self._kept) - set(picture.rooms)
        if quiet:
            quiet -= {call.invited_to for call in picture.calls.values()}
        for number in quiet:
            self._running.discard(number)
            task = asyncio.create_task(self._clear(number), name=f"instant conference {number} is over")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    @contextlib.contextmanager
    def kept(self, number: str) -> Iterator[None]:
        """While people are about to be called into a conference, it is not over though nobody is in it."""
        self._kept[number] += 1
        try:
            yield
        finally:
            self._kept[number] -= 1
            self._kept += Counter()  # forget those at nought
            self.look()

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._settle()

    async def start(self, conference: InstantConference, dialpermission: str) -> None:
        """Make a conference and call everybody; a number that is a moderator and a member is called once.

        Raises ContractError 10006, 10011, 10024, 10112, 10113, 30002; then there is no such conference.
        """
        number = conference.number
        everybody = tuple(dict.fromkeys((*conference.moderators, *conference.members)))
        await self._settle()
        await self._store.read(lambda connection: self._require_idle(connection, number))
        for moderator in conference.moderators:
            await self._targets.extension(moderator)
        targets = await self._inviter.check(everybody, dialpermission)
        invitations = self._inviter.invitations(targets)

        def work(unit: UnitOfWork) -> None:
            self._require_idle(unit.connection, number)
            _store(unit.connection, conference, everybody)
            self._inviter.note(unit, number, invitations)

        with self.kept(number):
            await self._store.write("instant conference: start", work)
            self._running.add(number)
            await self._names.load()
            await self._inviter.call(number, invitations, dialpermission)

    async def query(self, which: Selection) -> tuple[InstantConference, ...]:
        """The instant conferences that run, by number. Raises ContractError 10110 when one named does not."""
        await self._settle()
        found = await self._store.read(_all)
        if which.every:
            return tuple(found.values())
        if not set(which.names) <= set(found):
            raise ContractError(Errno.NO_SUCH_CONFERENCE, "not every instant conference named runs")
        return tuple(found[number] for number in found if number in which.names)

    def _require_idle(self, connection: sa.Connection, number: str) -> None:
        if (holder := self._numbers.taken_by(connection, number)) is not None:
            raise ContractError(Errno.CONFERENCE_NUMBER_IN_USE, f"{number} is taken by another {holder}")

    async def _clear(self, number: str) -> None:
        own = instant_conferences.c.number == number
        try:
            await self._store.write(
                "instant conference: over",
                lambda unit: unit.connection.execute(sa.delete(instant_conferences).where(own)).rowcount,
            )
            await self._names.load()
        except Exception:
            # Its number stays taken until the next look after a restart or a reconnection.
            log.exception("instant conference %s could not be cleared away", number)

    async def _settle(self) -> None:
        """Wait until what is over is gone from the store."""
        await asyncio.gather(*self._ending)


def _store(connection: sa.Connection, conference: InstantConference, everybody: Sequence[str]) -> None:
    connection.execute(sa.insert(instant_conferences).values(number=conference.number, name=conference.name))
    rows = [
        {
            "conference": conference.number,
            "number": number,
            "moderator": number in conference.moderators,
            "position": position,
        }
        for position, number in enumerate(everybody)
    ]
    connection.execute(sa.insert(instant_members), rows)


def _all(connection: sa.Connection) -> dict[str, InstantConference]:
    column, member = instant_conferences.c, instant_members.c
    listed = connection.execute(sa.select(instant_members).order_by(member.conference, member.position)).all()
    query = sa.select(instant_conferences).order_by(sa.func.length(column.number), column.number)
    return {
        row.number: InstantConference(
            number=row.number,
            name=row.name,
            moderators=tuple(one.number for one in listed if one.conference == row.number and one.moderator),
            members=tuple(one.number for one in listed if one.conference == row.number and not one.moderator),
        )
        for row in connection.execute(query)
    }
