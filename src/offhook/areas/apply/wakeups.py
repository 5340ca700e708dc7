"""The key `wakeupcalls` of the declared state.

A wake-up call has no id in the document: extension, time, type and weekdays tell it. Ten thousand in one
document are checked and stored with a handful of statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sqlalchemy as sa

from offhook.areas.apply.change import Change, differences
from offhook.areas.apply.document import ApplyError, Node, objects
from offhook.areas.apply.service import refused
from offhook.areas.objects.kind import text_of
from offhook.areas.wakeup.model import Wish, vars_of
from offhook.areas.wakeup.requests import WakeupFields, checked
from offhook.areas.wakeup.service import WakeupService
from offhook.contract.errors import ContractError
from offhook.contract.params import declared_params, read_request
from offhook.store.unit import UnitOfWork

Key: TypeAlias = tuple[str, str, str, tuple[int, ...]]
_FIELDS = frozenset({"number", *declared_params(WakeupFields)})


@dataclass(frozen=True, slots=True)
class Declared:
    """One wake-up call; `id` is 0 for one that is not there yet."""

    place: str
    number: str
    wish: Wish
    id: int = 0

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return (self.number, self.wish.time, self.wish.type, self.wish.weekdays)

    @property
    def name(self) -> str:
        """How it is shown."""
        return f"{self.number} {self.wish.time} {self.wish.type}"


class WakeupSection:
    """Declared wake-up calls."""

    key = "wakeupcalls"

    def __init__(self, service: WakeupService) -> None:
        self._service = service

    def read(self, node: Node) -> list[Declared]:
        """Every wake-up call declared. Raises ApplyError, also for one that stands twice."""
        found: dict[Key, Declared] = {}
        for at, values in enumerate(objects(node, self.key, _FIELDS)):
            place = f"{self.key}[{at}]"
            number = values.pop("number", "").strip()
            if not number:
                raise ApplyError(f"{place}: number is missing or empty")
            try:
                wish = checked(Wish(**read_request(WakeupFields, values).changes()))
            except ContractError as failure:
                raise refused(place, failure) from None
            one = Declared(f"{place} ({number})", number, wish)
            if one.key in found:
                raise ApplyError(f"{place}: {one.name} is declared twice")
            found[one.key] = one
        return list(found.values())

    def current(self, connection: sa.Connection) -> tuple[Declared, ...]:
        """All wake-up calls, without where they are in their day."""
        return tuple(
            Declared("", alarm.number, Wish(**vars_of(alarm)), alarm.id)
            for alarm in self._service.all_in(connection)
        )

    def plan(self, current: Sequence[Declared], declared: Sequence[Declared]) -> list[Change]:
        """Deletions, then adds and updates."""
        wanted = {one.key for one in declared}
        present = {one.key: one for one in current}
        changes = [
            Change(section=self.key, operation="delete", name=one.name, request=one)
            for one in current
            if one.key not in wanted
        ]
        for one in declared:
            old = present.get(one.key)
            told = differences(vars_of(old.wish) if old else {}, vars_of(one.wish))
            if told:
                changes.append(
                    Change(
                        section=self.key,
                        operation="update" if old else "add",
                        name=one.name,
                        differences=told,
                        request=replace(one, id=old.id) if old else one,
                    )
                )
        return changes

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> None:
        """Carry out. Raises ApplyError; prompts are looked for when all is stored."""
        asked = [(change.operation, one) for change in changes if isinstance(one := change.request, Declared)]
        self._service.delete_ids_in(unit, [one.id for operation, one in asked if operation == "delete"])
        added = [one for operation, one in asked if operation == "add"]
        unknown = self._service.add_many_in(unit, [(one.number, one.wish) for one in added])
        if unknown:
            place = next(one.place for one in added if one.number == unknown)
            raise ApplyError(f"{place}: there is no extension {unknown}")
        for operation, one in asked:
            if operation == "update":
                self._change(unit, one)

    def _change(self, unit: UnitOfWork, one: Declared) -> None:
        try:
            self._service.update_in(unit, one.number, one.id, vars_of(one.wish), prompts=False)
        except ContractError as failure:
            raise refused(one.place, failure) from None

    async def finished(self, done: None) -> None:
        """Nothing more to do: the runner has been told."""

    def export(self, current: Sequence[Declared]) -> Node:
        """All wake-up calls."""
        return [
            {
                "number": one.number,
                **{name: text_of(value) for name, value in vars_of(one.wish).items() if value not in (0, ())},
            }
            for one in current
        ]
