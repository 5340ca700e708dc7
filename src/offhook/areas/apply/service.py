"""Brings the PBX to a declared state: read, plan, show, then all of it in one transaction or nothing.

    text ──► parse ──► per section: declared ─┐
                       per section: current ──┴─► plan ──► changes ──► one write ──► finished
                                                            │
                                                            └──► lines for people (all that --dry-run does)

The plan is made outside the store's thread, as deriving passwords is slow; inside the write each section
looks again, and when something has changed meanwhile the plan is made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import sqlalchemy as sa
import yaml

from offhook.areas.apply.change import Change
from offhook.areas.apply.document import ApplyError, Node, beside, located, parse
from offhook.contract.errors import ContractError
from offhook.store.unit import Store, UnitOfWork

_TRIES = 5


Dangling: TypeAlias = Callable[[sa.Connection, frozenset[str]], Iterable[str]]
"""Tells what names something that does not exist, beside the names of sounds that are about to come."""


@runtime_checkable
class Prepared(Protocol):
    """A section whose changes are more than rows: files are put in place before anything is stored."""

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Put them in place. Raises ApplyError."""


@runtime_checkable
class Settling(Protocol):
    """A section whose objects list others: what it declares may have gone by another section's changes."""

    def settled(self, connection: sa.Connection, declared: Any) -> None:
        """Look once all is stored. Raises ApplyError when a list is not what was declared."""


class ApplySection(Protocol):
    """One top key of the document. Sections stand in the order in which their adds are carried out."""

    @property
    def key(self) -> str:
        """The top key."""

    def read(self, node: Node) -> Any:
        """What is declared, typed. Raises ApplyError with the place for what is wrong."""

    def current(self, connection: sa.Connection) -> Any:
        """What is there now, as a value that can be compared."""

    def plan(self, current: Any, declared: Any) -> list[Change]:
        """The changes that lead from `current` to `declared`; runs in a thread and may be slow."""

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> Any:
        """Carry the changes out within `unit`; what it returns is given to `finished`."""

    async def finished(self, done: Any) -> None:
        """What has to follow the commit."""

    def export(self, current: Any) -> Node | None:
        """`current` as it would be declared, without secrets; None to leave the key out."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was (or with a dry run: would be) changed."""

    changes: tuple[Change, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The changes in words."""
        if not self.changes:
            return ("nothing to change",)
        return tuple(line for change in self.changes for line in change.lines())


class _Moved(Exception):
    """The state is not the one that was planned for."""


@dataclass(frozen=True, slots=True)
class _Planned:
    section: ApplySection
    declared: Any
    current: Any
    changes: list[Change]


class ApplyService:
    """Applies documents; `sections` tell the top keys.

    `dangling` tells what names something that does not exist: nothing may, once all is stored.
    """

    def __init__(
        self,
        store: Store,
        sections: Sequence[ApplySection],
        dangling: Dangling = lambda _connection, _coming: (),
    ) -> None:
        self._store = store
        self._sections = tuple(sections)
        self._dangling = dangling

    async def apply(self, text: str, *, folder: Path | None = None, dry_run: bool = False) -> Applied:
        """Bring the PBX to the state that the YAML `text` declares; `dry_run` only says what would be done.

        Paths of files that are relative are looked for in `folder`, where the document lies. Raises
        ApplyError with line, place and reason; then nothing was changed.
        """
        try:
            declared = await asyncio.to_thread(self._read, text, folder or Path())
            return await self._apply(declared, dry_run)
        except ApplyError as refusal:
            raise await asyncio.to_thread(located, text, refusal) from None

    async def _apply(self, declared: Sequence[tuple[ApplySection, Any]], dry_run: bool) -> Applied:
        for _ in range(_TRIES):
            planned = await self._plan(declared)
            outcome = Applied(tuple(change for each in planned for change in each.changes))
            if dry_run:
                await self._check(planned)
                return outcome
            if not outcome.changes:
                return outcome
            for each in planned:
                if isinstance(each.section, Prepared):
                    await each.section.prepare(each.changes)
            try:
                done = await self._store.write("apply", partial(self._execute, planned=planned))
            except _Moved:
                continue
            for section, result in done:
                await section.finished(result)
            return outcome
        raise ApplyError("the configuration kept changing meanwhile; try again")

    async def export(self) -> str:
        """The present state as a YAML document, without passwords."""
        document = {}
        for section in self._sections:
            node = section.export(await self._store.read(section.current))
            if node is not None:
                document[section.key] = node
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)

    def _read(self, text: str, folder: Path) -> list[tuple[ApplySection, Any]]:
        document = beside(parse(text), folder)
        known = [section.key for section in self._sections]
        for key in document:
            if key not in known:
                raise ApplyError(f"{key} is an unknown key; known are {', '.join(known)}")
        return [(s, s.read(document[s.key])) for s in self._sections if s.key in document]

    async def _plan(self, declared: Sequence[tuple[ApplySection, Any]]) -> list[_Planned]:
        sections = [section for section, _ in declared]
        current = await self._store.read(lambda c: [section.current(c) for section in sections])
        plans = []
        for (section, wanted), now in zip(declared, current, strict=True):
            plans.append(_Planned(section, wanted, now, await asyncio.to_thread(section.plan, now, wanted)))
        return plans

    async def _check(self, planned: Sequence[_Planned]) -> None:
        """Carry everything out and take it back, so that a dry run finds what the real one would refuse."""

        def work(unit: UnitOfWork) -> None:
            self._execute(unit, planned)
            raise _Undo

        try:
            await self._store.write("apply (dry run)", work)
        except (_Undo, _Moved):
            return

    def _execute(self, unit: UnitOfWork, planned: Sequence[_Planned]) -> list[tuple[ApplySection, Any]]:
        for each in planned:
            prepared = isinstance(each.section, Prepared)
            if not prepared and each.section.current(unit.connection) != each.current:
                raise _Moved
        # what goes, goes first and in the other order: its number may come back as something else
        done = [
            (each.section, each.section.execute(unit, gone))
            for each in reversed(planned)
            if (gone := [change for change in each.changes if change.operation == "delete"])
        ]
        done += [
            (each.section, each.section.execute(unit, kept))
            for each in planned
            if (kept := [change for change in each.changes if change.operation != "delete"])
        ]
        for each in planned:
            if isinstance(each.section, Settling):
                each.section.settled(unit.connection, each.declared)
        coming = frozenset(
            change.name for p in planned if isinstance(p.section, Prepared) for change in p.changes
        )
        for problem in self._dangling(unit.connection, coming):
            raise ApplyError(problem)
        return done


class _Undo(Exception):
    """Ends a dry run."""


def refused(place: str, failure: ContractError) -> ApplyError:
    """`failure` of the object at `place` in words."""
    return ApplyError(f"{place}: {failure.detail}")
