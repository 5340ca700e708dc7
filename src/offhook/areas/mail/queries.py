"""The rows of the mail queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.mail.model import State
from offhook.areas.mail.tables import mail_attachments, mails
from offhook.store.parts import parts

_M, _A = mails.c, mail_attachments.c
FARTHEST = 3600.0 * 2
"""Seconds beyond which no next try lies: one that does was set by a clock that was wrong."""


def due(connection: sa.Connection, state: State, now: float, but: Sequence[int], limit: int) -> list[int]:
    """Mails in a state whose time has come, oldest first."""
    query = (
        sa.select(_M.id)
        .where(_M.state == state, sa.or_(_M.next_try <= now, _M.next_try > now + FARTHEST))
        .where(_M.id.not_in(but))
        .order_by(_M.next_try, _M.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def next_time(connection: sa.Connection, but: Sequence[int]) -> float | None:
    """When the next try of those that wait is due."""
    states = (State.WAITING, State.SENT)
    query = sa.select(sa.func.min(_M.next_try)).where(_M.state.in_(states), _M.id.not_in(but))
    found: float | None = connection.execute(query).scalar_one()
    return found


def one(connection: sa.Connection, mail: int) -> sa.RowMapping | None:
    """A mail, or None."""
    return connection.execute(sa.select(mails).where(_M.id == mail)).mappings().one_or_none()


def attachments(connection: sa.Connection, mail: int) -> Sequence[sa.RowMapping]:
    """Its attachments, in order."""
    query = sa.select(mail_attachments).where(_A.mail == mail).order_by(_A.id)
    return connection.execute(query).mappings().all()


def set_state(connection: sa.Connection, mail: int, **values: Any) -> None:
    """Change a mail that there may not be any more."""
    connection.execute(sa.update(mails).where(_M.id == mail).values(**values))


def drop_content(connection: sa.Connection, mail: int) -> list[str]:
    """Forget text and attachments of a mail; returns the files that have to go after the commit."""
    files = list(connection.execute(sa.select(_A.file).where(_A.mail == mail)).scalars())
    connection.execute(sa.delete(mail_attachments).where(_A.mail == mail))
    set_state(connection, mail, text="")
    return files


def delete(connection: sa.Connection, ids: Sequence[int]) -> list[str]:
    """Delete mails; returns the files that have to go after the commit."""
    files: list[str] = []
    for some in parts(ids):
        files.extend(connection.execute(sa.select(_A.file).where(_A.mail.in_(some))).scalars())
        connection.execute(sa.delete(mails).where(_M.id.in_(some)))
    return files


def ids_of(
    connection: sa.Connection, kind: str, references: Sequence[str], states: Sequence[State]
) -> list[int]:
    """The mails of a kind about one of these things, in one of these states."""
    found: list[int] = []
    for some in parts(references):
        query = sa.select(_M.id).where(_M.kind == kind, _M.reference.in_(some), _M.state.in_(states))
        found.extend(connection.execute(query).scalars())
    return found


def give_up(connection: sa.Connection, now: float, but: Sequence[int]) -> int:
    """Make those dead that have been tried for long enough; returns how many."""
    late = sa.and_(_M.state == State.WAITING, _M.tried_until < now, _M.id.not_in(but))
    answer = sa.case((_M.answer == "", "the server could not be used"), else_=_M.answer)
    query = sa.update(mails).where(late).values(state=State.DEAD, finished_at=now, answer=answer)
    return connection.execute(query).rowcount


def finished_before(connection: sa.Connection, state: State, time: float) -> list[int]:
    """Mails that came into a last state before a time."""
    query = sa.select(_M.id).where(_M.state == state, _M.finished_at < time)
    return list(connection.execute(query).scalars())


def known_files(connection: sa.Connection) -> set[str]:
    """All files that a mail names."""
    return set(connection.execute(sa.select(_A.file)).scalars())


def listed(connection: sa.Connection, state: str | None, limit: int) -> Sequence[sa.RowMapping]:
    """Mails for the operator, the newest first, without their text."""
    columns = [column for column in _M if column.name != "text"]
    query = sa.select(*columns).order_by(_M.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_M.state == state)
    return connection.execute(query).mappings().all()
