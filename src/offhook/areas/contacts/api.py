"""Endpoints of the company contacts (spec 01-system-contacts)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.contacts.requests import AddContact, Contacts, UpdateContact
from offhook.areas.contacts.service import Contact, ContactService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.results import Nothing

_CHAPTER = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactList:
    """Result of companycontacts/query."""

    companycontacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdded:
    """Result of companycontacts/add."""

    id: int


def endpoints(service: ContactService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: Contacts) -> ContactList:
        return ContactList(companycontacts=await service.query(request.id))

    async def add(_caller: Caller, request: AddContact) -> ContactAdded:
        return ContactAdded(id=await service.add(request))

    async def update(_caller: Caller, request: UpdateContact) -> Nothing:
        await service.update(request)
        return Nothing()

    async def delete(_caller: Caller, request: Contacts) -> Nothing:
        await service.delete(request.id)
        return Nothing()

    missing = (Errno.NO_SUCH_CONTACT,)
    return [
        Endpoint(
            "companycontacts/query", _CHAPTER, "Company contacts", Contacts, ContactList, query, missing
        ),
        Endpoint(
            "companycontacts/add",
            _CHAPTER,
            "Creates a company contact",
            AddContact,
            ContactAdded,
            add,
            (Errno.PARAMETER_EMPTY, Errno.CONTACT_LIMIT),
        ),
        Endpoint(
            "companycontacts/update",
            _CHAPTER,
            "Changes a company contact",
            UpdateContact,
            Nothing,
            update,
            (*missing, Errno.CONTACT_FORM),
        ),
        Endpoint(
            "companycontacts/delete", _CHAPTER, "Deletes company contacts", Contacts, Nothing, delete, missing
        ),
    ]
