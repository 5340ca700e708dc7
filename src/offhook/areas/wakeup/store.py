"""Wake-up calls and their journal in the store: typed statements, made for ten thousand at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.records.tables import call_intents, cdr
from offhook.areas.wakeup.model import Alarm, Outcome, State, Wish
from offhook.areas.wakeup.tables import wakeup_journal, wakeups
from offhook.store.parts import parts

_W, _J = wakeups.c, wakeup_journal.c
_TIMES = ("zone", "due", "day", "last_day", "at", "begun")
_COLUMNS = tuple(wakeups.c[field.name] for field in dataclasses.fields(Alarm))


def columns(value: Wish) -> dict[str, Any]:
    """A wake-up call, or what is wanted of one, as its columns."""
    named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {**named, "weekdays": ",".join(map(str, value.weekdays))}


def alarm_of(row: sa.Row[Any]) -> Alarm:
    """The wake-up call of a row."""
    values = dict(row._mapping)
    values["weekdays"] = tuple(int(day) for day in values["weekdays"].split(",") if day)
    return Alarm(**{**values, "state": State(values["state"])})


def select(
    connection: sa.Connection,
    *,
    numbers: Sequence[str] | None = None,
    ids: Sequence[int] | None = None,
) -> list[Alarm]:
    """The wake-up calls of these extensions, or with these ids; of both None all. In order of their ids."""
    query = sa.select(*_COLUMNS)
    queries = [query]
    if numbers is not None:
        queries = [query.where(_W.number.in_(part)) for part in parts(numbers)]
    elif ids is not None:
        queries = [query.where(_W.id.in_(part)) for part in parts(ids)]
    found = [alarm_of(row) for one in queries for row in connection.execute(one)]
    return sorted(found, key=lambda alarm: alarm.id)


def same(connection: sa.Connection, numbers: Sequence[str], wish: Wish) -> set[str]:
    """Which of these extensions have a wake-up call of this time, type and weekdays."""
    values = columns(wish)
    query = sa.select(_W.number).where(
        _W.time == wish.time, _W.type == wish.type, _W.weekdays == values["weekdays"]
    )
    return set(connection.execute(query).scalars()).intersection(numbers)


def counts(connection: sa.Connection, numbers: Sequence[str]) -> dict[str, int]:
    """How many wake-up calls each of these extensions has; those without any are missing."""
    query = sa.select(_W.number, sa.func.count()).group_by(_W.number)
    found: dict[str, int] = {}
    for part in parts(numbers):
        found.update((row[0], row[1]) for row in connection.execute(query.where(_W.number.in_(part))))
    return found


def prompts(connection: sa.Connection) -> list[tuple[str, str]]:
    """Each prompt that a wake-up call plays, with an extension that has it."""
    query = sa.select(sa.func.min(_W.number), _W.prompt).group_by(_W.prompt)
    return [(row[0], row[1]) for row in connection.execute(query)]


def insert(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store new wake-up calls."""
    if rows:
        connection.execute(sa.insert(wakeups), list(rows))


def save(connection: sa.Connection, alarm: Alarm) -> None:
    """Store what became of a wake-up call; one that is done is deleted."""
    if alarm.state is State.DONE:
        delete(connection, [alarm.id])
        return
    values = {name: value for name, value in columns(alarm).items() if name not in {"id", "number"}}
    connection.execute(sa.update(wakeups).where(_W.id == alarm.id).values(**values))


def move(connection: sa.Connection, alarms: Sequence[Alarm]) -> None:
    """Store when these wake-up calls are to ring or have begun to, and nothing else of them."""
    if alarms:
        statement = sa.update(wakeups).where(_W.id == sa.bindparam("key"))
        moved: dict[str, Any] = {name: sa.bindparam(name) for name in _TIMES}
        connection.execute(
            statement.values(moved),
            [{"key": alarm.id, **{name: getattr(alarm, name) for name in _TIMES}} for alarm in alarms],
        )


