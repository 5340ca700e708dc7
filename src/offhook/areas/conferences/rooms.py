"""What the store knows of rooms: fixed conferences and the instant ones that run (spec 05-conference)."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from offhook.areas.conferences.tables import (
    conference_moderators,
    conferences,
    instant_conferences,
    instant_members,
)
from offhook.store.unit import Store

_MODERATOR, _MEMBER = conference_moderators.c, instant_members.c


class RoomNames:
    """What conferences are called, kept in memory because an event cannot wait for the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, str] = {}
        self._turn = asyncio.Lock()

    def __call__(self, number: str) -> str:
        """The name of a conference; its number where it has none."""
        return self._names.get(number, number)

    async def load(self) -> None:
        """Read the names anew."""
        async with self._turn:  # of two that read at once the later one must not win with the older names
            self._names = await self._store.read(_names)


def _names(connection: sa.Connection) -> dict[str, str]:
    fixed, instant = conferences.c, instant_conferences.c
    query = sa.union_all(sa.select(fixed.number, fixed.name), sa.select(instant.number, instant.name))
    return {row.number: row.name for row in connection.execute(query)}


def is_instant(connection: sa.Connection, number: str) -> bool:
    """Whether an instant conference has this number."""
    query = sa.select(instant_conferences.c.number).where(instant_conferences.c.number == number)
    return connection.execute(query).first() is not None


def moderators_of(connection: sa.Connection, number: str) -> frozenset[str] | None:
    """The configured moderators of a conference of either kind; None when there is no such conference."""
    fixed = sa.select(conferences.c.number).where(conferences.c.number == number)
    if connection.execute(fixed).first() is None and not is_instant(connection, number):
        return None
    query = sa.union(
        sa.select(_MODERATOR.number).where(_MODERATOR.conference == number),
        sa.select(_MEMBER.number).where(_MEMBER.conference == number, _MEMBER.moderator),
    )
    return frozenset(connection.execute(query).scalars())
