"""What is done with extensions: validate, store, notify, in this order (spec 02-extension).

The functions ending in `_in` work inside a transaction that the caller owns, so that `apply` can do many at
once; the async ones are a transaction each. Extensions are in force when the transaction is committed, as
the engine reads them through views.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

import sqlalchemy as sa

from offhook.areas.accounts.service import derive
from offhook.areas.extensions import queries
from offhook.areas.extensions.model import (
    Extension,
    ExtensionChanged,
    ExtensionSettings,
    LoginSecret,
    ha1,
    login_secret,
    register_secret_shown,
)
from offhook.areas.extensions.requests import AddExtension, UpdateExtension
from offhook.areas.extensions.rules import STRONG_LOGIN, STRONG_REGISTER, check_forwards, check_password
from offhook.areas.numbers.service import Numbers
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

Publish: TypeAlias = Callable[[UnitOfWork, ConfigChange], None]
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
        numbers.register(KIND, queries.exists)

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

    def add_in(
        self, unit: UnitOfWork, request: AddExtension, login: LoginSecret, *, references: bool = True
    ) -> ExtensionChanged:
        """As `add`, within `unit`. Without `references` the forwards' destinations are not yet looked for."""
        connection = unit.connection
        self.check_passwords(
            request.number, request.username, request.registerpassword, request.loginpassword
        )
        taken = self._numbers.taken_by(connection, request.number)
        if taken is not None:
            raise ContractError(Errno.EXTENSION_CONFIG, f"number is taken by another {taken}")
        if queries.count_extensions(connection) >= self._settings().max_extensions:
            raise ContractError(Errno.EXTENSION_CONFIG, "no more extensions possible")
        extension = new_extension(request, login)
        self._check(connection, extension, references=references)
        queries.insert_extension(connection, extension)
        if request.selectoutroute is not None and references:
            self._set_routes(connection, request.number, request.selectoutroute or ())
        return self._announce(unit, extension.number, "add", new=extension.registername)

    def update_in(
        self,
        unit: UnitOfWork,
        request: UpdateExtension,
        login: LoginSecret | None,
        *,
        references: bool = True,
    ) -> ExtensionChanged:
        """As `update`, within `unit`."""
        connection = unit.connection
        old = queries.one_extension(connection, request.number)
        if old is None:
            raise ContractError(Errno.NO_SUCH_EXTENSION)
        new = merged(old, request, login)
        self.check_passwords(new.number, new.username, request.registerpassword, request.loginpassword)
        self._check(connection, new, references=references)
        queries.replace_extension(connection, new)
        if request.selectoutroute is not None and references:
            self._set_routes(connection, request.number, request.selectoutroute or ())
        changed = self._announce(unit, new.number, "update", old=old.registername, new=new.registername)
        return dataclasses.replace(changed, new_pin=new.vmsecret != old.vmsecret)

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
        changed = [self._announce(unit, e.number, "del", old=e.registername) for e in gone]
        for other in queries.select_extensions(unit.connection, Selection(every=False, names=redirected)):
            changed.append(
                self._announce(unit, other.number, "update", old=other.registername, new=other.registername)
            )
        return changed

    def check_references_in(self, unit: UnitOfWork, numbers: Sequence[str]) -> None:
        """Check the forwards' destinations of extensions that were stored without `references`."""
        for extension in queries.select_extensions(
            unit.connection, Selection(every=False, names=tuple(numbers))
        ):
            check_forwards(extension, lambda number: queries.exists(unit.connection, number))

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

    def _check(
        self,
        connection: sa.Connection,
        extension: Extension,
        *,
        references: bool,
    ) -> None:
        if queries.name_clash(connection, extension):
            raise ContractError(
                Errno.EXTENSION_CONFIG, "registername is that of another extension, or another's number"
            )
        if self._name_taken(connection, (extension.number, extension.registername)):
            raise ContractError(Errno.EXTENSION_CONFIG, "a trunk registers by this number or registername")
        if references:
            check_forwards(extension, lambda number: queries.exists(connection, number))

    def _announce(
        self,
        unit: UnitOfWork,
        number: str,
        operation: Literal["add", "update", "del"],
        *,
        old: str = "",
        new: str = "",
    ) -> ExtensionChanged:
        self._publish(unit, ConfigChange("extension", number, operation))
        return ExtensionChanged(number, operation, old, new)


def _require(found: Sequence[object], which: Selection) -> None:
    if not found and not which.every:
        raise ContractError(Errno.NO_SUCH_EXTENSION)


def new_extension(request: AddExtension, login: LoginSecret) -> Extension:
    """The extension that `request` describes, with the contract's defaults."""
    defaults = {"callerid": request.number, "vmsecret": request.number}
    return Extension(
        number=request.number,
        ha1=ha1(request.registername, request.registerpassword),
        registerpassword_shown=register_secret_shown(),
        loginpassword_derived=login.derived,
        loginpassword_shown=login.shown,
        **(defaults | request.changes()),
    )


def merged(old: Extension, request: UpdateExtension, login: LoginSecret | None) -> Extension:
    """`old` with the fields that `request` sends.

    Raises ContractError 10017 when the registername changes without a password: the secret is made of
    both, and the old password is not kept.
    """
    changes = request.changes()
    registername = changes.get("registername", old.registername)
    if request.registerpassword is not None:
        secret = ha1(registername, request.registerpassword)
        if secret != old.ha1:
            changes |= {"ha1": secret, "registerpassword_shown": register_secret_shown()}
    elif registername != old.registername:
        raise ContractError(
            Errno.EXTENSION_CONFIG, "registerpassword has to be sent together with a new registername"
        )
    if login is not None:
        changes |= {"loginpassword_derived": login.derived, "loginpassword_shown": login.shown}
    return dataclasses.replace(old, **changes)
