"""Many extensions added and changed in one transaction, by a handful of statements.

All other writes wait for it, those of calls too, and each statement costs them time. So what the checks need
is read at once; they are then made one after another, as if each extension were stored before the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.extensions.model import Extension, LoginSecret, ha1, register_secret_shown
from offhook.areas.extensions.requests import AddExtension, UpdateExtension
from offhook.areas.extensions.rules import check_forwards
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection


@dataclass(frozen=True, slots=True)
class Wanted:
    """An extension to be added or changed; `login` is its new user password, `language` None: as it is."""

    request: AddExtension | UpdateExtension
    login: LoginSecret | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What an extension is now, and was; None: it is new."""

    new: Extension
    old: Extension | None


class NotStored(Exception):
    """Which of many extensions is refused, and why."""

    def __init__(self, number: str, failure: ContractError) -> None:
        super().__init__(f"{number}: {failure}")
        self.number = number
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Rules:
    """What has to hold. `taken` tells what has each of some numbers, `registered` whether something that is
    no extension registers by one of some names; `check` looks at passwords."""

    taken: Callable[[sa.Connection, Collection[str]], Mapping[str, str]]
    registered: Callable[[sa.Connection, Sequence[str]], bool]
    check: Callable[[str, str, str | None, str | None], None]
    most: int


def store(connection: sa.Connection, wanted: Sequence[Wanted], rules: Rules) -> list[Stored]:
    """Store these extensions, the destinations of whose forwards are not yet looked for.

    Raises NotStored with ContractError 10006 or 10017.
    """
    adds = [one.request.number for one in wanted if isinstance(one.request, AddExtension)]
    updates = tuple(one.request.number for one in wanted if isinstance(one.request, UpdateExtension))
    old = {one.number: one for one in queries.select_extensions(connection, _chosen(updates))}
    taken = dict(rules.taken(connection, adds)) if adds else {}
    room = rules.most - queries.count_extensions(connection) if adds else 0
    names = _Names(connection, wanted, old, rules.registered)
    stored: list[Stored] = []
    for one in wanted:
        number = one.request.number
        try:
            new = _new(one, old.get(number))
            rules.check(number, new.username, one.request.registerpassword, one.request.loginpassword)
            if isinstance(one.request, AddExtension):
                if number in taken:
                    raise _refused(f"number is taken by another {taken[number]}")
                if room <= 0:
                    raise _refused("no more extensions possible")
                room -= 1
                taken[number] = "extension"
            names.take(new)
        except ContractError as failure:
            raise NotStored(number, failure) from None
        stored.append(Stored(new, old.get(number)))
        if number in old:
            old[number] = new
    # a new one may have a name that a changed one has left, never the other way round
    queries.replace_extensions(connection, [one.new for one in stored if one.old is not None])
    queries.insert_extensions(connection, [one.new for one in stored if one.old is None])
    return stored


def check_references(connection: sa.Connection, numbers: Sequence[str]) -> None:
    """Check the forwards' destinations of extensions that are stored.

    Raises NotStored with ContractError 10004, 10006 or 10017.
    """
    known: dict[str, bool] = {}

    def exists(number: str) -> bool:
        if number not in known:
            known[number] = queries.exists(connection, number)
        return known[number]

    found = {one.number: one for one in queries.select_extensions(connection, _chosen(numbers))}
    for number in numbers:
        try:
            check_forwards(found[number], exists)
        except ContractError as failure:
            raise NotStored(number, failure) from None


class _Names:
    """By which names phones register: number and registername of an extension share one space, as a phone is
    found by either of them (engine notes, section 8.1)."""

    def __init__(
        self,
        connection: sa.Connection,
        wanted: Sequence[Wanted],
        old: Mapping[str, Extension],
        registered: Callable[[sa.Connection, Sequence[str]], bool],
    ) -> None:
        names = {one.request.number for one in wanted}
        names.update(one.request.registername for one in wanted if one.request.registername)
        names.update(one.registername for one in old.values())
        self._connection = connection
        self._registered = registered
        self._others = registered(connection, sorted(names))
        self._by_number = queries.named(connection, names)
        self._by_name = {name: number for number, name in self._by_number.items()}

    def take(self, new: Extension) -> None:
        """Raises ContractError 10017 when another one has a name of this extension."""
        number, name = new.number, new.registername
        holders = {self._by_name.get(number, number), self._by_name.get(name, number)}
        if holders != {number} or (name != number and name in self._by_number):
            raise _refused("registername is that of another extension, or another's number")
        if self._others and self._registered(self._connection, (number, name)):
            raise _refused("a trunk registers by this number or registername")
        self._by_name.pop(self._by_number.get(number, ""), None)
        self._by_number[number], self._by_name[name] = name, number


def _new(wanted: Wanted, old: Extension | None) -> Extension:
    if isinstance(wanted.request, UpdateExtension):
        if old is None:
            raise ContractError(Errno.NO_SUCH_EXTENSION)
        new = merged(old, wanted.request, wanted.login)
    elif wanted.login is None:
        raise AssertionError("an add always has a login secret")
    else:
        new = new_extension(wanted.request, wanted.login)
    return new if wanted.language is None else dataclasses.replace(new, language=wanted.language)


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
        raise _refused("registerpassword has to be sent together with a new registername")
    if login is not None:
        changes |= {"loginpassword_derived": login.derived, "loginpassword_shown": login.shown}
    return dataclasses.replace(old, **changes)


def _chosen(numbers: Sequence[str]) -> Selection:
    return Selection(every=False, names=tuple(numbers))


def _refused(detail: str) -> ContractError:
    return ContractError(Errno.EXTENSION_CONFIG, detail)
