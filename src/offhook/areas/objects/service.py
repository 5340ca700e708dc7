"""What is done with objects of any kind: validate, store, notify, in this order.

The functions ending in `_in` work inside a transaction that the caller owns, so that `apply` can do many at
once; the async ones are a transaction each, and return when the change is in force in the engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa

from offhook.areas.numbers.service import Numbers, standing_in
from offhook.areas.objects.errors import Conflict, Missing
from offhook.areas.objects.field import Field, Row, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.references import References
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork
from offhook.store.vault import Vault

OnChanged: TypeAlias = Callable[[frozenset[str]], Awaitable[None]]
Announce: TypeAlias = Callable[[UnitOfWork, str, Row, Row | None], None]
"""Told of every change inside its transaction: operation (add, update, del), object, its old state."""

_ID_DIGITS = 9
_MANY = 500  # values in one IN list; the store bounds the parameters of a statement


class ObjectService:
    """The objects of one kind."""

    def __init__(
        self,
        kind: Kind,
        store: Store,
        *,
        numbers: Numbers,
        references: References,
        vault: Vault,
        on_changed: OnChanged,
        announce: Announce | None = None,
    ) -> None:
        self.kind = kind
        self._store = store
        self._numbers = numbers
        self._references = references
        self._vault = vault
        self._on_changed = on_changed
        self._announce = announce
        references.add(self)
        if kind.numbered:
            numbers.register(kind.word, partial(standing_in, kind.table.c[kind.identity]))

    # -- reading ------------------------------------------------------------------------------------------

    async def query(self, which: Selection, *, all_or_nothing: bool = False) -> tuple[Row, ...]:
        """The objects chosen that exist.

        Raises ContractError when none of those named does, with `all_or_nothing` also when one does not.
        """
        found = await self._store.read(lambda connection: self.chosen(connection, which))
        if all_or_nothing and not which.every and len(found) < len(which.names):
            raise Missing(self.kind.missing, f"not every {self.kind.word} named exists")
        return found

    async def one(self, identity: str) -> Row | None:
        """The object with this number or id, or None."""
        return await self._store.read(lambda connection: self.find(connection, identity))

    def chosen(self, connection: sa.Connection, which: Selection) -> tuple[Row, ...]:
        """As `query`, on a connection."""
        rows = self._select(connection, None if which.every else self._keys(which.names))
        if not rows and not which.every:
            raise Missing(self.kind.missing, f"no {self.kind.word} has this {self.kind.primary}")
        return rows

    def every(self, connection: sa.Connection) -> tuple[Row, ...]:
        """All objects."""
        return self._select(connection, None)

    def find(self, connection: sa.Connection, identity: str) -> Row | None:
        """The object with this number or id, or None."""
        rows = self._select(connection, self._keys((identity,)))
        return rows[0] if rows else None

    def exists(self, connection: sa.Connection, name: str) -> bool:
        """Whether an object has this number or name."""
        column = self.kind.table.c[self.kind.identity]
        return connection.execute(sa.select(column).where(column == name)).first() is not None

    def opened(self, sealed: str) -> str:
        """The clear text of a sealed setting."""
        return self._vault.open(sealed) if sealed else ""

    def _keys(self, names: Sequence[str]) -> list[Any]:
        if self.kind.numbered:
            return list(names)
        fit = (name for name in names if name.isascii() and name.isdigit() and len(name) <= _ID_DIGITS)
        return [int(name) for name in fit]

    def _select(self, connection: sa.Connection, keys: Sequence[Any] | None) -> tuple[Row, ...]:
        kind, table = self.kind, self.kind.table
        primary = table.c[kind.primary]
        query = sa.select(*(table.c[name] for name in dict.fromkeys((kind.primary, *kind.columns))))
        if keys is not None and len(keys) <= _MANY:
            query = query.where(primary.in_(keys))
        for name in kind.order or ():
            query = query.order_by(table.c[name])
        query = query.order_by(sa.func.length(primary) if kind.numbered else primary, primary)
        rows: list[Row] = [dict(row) for row in connection.execute(query).mappings()]
        if keys is not None and len(keys) > _MANY:
            wanted = set(keys)
            rows = [row for row in rows if row[kind.primary] in wanted]
        owners = [row[kind.primary] for row in rows]
        for field in kind.fields:
            if field.link is not None:
                found = field.link.load(connection, owners) if owners else {}
                for row in rows:
                    row[field.name] = found.get(row[kind.primary], ())
        return tuple(rows)

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, values: Row) -> Any:
        """Make an object; returns its number or id. Without a number it gets the next free one of its range.

        Raises ContractError, and then nothing was changed.
        """
        row = await self._store.write(f"{self.kind.key}: add", lambda unit: self.create_in(unit, values))
        await self._on_changed(self.kind.parts)
        return row[self.kind.primary]

    async def update(self, identity: str, changes: Row) -> None:
        """Change the settings given. Raises ContractError, and then nothing was changed."""
        await self._store.write(
            f"{self.kind.key}: update", lambda unit: self.update_in(unit, identity, changes)
        )
        await self._on_changed(self.kind.parts)

    async def delete(self, which: Selection, *, all_or_nothing: bool = False) -> None:
        """Delete the objects chosen that exist; with `all_or_nothing` an unknown one stops it all.

        Raises ContractError: none exists, or another object still names one.
        """
        await self._store.write(
            f"{self.kind.key}: delete",
            lambda unit: self.delete_in(unit, which, all_or_nothing=all_or_nothing),
        )
        await self._on_changed(self.kind.parts)

    async def finished(self) -> None:
        """Put changes in force that were made with the `_in` functions."""
        await self._on_changed(self.kind.parts)

    def create_in(self, unit: UnitOfWork, values: Row, *, references: bool = True) -> Row:
        """As `create`, within `unit`. Without `references` what it names is not yet looked for."""
        kind, connection = self.kind, unit.connection
        if kind.identity not in values:
            values = {kind.identity: self._free_number(connection), **values}
        self._check_identity(connection, values[kind.identity], None)
        count = sa.select(sa.func.count()).select_from(kind.table)
        if connection.execute(count).scalar_one() >= kind.limit:
            raise ContractError(kind.full, f"no more than {kind.limit} can be made")
        if kind.check is not None:
            kind.check(connection, Step(values, None, frozenset(values)))
        if references:
            self._references.require(connection, kind, values)
        stored = connection.execute(sa.insert(kind.table).values(**self._columns(values)))
        key = values[kind.identity] if kind.numbered else stored.inserted_primary_key[0]  # type: ignore[index]
        self._store_links(connection, key, values)
        row = {kind.primary: key, **values}
        self._tell(unit, "add", row, None)
        return row

    def update_in(self, unit: UnitOfWork, identity: str, changes: Row, *, references: bool = True) -> Row:
        """As `update`, within `unit`."""
        kind, connection = self.kind, unit.connection
        old = self.find(connection, identity)
        if old is None:
            raise Missing(kind.missing, f"no {kind.word} has this {kind.primary}")
        new = {**old, **changes}
        if new[kind.identity] != old[kind.identity]:
            if kind.numbered:
                raise Conflict(kind.taken, f"the number of a {kind.word} cannot be changed")
            self._check_identity(connection, new[kind.identity], old[kind.identity])
        if kind.check is not None:
            kind.check(connection, Step(new, old, frozenset(changes)))
        if references:
            self._references.require(connection, kind, new)
        key = old[kind.primary]
        # the check may have settled further settings, such as the dest of a route that hangs up
        changed = {name: new[name] for name in kind.by_name if name in changes or new[name] != old[name]}
        columns = self._columns(changed)
        if columns:
            own = kind.table.c[kind.primary] == key
            connection.execute(sa.update(kind.table).where(own).values(**columns))
        self._store_links(connection, key, changes)
        if kind.target and new[kind.identity] != old[kind.identity]:
            self._references.rename(connection, kind.target, old[kind.identity], new[kind.identity])
        self._tell(unit, "update", new, old)
        return new

    def delete_in(
        self,
        unit: UnitOfWork,
        which: Selection,
        *,
        references: bool = True,
        all_or_nothing: bool = False,
    ) -> tuple[Row, ...]:
        """As `delete`, within `unit`; returns what is gone."""
        kind, connection = self.kind, unit.connection
        gone = self.chosen(connection, which)
        if all_or_nothing and not which.every and len(gone) < len(which.names):
            raise Missing(kind.missing, f"not every {kind.word} named exists; nothing was deleted")
        keys = [row[kind.primary] for row in gone]
        connection.execute(sa.delete(kind.table).where(kind.table.c[kind.primary].in_(keys)))
        if references and kind.target:
            self._references.forbid(connection, kind, [row[kind.identity] for row in gone])
        for row in gone:
            self._tell(unit, "del", row, row)
        return gone

    def _free_number(self, connection: sa.Connection) -> str:
        kind = self.kind
        numbers = [str(number) for number in kind.numbers or ()]
        taken = self._numbers.taken(connection, numbers)
        for number in numbers:
            if number not in taken:
                return number
        raise Conflict(kind.full, f"no number for another {kind.word} is free; send one")

    def _check_identity(self, connection: sa.Connection, name: str, own: str | None) -> None:
        kind = self.kind
        if name == own:
            return
        if kind.numbered:
            if (holder := self._numbers.taken_by(connection, name)) is not None:
                raise Conflict(kind.taken, f"the number is taken by another {holder}")
        elif self.exists(connection, name):
            raise Conflict(kind.taken, f"another {kind.word} has this {kind.identity}")

    def _columns(self, values: Row) -> Row:
        return {
            name: self._kept(self.kind.by_name[name], values[name])
            for name in self.kind.columns
            if name in values
        }

    def _kept(self, field: Field, value: Any) -> Any:
        # What comes from `update` of other settings is sealed already and is not among the changes.
        if field.derived is not None and value:
            return field.derived.derive(value)
        return self._vault.seal(value) if field.sealed and value else value

    def _store_links(self, connection: sa.Connection, key: Any, values: Mapping[str, Any]) -> None:
        for field in self.kind.fields:
            if field.link is not None and field.name in values:
                field.link.store(connection, key, values[field.name])

    def _tell(self, unit: UnitOfWork, operation: str, row: Row, old: Row | None) -> None:
        if self._announce is not None:
            self._announce(unit, operation, row, old)


def one(identity: Any) -> Selection:
    """The selection of one object."""
    return Selection(every=False, names=(str(identity),))


def named(names: Iterable[str]) -> Selection:
    """The selection of these objects."""
    return Selection(every=False, names=tuple(names))


__all__ = ["Announce", "Errno", "ObjectService", "OnChanged", "named", "one"]