def delete(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Delete wake-up calls by their ids."""
    for part in parts(ids):
        connection.execute(sa.delete(wakeups).where(_W.id.in_(part)))


def delete_of(connection: sa.Connection, numbers: Sequence[str]) -> int:
    """Delete all wake-up calls of these extensions; returns how many."""
    return sum(
        connection.execute(sa.delete(wakeups).where(_W.number.in_(part))).rowcount for part in parts(numbers)
    )


def due(connection: sa.Connection, now: float, limit: int, since: float = 0.0) -> list[Alarm]:
    """The wake-up calls whose moment has come, not before `since`; the longest due first."""
    query = sa.select(*_COLUMNS).where(_W.at <= now, _W.at >= since, _W.state != State.RINGING)
    return [alarm_of(row) for row in connection.execute(query.order_by(_W.at, _W.id).limit(limit))]


def next_moment(connection: sa.Connection) -> float | None:
    """When the next wake-up call is to ring; None when none is."""
    query = sa.select(sa.func.min(_W.at)).where(_W.state != State.RINGING)
    return connection.execute(query).scalar_one_or_none()


# -- the journal ------------------------------------------------------------------------------------------


def journal_add(
    connection: sa.Connection,
    alarm: Alarm,
    outcome: Outcome,
    *,
    begun: float | None = None,
    cause: str = "",
    callid: str = "",
) -> None:
    """Note a try of a wake-up call."""
    connection.execute(
        sa.insert(wakeup_journal).values(
            wakeupid=alarm.id,
            number=alarm.number,
            time=alarm.time,
            due=alarm.due,
            ring=alarm.ring,
            at=alarm.at,
            begun=begun,
            outcome=outcome.value,
            cause=cause,
            callid=callid,
        )
    )


def journal_end(
    connection: sa.Connection,
    callid: str,
    outcome: Outcome,
    *,
    answered: float | None,
    ended: float,
    cause: str,
) -> int | None:
    """Note how a try ended that was under way; returns the id of its wake-up call, None when it is no try."""
    open_try = sa.and_(_J.callid == callid, _J.outcome == Outcome.RINGING.value)
    wakeupid = connection.execute(sa.select(_J.wakeupid).where(open_try)).scalar_one_or_none()
    if wakeupid is not None:
        values = {"outcome": outcome.value, "answered": answered, "ended": ended, "cause": cause}
        connection.execute(sa.update(wakeup_journal).where(open_try).values(**values))
    return wakeupid


def last_day(connection: sa.Connection, wakeupid: int) -> Sequence[sa.Row[Any]]:
    """The tries of a wake-up call on the last day on which there were any, in their order."""
    mine = _J.wakeupid == wakeupid
    due = sa.select(_J.due).where(mine).order_by(_J.id.desc()).limit(1).scalar_subquery()
    return connection.execute(sa.select(wakeup_journal).where(mine, _J.due == due).order_by(_J.id)).all()


def unknown_tries(connection: sa.Connection) -> Collection[str]:
    """The calls of tries under way that are promised no record and have none: they never began."""
    query = sa.select(_J.callid).where(
        _J.outcome == Outcome.RINGING.value,
        _J.callid.not_in(sa.select(call_intents.c.callid)),
        _J.callid.not_in(sa.select(cdr.c.callid)),
    )
    return connection.execute(query).scalars().all()


def journal_forget(connection: sa.Connection, before: float) -> int:
    """Delete the tries that were planned before a moment and are over; returns how many."""
    gone = sa.and_(_J.at < before, _J.outcome != Outcome.RINGING.value)
    return connection.execute(sa.delete(wakeup_journal).where(gone)).rowcount


def journal(
    connection: sa.Connection,
    *,
    number: str | None = None,
    outcome: str | None = None,
    since: float | None = None,
    until: float | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Tries, the latest first; `before` an id, for the next page."""
    query = sa.select(wakeup_journal).order_by(_J.id.desc()).limit(limit)
    if number is not None:
        query = query.where(_J.number == number)
    if outcome is not None:
        query = query.where(_J.outcome == outcome)
    if since is not None:
        query = query.where(_J.at >= since)
    if until is not None:
        query = query.where(_J.at < until)
    if before is not None:
        query = query.where(_J.id < before)
    return connection.execute(query).all()
