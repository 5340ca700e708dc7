"""What is done with company contacts (spec 01-system-contacts)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.contacts.requests import NUMBERS, AddContact, UpdateContact
from offhook.areas.contacts.tables import FIELDS, company_contacts
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.parts import parts
from offhook.store.unit import Store, UnitOfWork

_C = company_contacts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One company contact, fields in the order of the contract's sample."""

    id: int
    firstname: str
    lastname: str
    email: str = ""
    company: str = ""
    businessnum: str = ""
    businessnum2: str = ""
    businessfax: str = ""
    mobile: str = ""
    mobile2: str = ""
    homenum: str = ""
    homenum2: str = ""
    homefax: str = ""
    othernum: str = ""
    zipcode: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    country: str = ""


class NotAdded(Exception):
    """Which of many contacts is refused, by its place among them, and why."""

    def __init__(self, at: int, failure: ContractError) -> None:
        super().__init__(str(failure))
        self.at = at
        self.failure = failure


class ContactService:
    """The company contacts; the `_in` functions work inside the caller's transaction."""

    def __init__(self, store: Store, *, limit: Callable[[], int]) -> None:
        self._store = store
        self._limit = limit

    async def query(self, which: Selection) -> tuple[Contact, ...]:
        """The contacts chosen that exist. Raises ContractError 10139 when none of those named does."""
        return await self._store.read(lambda connection: chosen(connection, which))

    async def add(self, request: AddContact) -> int:
        """Create a contact; returns its id. Raises ContractError 10004 without any number, 10142."""
        return await self._store.write("companycontacts/add", lambda unit: self.add_in(unit, request))

    async def update(self, request: UpdateContact) -> None:
        """Change the fields sent. Raises ContractError 10139, or 10140 when nothing needed would stay."""
        await self._store.write("companycontacts/update", lambda unit: self.update_in(unit, request))

    async def delete(self, which: Selection) -> None:
        """Delete the contacts chosen that exist. Raises ContractError 10139 when none of those named does."""
        await self._store.write("companycontacts/delete", lambda unit: self.delete_in(unit, which))

    def add_in(self, unit: UnitOfWork, request: AddContact) -> int:
        """As `add`, within `unit`."""
        values = _values(request)
        if self._room(unit.connection) < 1:
            raise ContractError(Errno.CONTACT_LIMIT)
        return int(
            unit.connection.execute(
                sa.insert(company_contacts).values(**values).returning(_C.id)
            ).scalar_one()
        )

    def add_many_in(self, unit: UnitOfWork, requests: Sequence[AddContact]) -> None:
        """As `add_in`, for many by two statements. Raises NotAdded."""
        room = self._room(unit.connection)
        rows = []
        for at, request in enumerate(requests):
            try:
                rows.append(_values(request))
                if at >= room:
                    raise ContractError(Errno.CONTACT_LIMIT)
            except ContractError as failure:
                raise NotAdded(at, failure) from None
        if rows:
            unit.connection.execute(sa.insert(company_contacts), rows)

    def _room(self, connection: sa.Connection) -> int:
        count: int = connection.execute(sa.select(sa.func.count()).select_from(company_contacts)).scalar_one()
        return self._limit() - count

    def update_in(self, unit: UnitOfWork, request: UpdateContact) -> None:
        """As `update`, within `unit`."""
        old = chosen(unit.connection, Selection(every=False, names=(request.id,)))[0]
        new = merged(old, request)
        values = {name: getattr(new, name) for name in FIELDS}
        unit.connection.execute(sa.update(company_contacts).where(_C.id == old.id).values(**values))

    def delete_in(self, unit: UnitOfWork, which: Selection) -> None:
        """As `delete`, within `unit`."""
        ids = [contact.id for contact in chosen(unit.connection, which)]
        for some in parts(ids):
            unit.connection.execute(sa.delete(company_contacts).where(_C.id.in_(some)))


def _values(request: AddContact) -> dict[str, str]:
    values = dict.fromkeys(FIELDS, "") | request.changes()
    if not any(values[name] for name in NUMBERS):
        raise ContractError(Errno.PARAMETER_EMPTY, "a contact needs a number")
    return values


def merged(old: Contact, request: UpdateContact) -> Contact:
    """`old` with the fields that `request` sends. Raises ContractError 10140 as `ContactService.update`."""
    new = dataclasses.replace(old, **request.changes())  # type: ignore[arg-type]
    if not new.firstname or not new.lastname:
        raise ContractError(Errno.CONTACT_FORM, "firstname and lastname cannot be cleared")
    if not any(getattr(new, name) for name in NUMBERS):
        raise ContractError(Errno.CONTACT_FORM, "the last number of a contact cannot be cleared")
    return new


def chosen(connection: sa.Connection, which: Selection) -> tuple[Contact, ...]:
    """The contacts chosen that exist, by id. Raises ContractError 10139 when none of those named does."""
    query = sa.select(_C.id, *(_C[name] for name in FIELDS)).order_by(_C.id)
    if which.every:
        return tuple(_contact(row) for row in connection.execute(query))
    ids = sorted({int(name) for name in which.names if name.isascii() and name.isdigit() and len(name) < 10})
    found = [_contact(row) for some in parts(ids) for row in connection.execute(query.where(_C.id.in_(some)))]
    if not found:
        raise ContractError(Errno.NO_SUCH_CONTACT, "no company contact has this id")
    return tuple(found)


def _contact(row: sa.Row[tuple[int, ...]]) -> Contact:
    return Contact(**dict(row._mapping))
