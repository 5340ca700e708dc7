"""The keys `extensiongroups` and `contacts` of the declared state.

Neither has an id in the document, as the PBX gives it: a group is told by its name, a contact by first and
last name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.apply.change import Change, differences
from offhook.areas.apply.document import ApplyError, Node, objects
from offhook.areas.apply.extensions import numbered
from offhook.areas.apply.service import refused
from offhook.areas.contacts.requests import AddContact, UpdateContact
from offhook.areas.contacts.service import Contact, ContactService, NotAdded, chosen
from offhook.areas.extensions import queries
from offhook.areas.extensions.groups import GroupService
from offhook.areas.extensions.queries import Group
from offhook.areas.extensions.requests import AddGroup, UpdateGroup
from offhook.contract.errors import ContractError
from offhook.contract.params import declared_params, read_request
from offhook.contract.rules import Selection
from offhook.store.unit import UnitOfWork

_ALL = Selection(every=True)


@dataclass(frozen=True, slots=True)
class _Request:
    place: str
    request: object


def _one(identity: int) -> Selection:
    return Selection(every=False, names=(str(identity),))


class GroupSection:
    """Declared extension groups."""

    key = "extensiongroups"

    def __init__(self, service: GroupService) -> None:
        self._service = service

    def read(self, node: Node) -> list[tuple[str, dict[str, str]]]:
        """Place and fields of each group. Raises ApplyError."""
        return numbered(objects(node, self.key, frozenset(declared_params(AddGroup))), self.key, "name")

    def current(self, connection: sa.Connection) -> tuple[Group, ...]:
        """All groups."""
        return queries.select_groups(connection, None)

    def plan(self, current: Sequence[Group], declared: Sequence[tuple[str, dict[str, str]]]) -> list[Change]:
        """Deletions, then adds and updates."""
        present = {group.name: group for group in current}
        wanted = {values["name"] for _, values in declared}
        changes = [
            Change(section=self.key, operation="delete", name=group.name, request=_one(group.id))
            for group in current
            if group.name not in wanted
        ]
        for place, values in declared:
            change = self._planned(place, values, present.get(values["name"]))
            if change is not None:
                changes.append(change)
        return changes

    def _planned(self, place: str, values: dict[str, str], old: Group | None) -> Change | None:
        try:
            added = read_request(AddGroup, values)
        except ContractError as failure:
            raise refused(place, failure) from None
        members = differences({"members": old.members if old else ()}, {"members": added.members})
        if old is None:
            request: object = added
        elif not members:
            return None
        else:
            request = UpdateGroup(id=str(old.id), members=added.members)
        return Change(
            section=self.key,
            operation="add" if old is None else "update",
            name=added.name,
            differences=members,
            request=_Request(place, request),
        )

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> None:
        """Carry out. Raises ApplyError when a member is no extension: the state is whole or refused."""
        for change in changes:
            if isinstance(change.request, Selection):
                self._service.delete_in(unit, change.request)
            elif isinstance(change.request, _Request):
                self._store(unit, change.request)

    def _store(self, unit: UnitOfWork, item: _Request) -> None:
        try:
            if isinstance(item.request, AddGroup):
                unknown = self._service.add_in(unit, item.request).unknown
            elif isinstance(item.request, UpdateGroup):
                unknown = self._service.update_in(unit, item.request).unknown
        except ContractError as failure:
            raise refused(item.place, failure) from None
        if unknown:
            raise ApplyError(f"{item.place}: members {', '.join(unknown)} are no extensions")

    def settled(self, connection: sa.Connection, declared: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Raises ApplyError when a group has a member that the same document deletes."""
        present = {group.name: set(group.members) for group in self.current(connection)}
        for place, values in declared:
            for number in read_request(AddGroup, values).members:
                if number not in present[values["name"]]:
                    raise ApplyError(f"{place}: members has {number}, which is deleted by this document")

    async def finished(self, done: None) -> None:
        """Nothing more to do: groups are read live."""

    def export(self, current: Sequence[Group]) -> Node:
        """All groups."""
        return [{"name": group.name, "members": ",".join(group.members)} for group in current]


class ContactSection:
    """Declared company contacts."""

    key = "contacts"

    def __init__(self, service: ContactService) -> None:
        self._service = service

    def read(self, node: Node) -> list[tuple[str, AddContact]]:
        """Place and request of each contact. Raises ApplyError, also when two have the same names."""
        placed: list[tuple[str, AddContact]] = []
        seen: set[tuple[str, str]] = set()
        for at, values in enumerate(objects(node, self.key, frozenset(declared_params(AddContact)))):
            place = f"{self.key}[{at}]"
            try:
                request = read_request(AddContact, values)
            except ContractError as failure:
                raise refused(place, failure) from None
            name = (request.firstname, request.lastname)
            if name in seen:
                raise ApplyError(f"{place}: {' '.join(name)} is declared twice")
            seen.add(name)
            placed.append((place, request))
        return placed

    def current(self, connection: sa.Connection) -> tuple[Contact, ...]:
        """All contacts."""
        return chosen(connection, _ALL)

    def plan(self, current: Sequence[Contact], declared: Sequence[tuple[str, AddContact]]) -> list[Change]:
        """Deletions, then adds and updates; of several contacts with one name the oldest is kept."""
        present: dict[tuple[str, str], Contact] = {}
        changes: list[Change] = []
        wanted = {(request.firstname, request.lastname) for _, request in declared}
        for contact in current:
            name = (contact.firstname, contact.lastname)
            if name in wanted and name not in present:
                present[name] = contact
                continue
            changes.append(
                Change(section=self.key, operation="delete", name=" ".join(name), request=_one(contact.id))
            )
        for place, request in declared:
            old = present.get((request.firstname, request.lastname))
            change = self._planned(place, request, old)
            if change is not None:
                changes.append(change)
        return changes

    def _planned(self, place: str, request: AddContact, old: Contact | None) -> Change | None:
        name = f"{request.firstname} {request.lastname}"
        values = request.changes()
        if old is None:
            return Change(
                section=self.key,
                operation="add",
                name=name,
                differences=differences({}, values),
                request=_Request(place, request),
            )
        changed = differences(dataclasses.asdict(old), values)
        if not changed:
            return None
        return Change(
            section=self.key,
            operation="update",
            name=name,
            differences=changed,
            request=_Request(place, UpdateContact(id=str(old.id), **values)),
        )

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> None:
        """Carry out."""
        gone = [change.request.names for change in changes if isinstance(change.request, Selection)]
        if gone:
            names = tuple(name for names in gone for name in names)
            self._service.delete_in(unit, Selection(every=False, names=names))
        asked = [
            (item.place, item.request) for change in changes if isinstance(item := change.request, _Request)
        ]
        added = [(place, request) for place, request in asked if isinstance(request, AddContact)]
        try:
            self._service.add_many_in(unit, [request for _, request in added])
        except NotAdded as failure:
            raise refused(added[failure.at][0], failure.failure) from None
        for place, request in asked:
            if isinstance(request, UpdateContact):
                try:
                    self._service.update_in(unit, request)
                except ContractError as failure:
                    raise refused(place, failure) from None

    async def finished(self, done: None) -> None:
        """Nothing more to do: nobody else reads contacts."""

    def export(self, current: Sequence[Contact]) -> Node:
        """All contacts."""
        return [
            {
                name: str(value)
                for name, value in dataclasses.asdict(contact).items()
                if value and name != "id"
            }
            for contact in current
        ]
