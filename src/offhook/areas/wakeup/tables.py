"""Wake-up calls, and the journal of every try. Moments are seconds since the epoch, UTC."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from offhook.store.metadata import metadata

wakeups = Table(
    "wakeups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", ForeignKey("extensions.number", ondelete="CASCADE"), nullable=False),
    Column("time", Text, nullable=False),  # hh:mm
    Column("type", Text, nullable=False),  # onetime, everyday, custom
    Column("weekdays", Text, nullable=False),  # of the type custom: digits, 0 is Sunday
    Column("repeats", Integer, nullable=False),  # how often it rings again; 0: it rings once
    Column("repeatinterval", Integer, nullable=False),  # minutes
    Column("prompt", Text, nullable=False),
    Column("state", Text, nullable=False),  # offhook.areas.wakeup.model.State
    Column("zone", Text, nullable=False),  # of `due` and `day`
    Column("due", Float, nullable=False),  # the first ring of its day
    Column("day", Text, nullable=False),  # local date
    Column("last_day", Text, nullable=False),  # the latest that is over; empty: none
    Column("ring", Integer, nullable=False),
    Column("at", Float, nullable=False),  # the next ring
    Column("begun", Float, nullable=False),
    Column("callid", Text, nullable=False),
    UniqueConstraint("number", "time", "type", "weekdays"),
    sqlite_autoincrement=True,  # an id that a client remembers must never come to mean another one
)
Index("ix_wakeups_at", wakeups.c.at)

wakeup_journal = Table(
    "wakeup_journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("wakeupid", Integer, nullable=False),
    Column("number", Text, nullable=False),  # stays when the extension goes: it is a proof
    Column("time", Text, nullable=False),  # hh:mm as it was asked for
    Column("due", Float, nullable=False),  # the first ring of the day
    Column("ring", Integer, nullable=False),  # the number of this ring
    Column("at", Float, nullable=False),  # when this ring was planned
    Column("begun", Float, nullable=True),
    Column("answered", Float, nullable=True),
    Column("ended", Float, nullable=True),
    Column("outcome", Text, nullable=False),  # offhook.areas.wakeup.model.Outcome
    Column("cause", Text, nullable=False),
    Column("callid", Text, nullable=False),
)
Index("ix_wakeup_journal_at", wakeup_journal.c.at)
Index("ix_wakeup_journal_number", wakeup_journal.c.number)
Index("ix_wakeup_journal_callid", wakeup_journal.c.callid)
