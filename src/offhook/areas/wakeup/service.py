"""What is done with wake-up calls: query, create, update, delete (spec 11-wakeup).

The functions ending in `_in` work inside a transaction that the caller owns. All of a request is done or
nothing. What is stored is in force: `on_changed` tells the runner to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.objects.errors import Conflict, Missing
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup.model import DEFAULT_PROMPT, Alarm, State, Wish, rescheduled, schedule, vars_of
from offhook.areas.wakeup.requests import WakeupFields, checked
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork

MOST = 100
"""Wake-up calls of one extension."""


class WakeupService:
    """The wake-up calls of the PBX; times of day are those of `zone`."""

    def __init__(
        self, store: Store, clock: Clock, zone: ZoneInfo, prompt_exists: Callable[[str], bool]
    ) -> None:
        self._store = store
        self._clock = clock
        self.zone = zone
        self._prompt_exists = prompt_exists
        self._hooks: list[Callable[[], None]] = []

    def on_changed(self, hook: Callable[[], None]) -> None:
        """Have `hook` called after wake-up calls were made, changed or deleted."""
        self._hooks.append(hook)

    async def query(self, which: Selection) -> dict[str, list[Alarm]]:
        """The wake-up calls of extensions, by number; those without any are left out.

        Raises ContractError 10006 when an extension that is named does not exist.
        """
        return await self._store.read(lambda connection: self.query_in(connection, which))

    def query_in(self, connection: sa.Connection, which: Selection) -> dict[str, list[Alarm]]:
        """As `query`, on a connection."""
        numbers = _numbers(connection, which)
        found: dict[str, list[Alarm]] = {}
        for alarm in rows.select(connection, numbers=None if which.every else numbers):
            found.setdefault(alarm.number, []).append(alarm)
        return {number: found[number] for number in numbers if number in found}

    async def create(self, which: Selection, fields: WakeupFields) -> None:
        """Give each of these extensions a wake-up call.

        Raises ContractError 10004, 10006, 10020, 10022 or 10023; then none was made.
        """
        wish = checked(Wish(**fields.changes()))
        await self._store.write("wakeupcall/create", lambda unit: self.create_in(unit, which, wish))

    def create_in(self, unit: UnitOfWork, which: Selection, wish: Wish) -> None:
        """As `create`, within `unit`."""
        if which.every:
            raise ContractError(Errno.NO_SUCH_EXTENSION, "all is no extension")
        numbers = _numbers(unit.connection, which)
        self._check_prompt(wish.prompt)
        if taken := rows.same(unit.connection, numbers, wish):
            raise Conflict(Errno.WAKEUP_EXISTS, f"{min(taken)} has this wake-up call already")
        if any(count >= MOST for count in rows.counts(unit.connection, numbers).values()):
            raise ContractError(Errno.WAKEUP_CONFIG, f"an extension has at most {MOST} wake-up calls")
        rows.insert(unit.connection, self._new(numbers, wish))
        self._tell(unit)

    def all_in(self, connection: sa.Connection) -> list[Alarm]:
        """Every wake-up call."""
        return rows.select(connection)

    def add_many_in(self, unit: UnitOfWork, wishes: Sequence[tuple[str, Wish]]) -> str:
        """Give each extension what is wanted for it, within `unit`, if none has the same yet.

        Prompts are not looked for. Returns the first number that is no extension, and then nothing was made.
        """
        named = dict.fromkeys(number for number, _ in wishes)
        known = set(queries.select_numbers(unit.connection, Selection(every=False, names=tuple(named))))
        if unknown := next((number for number in named if number not in known), ""):
            return unknown
        made: dict[Wish, dict[str, Any]] = {}
        for _, wish in wishes:
            if wish not in made:
                made[wish] = self._new(("",), wish)[0]
        rows.insert(unit.connection, [{**made[wish], "number": number} for number, wish in wishes])
        self._tell(unit)
        return ""

    def delete_ids_in(self, unit: UnitOfWork, ids: Sequence[int]) -> None:
        """Delete wake-up calls by their ids, within `unit`; those that have gone are left aside."""
        rows.delete(unit.connection, ids)
        self._tell(unit)

    def naming(self, connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
        """Who names a prompt, for the references."""
        for number, prompt in rows.prompts(connection):
            if prompt != DEFAULT_PROMPT:
                yield f"a wake-up call of {number}", "prompt", prompt

    def _new(self, numbers: Sequence[str], wish: Wish) -> list[dict[str, Any]]:
        due, day = schedule(wish, self.zone, self._clock.now())
        made = Alarm(
            **vars_of(wish),
            id=0,
            number="",
            state=State.WAITING,
            zone=self.zone.key,
            due=due,
            day=day,
            at=due,
        )
        values = rows.columns(made)
        del values["id"]
        return [{**values, "number": number} for number in numbers]

    async def update(self, number: str, wakeupid: int, fields: WakeupFields) -> None:
        """Change a wake-up call of an extension; what is not sent stays, and it begins anew.

        Raises ContractError 10004, 10006, 10020, 10021 or 10023.
        """
        await self._store.write(
            "wakeupcall/update", lambda unit: self.update_in(unit, number, wakeupid, fields.changes())
        )

    def update_in(
        self,
        unit: UnitOfWork,
        number: str,
        wakeupid: int,
        changes: dict[str, Any],
        *,
        prompts: bool = True,
    ) -> None:
        """As `update`, within `unit`; without `prompts` the prompt is not looked for."""
        _numbers(unit.connection, Selection(every=False, names=(number,)))
        old = next(
            (one for one in rows.select(unit.connection, ids=[wakeupid]) if one.number == number), None
        )
        if old is None:
            raise Missing(Errno.NO_SUCH_WAKEUP)
        new = replace(old, **changes)
        checked(new)
        if prompts and new.prompt != old.prompt:
            self._check_prompt(new.prompt)
        moved = (new.time, new.type, new.weekdays) != (old.time, old.type, old.weekdays)
        if moved and rows.same(unit.connection, [number], new):
            raise ContractError(Errno.WAKEUP_CONFIG, f"{number} has such a wake-up call already")
        new = replace(new, last_day="", begun=0.0, callid="")
        rows.save(unit.connection, rescheduled(new, self.zone, self._clock.now()))
        self._tell(unit)

    async def delete(self, which: Selection, ids: Selection | None) -> None:
        """Delete wake-up calls of extensions: those with these ids, or all.

        Raises ContractError 10006, and 10021 when one of the ids is none of theirs; then nothing was deleted.
        """
        await self._store.write("wakeupcall/delete", lambda unit: self.delete_in(unit, which, ids))

    def delete_in(self, unit: UnitOfWork, which: Selection, ids: Selection | None) -> None:
        """As `delete`, within `unit`."""
        numbers = _numbers(unit.connection, which)
        if ids is None or ids.every:
            self.delete_all_in(unit, numbers)
            return
        named = [int(name) if name.isascii() and name.isdigit() else 0 for name in ids.names]
        found = rows.select(unit.connection, ids=[one for one in named if one < 2**53])
        mine = {alarm.id for alarm in found if alarm.number in set(numbers)}
        if mine != set(named):
            raise Missing(Errno.NO_SUCH_WAKEUP, "not every wake-up call exists; nothing was deleted")
        rows.delete(unit.connection, sorted(mine))
        self._tell(unit)

    def delete_all_in(self, unit: UnitOfWork, numbers: Sequence[str]) -> int:
        """Delete every wake-up call of these extensions, within `unit`; returns how many."""
        count = rows.delete_of(unit.connection, numbers)
        self._tell(unit)
        return count

    def _check_prompt(self, name: str) -> None:
        if name != DEFAULT_PROMPT and not self._prompt_exists(name):
            raise ContractError(Errno.NO_SUCH_AUDIO, f"there is no prompt {name}")

    def _tell(self, unit: UnitOfWork) -> None:
        for hook in self._hooks:
            unit.after_commit(hook)


def _numbers(connection: sa.Connection, which: Selection) -> tuple[str, ...]:
    """The extensions chosen. Raises ContractError 10006 when one that is named does not exist."""
    numbers = queries.select_numbers(connection, which)
    if not which.every and len(numbers) < len(which.names):
        raise ContractError(Errno.NO_SUCH_EXTENSION, "not every extension exists")
    return numbers
