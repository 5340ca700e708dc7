"""What a number is that an application wants to reach, and whether it may be called (spec 13-call)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from offhook.areas.numbers.service import Numbers
from offhook.areas.routes.rights import Permission, permission, permission_of_ivr
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store


class Kind(StrEnum):
    """What a number belongs to."""

    EXTENSION = "extension"
    IVR = "IVR"
    RINGGROUP = "ring group"
    QUEUE = "queue"
    CONFERENCE = "conference"
    PAGING = "paging group"
    PARKING = "parking slot"
    FEATURE = "feature code"
    OUTSIDE = "outside number"


WITH_PHONES = frozenset({Kind.EXTENSION, Kind.OUTSIDE})
"""What rings phones and nothing else: only they are called into a talk or a room."""

_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.OUTSIDE}
_KINDS["instant conference"] = Kind.CONFERENCE


@dataclass(frozen=True, slots=True)
class Target:
    """A number that may be called. `right` is whose right a call to the outside needs; empty inside."""

    number: str
    kind: Kind
    right: str = ""


class Targets:
    """Reads from the store what numbers are; made once."""

    def __init__(self, store: Store, numbers: Numbers) -> None:
        self._store = store
        self._numbers = numbers

    async def kind(self, number: str) -> Kind:
        """What `number` is; what nothing of the PBX has is an outside number."""
        return await self._store.read(lambda connection: self._kind(connection, number))

    def _kind(self, connection: sa.Connection, number: str) -> Kind:
        word = self._numbers.taken_by(connection, number)
        return _KINDS.get(word, Kind.OUTSIDE) if word is not None else Kind.OUTSIDE

    async def extension(self, number: str) -> None:
        """Raises ContractError 10006 when `number` is no extension."""
        if await self.kind(number) is not Kind.EXTENSION:
            raise ContractError(Errno.NO_SUCH_EXTENSION, f"{number} is no extension")

    async def knows_route(self, number: str) -> bool:
        """Whether any outbound route fits `number`, whoever may use it."""

        def work(connection: sa.Connection) -> bool:
            return permission(connection, None, number) is not Permission.NO_ROUTE

        return await self._store.read(work)

    async def reach_from_ivr(self, ivr: str, number: str) -> Target:
        """The target behind `number`, called with the IVR's own right.

        Raises ContractError: 10100 for a number that no route fits, 10004 when the IVR may call nobody
        outside and so needs dialpermission, 10024 when none of its routes fits.
        """

        def work(connection: sa.Connection) -> Target:
            kind = self._kind(connection, number)
            if kind is not Kind.OUTSIDE:
                return Target(number, kind)
            match permission_of_ivr(connection, ivr, number):
                case None:
                    raise ContractError(Errno.PARAMETER_EMPTY, "an outside number needs dialpermission")
                case Permission.NO_ROUTE:
                    raise ContractError(Errno.NO_ROUTE, f"no outbound route fits {number}")
                case Permission.NO_RIGHT:
                    raise ContractError(Errno.NO_OUTBOUND_PERMISSION, f"{ivr} may not call {number}")
                case Permission.GRANTED:
                    return Target(number, kind, f"ivr{ivr}")

        return await self._store.read(work)

    async def reach(self, number: str, right: str | None, *, unknown: Errno = Errno.NO_SUCH_NUMBER) -> Target:
        """The target behind `number`, called with the right of the extension `right`.

        Raises ContractError: 10006 when `right` is no extension, 10004 when an outside number comes without
        one, 10024 when it may not call that number, `unknown` for a number that no route fits.
        """

        def work(connection: sa.Connection) -> Target:
            kind = self._kind(connection, number)
            if right and self._kind(connection, right) is not Kind.EXTENSION:
                raise ContractError(Errno.NO_SUCH_EXTENSION, "dialpermission is no extension")
            if kind is Kind.FEATURE:
                raise ContractError(unknown, f"{number} is a feature code")
            if kind is not Kind.OUTSIDE:
                return Target(number, kind)
            if not right:
                found = permission(connection, None, number)
                errno = unknown if found is Permission.NO_ROUTE else Errno.PARAMETER_EMPTY
                raise ContractError(errno, "an outside number needs dialpermission")
            match permission(connection, right, number):
                case Permission.NO_ROUTE:
                    raise ContractError(unknown, f"no outbound route fits {number}")
                case Permission.NO_RIGHT:
                    raise ContractError(Errno.NO_OUTBOUND_PERMISSION, f"{right} may not call {number}")
                case Permission.GRANTED:
                    return Target(number, kind, right)

        return await self._store.read(work)
