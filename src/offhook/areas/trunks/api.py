"""Endpoints of trunks (spec 03-trunk)."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any

from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService
from offhook.areas.trunks.kind import (
    ACCOUNT,
    ACCOUNT_TEXT,
    DODS,
    FROMUSER,
    HOST,
    NAME,
    PEER,
    PORT,
    REGISTER,
    TYPE,
    USERNAME,
)
from offhook.areas.trunks.states import TrunkStates
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import NoParameters, param
from offhook.contract.results import Nothing
from offhook.contract.rules import Selection, pattern, selection

_ID = pattern(r"[0-9]{1,9}", says="the id of one trunk", max_len=9)
_APPLIES = {
    "host": (REGISTER, PEER),
    "port": (REGISTER, PEER),
    "domain": (REGISTER, PEER),
    "username": (REGISTER, ACCOUNT),
    "authname": (REGISTER, ACCOUNT),
    "fromuser": (REGISTER,),
    "password": (REGISTER, ACCOUNT),
}
"""Which settings belong to which kinds of trunk only."""


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """What trunk/add_siptrunk and trunk/update_siptrunk share; None: not sent."""

    trunktype: str = param(TYPE, bad=Errno.TRUNK_TYPE)
    host: str | None = param(HOST, bad=Errno.TRUNK_HOST, optional=True)
    port: int | None = param(PORT, bad=Errno.TRUNK_PORT, optional=True)
    domain: str | None = param(HOST, bad=Errno.TRUNK_DOMAIN, optional=True)
    username: str | None = param(USERNAME, bad=Errno.TRUNK_USER, optional=True)
    authname: str | None = param(ACCOUNT_TEXT, bad=Errno.TRUNK_AUTH_NAME, optional=True)
    fromuser: str | None = param(FROMUSER, bad=Errno.TRUNK_FROM, optional=True, empty_ok=True)
    password: str | None = param(ACCOUNT_TEXT, bad=Errno.TRUNK_PASSWORD, optional=True, secret=True)
    extensionsdod: tuple[str, ...] | None = param(DODS, bad=Errno.DOD_FORM, optional=True, empty_ok=True)
    extensionsgroupdod: tuple[str, ...] | None = param(DODS, bad=Errno.DOD_FORM, optional=True, empty_ok=True)

    def changes(self) -> Row:
        """The settings sent that belong to this kind of trunk."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        sent = {
            name: () if name.endswith("dod") and value == "" else value
            for name, value in named.items()
            if value is not None and name != "id"
        }
        return {
            name: value
            for name, value in sent.items()
            if self.trunktype in _APPLIES.get(name, (self.trunktype,))
        }


@dataclass(frozen=True, kw_only=True)
class AddTrunk(_Settings):
    """Request of trunk/add_siptrunk."""

    trunkname: str = param(NAME, bad=Errno.TRUNK_NAME)


@dataclass(frozen=True, kw_only=True)
class UpdateTrunk(_Settings):
    """Request of trunk/update_siptrunk."""

    id: str = param(_ID, bad=Errno.NO_SUCH_TRUNK)
    trunkname: str | None = param(NAME, bad=Errno.TRUNK_NAME, optional=True)


@dataclass(frozen=True, kw_only=True)
class Trunks:
    """Request that names trunks: one id, several joined by commas, or all."""

    id: Selection = param(selection(), bad=Errno.NO_SUCH_TRUNK)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class TrunkListItem:
    """One line of trunk/list."""

    trunkname: str
    id: int
    status: str
    type: str


@dataclass(frozen=True, kw_only=True)
class TrunkList:
    """Result of trunk/list."""

    trunklist: tuple[TrunkListItem, ...]


@dataclass(frozen=True, kw_only=True)
class TrunkInfo:
    """One trunk; what does not belong to its kind is left out."""

    id: int
    trunkname: str
    trunktype: str
    host: str | None
    port: int | None
    domain: str | None
    username: str | None
    authname: str | None
    fromuser: str | None
    password: str | None
    extensionsdod: str
    extensionsgroupdod: str


@dataclass(frozen=True, kw_only=True)
class TrunkInfos:
    """Result of trunk/query_siptrunk."""

    trunks: tuple[TrunkInfo, ...]


@dataclass(frozen=True, kw_only=True)
class TrunkAdded:
    """Result of trunk/add_siptrunk."""

    id: int


def trunk_info(row: Row) -> TrunkInfo:
    """A trunk as trunk/query_siptrunk shows it; the password as hex that says nothing about it."""
    values = {name: row[name] if row["trunktype"] in kinds else None for name, kinds in _APPLIES.items()}
    if values["password"]:
        values["password"] = hashlib.sha256(values["password"].encode()).hexdigest()
    return TrunkInfo(
        id=row["id"],
        trunkname=row["trunkname"],
        trunktype=row["trunktype"],
        extensionsdod=",".join(row["extensionsdod"]),
        extensionsgroupdod=",".join(row["extensionsgroupdod"]),
        **values,
    )


def endpoints(service: ObjectService, states: TrunkStates) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def list_all(_caller: Caller, _request: NoParameters) -> TrunkList:
        found = await service.query(Selection(every=True))
        return TrunkList(
            trunklist=tuple(
                TrunkListItem(trunkname=row["trunkname"], id=row["id"], status=states.of(row), type="SIP")
                for row in found
            )
        )

    async def query(_caller: Caller, request: Trunks) -> TrunkInfos:
        return TrunkInfos(trunks=tuple(trunk_info(row) for row in await service.query(request.id)))

    async def add(_caller: Caller, request: AddTrunk) -> TrunkAdded:
        defaults = {field.name: field.default for field in service.kind.fields if not field.required}
        return TrunkAdded(id=await service.create(defaults | request.changes()))

    async def update(_caller: Caller, request: UpdateTrunk) -> Nothing:
        await service.update(request.id, request.changes())
        return Nothing()

    async def delete(_caller: Caller, request: Trunks) -> Nothing:
        await service.delete(request.id)
        return Nothing()

    missing = (Errno.NO_SUCH_TRUNK,)
    dods = (
        Errno.DOD_EXTENSION,
        Errno.DOD_GROUP,
        Errno.DOD_NUMBER,
        Errno.DOD_NUMBER_LENGTH,
        Errno.DOD_NAME,
        Errno.DOD_NAME_LENGTH,
        Errno.DOD_FORM,
    )
    refused = (Errno.PARAMETER_EMPTY, Errno.TRUNK_NAME_IN_USE, Errno.TRUNK_USER_IN_USE, *dods)
    return [
        Endpoint("trunk/list", "03", "All trunks with their state", NoParameters, TrunkList, list_all),
        Endpoint("trunk/query_siptrunk", "03", "Settings of trunks", Trunks, TrunkInfos, query, missing),
        Endpoint(
            "trunk/add_siptrunk",
            "03",
            "Creates a SIP trunk",
            AddTrunk,
            TrunkAdded,
            add,
            (*refused, Errno.TRUNK_LIMIT),
        ),
        Endpoint(
            "trunk/update_siptrunk",
            "03",
            "Changes a SIP trunk",
            UpdateTrunk,
            Nothing,
            update,
            (*missing, *refused, Errno.TRUNK_TYPE),
        ),
        Endpoint(
            "trunk/delete_siptrunk",
            "03",
            "Deletes SIP trunks; routes lose them",
            Trunks,
            Nothing,
            delete,
            (*missing, Errno.TRUNK_DELETE),
        ),
    ]
