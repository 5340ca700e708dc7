"""What is done with extensions: validate, store, notify, in this order (spec 02-extension).

The functions ending in `_in` work inside a transaction that the caller owns, so that `apply` can do many at
once; the async ones are a transaction each. Extensions are in force when the transaction is committed, as
the engine reads them through views.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

import sqlalchemy as sa

from offhook.areas.accounts.service import derive
from offhook.areas.extensions import many, queries
from offhook.areas.extensions.model import (
    Extension,
    ExtensionChanged,
    ExtensionSettings,
    LoginSecret,
    login_secret,
)
from offhook.areas.extensions.requests import AddExtension, UpdateExtension
from offhook.areas.extensions.rules import STRONG_LOGIN, STRONG_REGISTER, check_password
from offhook.areas.extensions.tables import extensions
from offhook.areas.numbers.service import Numbers, standing_in
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.events.api import ConfigChange
from offhook.store.unit import Store, UnitOfWork

SetRoutes: TypeAlias = Callable[[sa.Connection, str, Sequence[str]], None]
"""Makes these the outbound routes of an extension, or raises ContractError 10033."""

InUse: TypeAlias = Callable[[sa.Connection, Sequence[str]], str | None]
"""Who still sends calls to one of these extensions, as a sentence."""

NameTaken: TypeAlias = Callable[[sa.Connection, Sequence[str]], bool]
"""Whether something that is no extension registers by one of these names."""

Publish: TypeAlias = Callable[[UnitOfWork, Sequence[ConfigChange]], None]
OnChanged: TypeAlias = Callable[[Sequence[ExtensionChanged]], Awaitable[None]]
KIND = "extension"


def prepare_login(password: str | None) -> LoginSecret:
    """The stored form of a user password; takes tens of milliseconds, so call it in a thread."""
    return login_secret(password, derive)


class ExtensionService:
    """The extensions of the PBX.

    `publish` announces a change within the transaction; `on_changed` is awaited after the commit and before
    the answer, for what the engine does not read live (identify objects, a deleted box, registrations).
    """

    def __init__(
        self,
        store: Store,
        *,
        numbers: Numbers,
        settings: Callable[[], ExtensionSettings],
        publish: Publish,
        on_changed: OnChanged,
        set_routes: SetRoutes,
        in_use: InUse,
        name_taken: NameTaken = lambda _connection, _names: False,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._settings = settings
        self._publish = publish
        self._on_changed = on_changed
        self._set_routes = set_routes
        self._in_use = in_use
        self._name_taken = name_taken
        numbers.register(KIND, partial(standing_in, extensions.c.number))

    async def query(self, which: Selection) -> tuple[Extension, ...]:
        """The extensions chosen that exist. Raises ContractError 10006 when none of those named does."""
        found = await self._store.read(lambda connection: queries.select_extensions(connection, which))
        _require(found, which)
        return found

    async def numbers(self, which: Selection) -> tuple[str, ...]:
        """Like `query`, the numbers only."""
        found = await self._store.read(lambda connection: queries.select_numbers(connection, which))
        _require(found, which)
        return found

    async def find(self, number: str) -> Extension | None:
        """The extension `number`, or None."""
        return await self._store.read(lambda connection: queries.one_extension(connection, number))

    async def count(self) -> int:
        """How many extensions there are."""
        return await self._store.read(queries.count_extensions)

    async def add(self, request: AddExtension) -> None:
        """Create an extension; on return a phone can register as it.

        Raises ContractError 10004, 10006, 10017 or 10033; then nothing was changed.
        """
        self.check_passwords(
            request.number, request.username, request.registerpassword, request.loginpassword
        )
        login = await asyncio.to_thread(prepare_login, request.loginpassword)
        changed = await self._store.write("extension/add", lambda unit: self.add_in(unit, request, login))
        await self._on_changed([changed])

    async def update(self, request: UpdateExtension) -> None:
        """Change the fields sent. Raises ContractError 10004, 10006, 10017 or 10033."""
        login = None
        if request.loginpassword is not None:
            login = await asyncio.to_thread(prepare_login, request.loginpassword)
        changed = await self._store.write(
            "extension/update", lambda unit: self.update_in(unit, request, login)
        )
        await self._on_changed([changed])

    async def delete(self, which: Selection) -> None:
        """Delete the extensions chosen that exist. Raises ContractError 10006 or 10017."""
        changed = await self._store.write("extension/delete", lambda unit: self.delete_in(unit, which))
        await self._on_changed(changed)

    async def finished(self, changed: Sequence[ExtensionChanged]) -> None:
        """What has to follow the commit of changes that were made with the `_in` functions."""
        await self._on_changed(changed)

    def add_in(self, unit: UnitOfWork, request: AddExtension, login: LoginSecret) -> ExtensionChanged:
        """As `add`, within `unit`."""
        return self._store_one(unit, many.Wanted(request, login))

    def update_in(
        self, unit: UnitOfWork, request: UpdateExtension, login: LoginSecret | None
    ) -> ExtensionChanged:
        """As `update`, within `unit`."""
        return self._store_one(unit, many.Wanted(request, login))

    def _store_one(self, unit: UnitOfWork, wanted: many.Wanted) -> ExtensionChanged:
        number, routes = wanted.request.number, wanted.request.selectoutroute
        try:
            (changed,) = self._store_many(unit, [wanted])
            many.check_references(unit.connection, [number])
        except many.NotStored as refused:
            raise refused.failure from None
        if routes is not None:
            self._set_routes(unit.connection, number, routes or ())  # "" takes all away
        self._announce(unit, [changed])
        return changed

    def store_in(self, unit: UnitOfWork, wanted: Sequence[many.Wanted]) -> list[ExtensionChanged]:
        """Add and change many within `unit`. Destinations of forwards are not yet looked for
        (`many.check_references`), and outbound routes are left aside. Raises many.NotStored.
        """
        changed = self._store_many(unit, wanted)
        self._announce(unit, changed)
        return changed

    def _store_many(self, unit: UnitOfWork, wanted: Sequence[many.Wanted]) -> list[ExtensionChanged]:
        rules = many.Rules(
            self._numbers.taken, self._name_taken, self.check_passwords, self._settings().max_extensions
        )
        return [_changed(one.new, one.old) for one in many.store(unit.connection, wanted, rules)]

    def delete_in(
        self, unit: UnitOfWork, which: Selection, *, references: bool = True
    ) -> list[ExtensionChanged]:
        """As `delete`, within `unit`.

        The extensions leave their groups; forwards of others that went to them go to voicemail from now on.
        Raises ContractError 10017 when a route or the like still sends calls to one of them.
        """
        gone = queries.select_extensions(unit.connection, which)
        _require(gone, which)
        numbers = [extension.number for extension in gone]
        if references and (user := self._in_use(unit.connection, numbers)) is not None:
            raise ContractError(Errno.EXTENSION_CONFIG, user)
        queries.delete_extensions(unit.connection, numbers)
        redirected = queries.redirect_forwards(unit.connection, numbers)
        changed = [ExtensionChanged(one.number, "del", one.registername) for one in gone]
        for other in queries.select_extensions(unit.connection, Selection(every=False, names=redirected)):
            changed.append(ExtensionChanged(other.number, "update", other.registername, other.registername))
        self._announce(unit, changed)
        return changed

    def check_passwords(
        self, number: str, username: str, registerpassword: str | None, loginpassword: str | None
    ) -> None:
        """Check passwords that were sent. Raises ContractError 10017."""
        strong = self._settings().strong_passwords
        for name, password, least in (
            ("registerpassword", registerpassword, STRONG_REGISTER),
            ("loginpassword", loginpassword, STRONG_LOGIN),
        ):
            if password is not None:
                check_password(name, password, least=least, strong=strong, number=number, username=username)

    def _announce(self, unit: UnitOfWork, changed: Sequence[ExtensionChanged]) -> None:
        self._publish(unit, [ConfigChange("extension", one.number, one.operation) for one in changed])


def _changed(new: Extension, old: Extension | None) -> ExtensionChanged:
    if old is None:
        return ExtensionChanged(new.number, "add", "", new.registername)
    new_pin = new.vmsecret != old.vmsecret
    return ExtensionChanged(new.number, "update", old.registername, new.registername, new_pin)


def _require(found: Sequence[object], which: Selection) -> None:
    if not found and not which.every:
        raise ContractError(Errno.NO_SUCH_EXTENSION)
