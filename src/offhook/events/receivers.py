"""Who gets events: targets shared by all sessions that name them (architecture, decision 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from offhook.clock import Clock
from offhook.events.dialect import Dialect
from offhook.events.tables import dead_letters, deliveries, receiver_sessions, receivers
from offhook.events.target import Target
from offhook.store.parts import parts
from offhook.store.unit import Store, UnitOfWork

OWED_SECONDS = 72 * 3600.0

HERE_MAX, AWAY_MAX = 200, 50
"""How many receivers may be here at once, and how many of those that are away are owed something."""


@dataclass(slots=True)
class Receiver:
    """A target with the sessions that name it. `answers`: it has answered 200 and is held to it; `position`:
    up to there it was served while one of its tokens lived."""

    id: int
    target: Target
    dialect: Dialect
    answers: bool
    updated: float
    position: int = 0
    sessions: set[str] = field(default_factory=set)


class Receivers:
    """All receivers. `alive` tells whether a session's token still lives."""

    def __init__(self, store: Store, clock: Clock, alive: Callable[[str], bool]) -> None:
        self._store = store
        self._clock = clock
        self._alive = alive
        self._by_id: dict[int, Receiver] = {}
        self._by_session: dict[str, Receiver] = {}
        self._owed: tuple[int, ...] = ()
        self.on_forgotten: Callable[[int], None] = lambda _id: None

    async def load(self) -> None:
        """Read what is stored; call it once before anything else."""

        def work(connection: sa.Connection) -> tuple[list[Receiver], list[tuple[str, int]]]:
            found = [
                Receiver(
                    row.id,
                    Target(row.scheme, row.host, row.port, row.path),
                    Dialect(row.dialect),
                    bool(row.answers),
                    row.updated,
                    row.position,
                )
                for row in connection.execute(sa.select(receivers))
            ]
            named = [
                (row.session, row.receiver_id) for row in connection.execute(sa.select(receiver_sessions))
            ]
            return found, named

        found, named = await self._store.read(work)
        self._by_id = {receiver.id: receiver for receiver in found}
        for session, receiver_id in named:
            receiver = self._by_id[receiver_id]
            receiver.sessions.add(session)
            self._by_session[session] = receiver
        self.refresh()

    def all(self) -> Sequence[Receiver]:
        """Every receiver, its tokens alive or not."""
        return tuple(self._by_id.values())

    def get(self, receiver_id: int) -> Receiver | None:
        """The receiver with this id."""
        return self._by_id.get(receiver_id)

    def is_alive(self, receiver: Receiver) -> bool:
        """Whether some session that names it still has a living token. Ended sessions are let go of here."""
        while receiver.sessions:
            session = next(iter(receiver.sessions))
            if self._alive(session):
                return True
            receiver.sessions.discard(session)
            self._by_session.pop(session, None)
        return False

    def living(self) -> list[Receiver]:
        """Receivers that get live events now."""
        return [receiver for receiver in self._by_id.values() if self.is_alive(receiver)]

    def target_of(self, session: str) -> Target | None:
        """Where this session's events go."""
        receiver = self._by_session.get(session)
        return receiver.target if receiver else None

    async def register(self, session: str, target: Target | None, dialect: Dialect) -> Receiver | None:
        """Have this session's events go to `target` in `dialect` (the newest login decides for all sessions
        of the target); None: nowhere. A receiver that no session names any more is owed nothing more."""
        previous = self._by_session.pop(session, None)
        if previous is not None:
            previous.sessions.discard(session)
            if previous.target != target:
                await self._left(previous, session)
        if target is None:
            return None
        known = self.find(target)
        if known is not None and known is previous and known.dialect is dialect:
            known.sessions.add(session)
            known.updated = self._clock.settled()
            self._by_session[session] = known
            return known
        receiver = await self._store_receiver(session, target, dialect)
        receiver.sessions.add(session)
        self._by_session[session] = receiver
        self.refresh()
        return receiver

    async def _store_receiver(self, session: str, target: Target, dialect: Dialect) -> Receiver:
        now = self._clock.settled()

        def work(unit: UnitOfWork) -> int:
            place = {"scheme": target.scheme, "host": target.host, "port": target.port, "path": target.path}
            where = sa.and_(*(receivers.c[name] == value for name, value in place.items()))
            found = unit.connection.execute(sa.select(receivers.c.id).where(where)).scalar()
            if found is None:
                row = unit.connection.execute(
                    sa.insert(receivers).values(**place, dialect=dialect.value, answers=False, updated=now)
                )
                found = row.inserted_primary_key[0] if row.inserted_primary_key else 0
            else:
                unit.connection.execute(
                    sa.update(receivers).where(where).values(dialect=dialect.value, updated=now)
                )
            unit.connection.execute(
                sa.delete(receiver_sessions).where(receiver_sessions.c.session == session)
            )
            unit.connection.execute(
                sa.insert(receiver_sessions).values(session=session, receiver_id=int(found))
            )
            return int(found)

        receiver_id = await self._store.write("receiver registered", work)
        receiver = self._by_id.get(receiver_id)
        if receiver is None:
            receiver = self._by_id[receiver_id] = Receiver(receiver_id, target, dialect, False, now)
        receiver.dialect, receiver.updated = dialect, now
        return receiver

    async def end_session(self, session: str) -> None:
        """A token was given back or replaced."""
        receiver = self._by_session.pop(session, None)
        if receiver is not None:
            receiver.sessions.discard(session)
            await self._left(receiver, session)

    def find(self, target: Target) -> Receiver | None:
        """The receiver at a target, if it is known."""
        return next((one for one in self._by_id.values() if one.target == target), None)

    async def moved_on(self, positions: Mapping[int, int]) -> None:
        """Note up to where receivers were served, and when they were here; called now and then."""
        rows = [
            {"b_id": one, "position": position, "updated": receiver.updated}
            for one, position in positions.items()
            if (receiver := self._by_id.get(one)) is not None
        ]

        def work(unit: UnitOfWork) -> None:
            unit.connection.execute(sa.update(receivers).where(receivers.c.id == sa.bindparam("b_id")), rows)

        await self._store.write("receivers' positions", work)

    async def tidy(self) -> None:
        """Forget sessions that ended, and receivers that nobody has named for long and that have no dead
        letters."""
        since = self._clock.settled() - 2 * OWED_SECONDS
        old = [one.id for one in self._by_id.values() if one.updated < since and not self.is_alive(one)]

        def work(unit: UnitOfWork) -> list[int]:
            connection, column = unit.connection, receiver_sessions.c.session
            ended = [one for one in connection.execute(sa.select(column)).scalars() if not self._alive(one)]
            for part in parts(ended):
                connection.execute(sa.delete(receiver_sessions).where(column.in_(part)))
            gone: list[int] = []
            for one in old:
                used = (
                    sa.select(table.c.receiver_id).where(table.c.receiver_id == one).limit(1)
                    for table in (deliveries, dead_letters, receiver_sessions)
                )
                if not any(connection.execute(query).first() for query in used):
                    connection.execute(sa.delete(receivers).where(receivers.c.id == one))
                    gone.append(one)
            return gone

        for one in await self._store.write("old receivers", work):
            self._by_id.pop(one, None)
            self.on_forgotten(one)
        self.refresh()

    def owed(self) -> tuple[int, ...]:
        """Receivers that have to get what must not be lost: those that are here, and the newest of those that
        were heard of lately and never left. From any thread."""
        return self._owed

    def refresh(self) -> None:
        """Look again who is here; called whenever that may have changed, and now and then."""
        now = self._clock.settled()
        here, away = [], []
        for receiver in self._by_id.values():
            if self.is_alive(receiver):
                receiver.updated = now
                here.append(receiver.id)
            elif receiver.updated >= now - OWED_SECONDS:
                away.append(receiver)
        away.sort(key=lambda receiver: receiver.updated, reverse=True)
        self._owed = (*here, *(receiver.id for receiver in away[:AWAY_MAX]))

    async def _left(self, receiver: Receiver, session: str) -> None:
        """A session names a receiver no more; the last one takes with it what it would be owed."""
        if not receiver.sessions:
            receiver.updated = min(receiver.updated, self._clock.settled() - OWED_SECONDS - 1)
            self.refresh()
        updated = receiver.updated

        def work(unit: UnitOfWork) -> None:
            column = receiver_sessions.c.session
            unit.connection.execute(sa.delete(receiver_sessions).where(column == session))
            changed = sa.update(receivers).where(receivers.c.id == receiver.id)
            unit.connection.execute(changed.values(updated=updated))

        await self._store.write("receiver's session ended", work)

    async def has_answered(self, receiver: Receiver) -> None:
        """Note a receiver's first 200."""
        receiver.answers = True
        await self._store.write(
            "receiver answers",
            lambda unit: (
                unit.connection.execute(
                    sa.update(receivers).where(receivers.c.id == receiver.id).values(answers=True)
                ).rowcount
            ),
        )
