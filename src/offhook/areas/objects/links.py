"""Settings that are lists of other objects, each kept in a table of its own with foreign keys.

Deleting what is named takes it out of every list (ON DELETE CASCADE); renaming it changes nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from offhook.contract.errors import ContractError, Errno
from offhook.store.parts import parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """A list of objects of the table `of`, told by its column `name` and kept by its column `key`.

    `owner` and `member` are columns of the link table; `only` are fixed values of further columns, by which
    one table holds several lists. `unknown` is the errno for a name that does not exist.
    """

    owner: sa.Column[Any]
    member: sa.Column[Any]
    name: sa.Column[Any]
    key: sa.Column[Any]
    unknown: Errno
    only: Mapping[str, Any] = field(default_factory=dict)

    def load(self, connection: sa.Connection, owners: Sequence[Any]) -> Mapping[Any, tuple[str, ...]]:
        """The names of each owner's members, in order."""
        found: dict[Any, list[str]] = defaultdict(list)
        table = self.owner.table
        query = (
            sa.select(self.owner, self.name)
            .join(self.name.table, self.member == self.key)
            .where(*self._only())
            .order_by(table.c.position)
        )
        for some in parts(owners):
            for owner, name in connection.execute(query.where(self.owner.in_(some))):
                found[owner].append(name)
        return {owner: tuple(names) for owner, names in found.items()}

    def store(self, connection: sa.Connection, owner: Any, values: Sequence[str]) -> None:
        """Replace the list. Raises ContractError with `unknown` when a name does not exist."""
        keys = self._keys(connection, values)
        table = self.owner.table
        connection.execute(sa.delete(table).where(self.owner == owner, *self._only()))
        rows = [
            {self.owner.name: owner, self.member.name: key, "position": at, **self.only}
            for at, key in enumerate(keys)
        ]
        if rows:
            connection.execute(sa.insert(table), rows)

    def _only(self) -> list[sa.ColumnElement[bool]]:
        return [self.owner.table.c[name] == value for name, value in self.only.items()]

    def _keys(self, connection: sa.Connection, values: Sequence[str]) -> list[Any]:
        known: dict[str, Any] = {}
        for some in parts(values):
            query = sa.select(self.name, self.key).where(self.name.in_(some))
            known.update((row[0], row[1]) for row in connection.execute(query))
        for value in values:
            if value not in known:
                raise ContractError(self.unknown, f"{value} does not exist")
        return [known[value] for value in dict.fromkeys(values)]
