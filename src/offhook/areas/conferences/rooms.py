"""What the store knows of rooms: fixed conferences and the instant ones that run (spec 05-conference)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import sqlalchemy as sa

from offhook.areas.conferences.tables import (
    conference_moderators,
    conferences,
    instant_conferences,
    instant_members,
)
from offhook.areas.numbers.service import standing_in
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


def instant_of(connection: sa.Connection, numbers: Collection[str]) -> set[str]:
    """Which of these numbers instant conferences have."""
    return standing_in(instant_conferences.c.number, connection, numbers)


def moderators_of(connection: sa.Connection, number: str) -> frozenset[str] | None:
    """The configured moderators of a conference of either kind; None when there is no such conference."""
    fixed = sa.select(conferences.c.number).where(conferences.c.number == number)
    if connection.execute(fixed).first() is None and not instant_of(connection, (number,)):
        return None
    query = sa.union(
        sa.select(_MODERATOR.number).where(_MODERATOR.conference == number),
        sa.select(_MEMBER.number).where(_MEMBER.conference == number, _MEMBER.moderator),
    )
    return frozenset(connection.execute(query).scalars())
