"""The keys `extensions` and `extensiongroups` of the declared state.

A list declares the complete set: what it does not name is deleted. Fields that an object does not name keep
their value, so that what people set at their phones (do not disturb, forwards) is not taken back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from offhook.areas.accounts.service import matches
from offhook.areas.apply.change import Change, Difference, differences
from offhook.areas.apply.document import ApplyError, Node, objects
from offhook.areas.apply.service import refused
from offhook.areas.extensions import many, queries
from offhook.areas.extensions.many import Wanted, merged, new_extension
from offhook.areas.extensions.model import Extension, ExtensionChanged, LoginSecret
from offhook.areas.extensions.requests import AddExtension, UpdateExtension
from offhook.areas.extensions.rules import SYSTEM_DEFAULT, language_rule
from offhook.areas.extensions.service import ExtensionService, prepare_login
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import declared_params, read_request
from offhook.contract.rules import RuleBroken, Selection
from offhook.store.unit import UnitOfWork

_ALL = Selection(every=True)
_HIDDEN = frozenset(
    {"ha1", "registerpassword_shown", "loginpassword_derived", "loginpassword_shown", "monitored"}
)
_SECRET = frozenset({"vmsecret"})
_LEFTOVERS = frozenset({"ringsimultaneous", "mobileprefix", "enablemobile"})


@dataclass(frozen=True, slots=True)
class _Store:
    """An add or update, ready to be carried out."""

    place: str
    wanted: Wanted


class _Passwords:
    """What user passwords are stored as. Each takes a processor a tenth of a second, so what was worked out
    once is kept for when the plan has to be made anew."""

    def __init__(self) -> None:
        self._logins: dict[tuple[str, str | None], LoginSecret] = {}
        self._same: dict[tuple[str, str], bool] = {}

    def login(self, number: str, password: str | None) -> LoginSecret:
        """The stored form of an extension's password."""
        if (number, password) not in self._logins:
            self._logins[number, password] = prepare_login(password)
        return self._logins[number, password]

    def is_same(self, password: str, derived: str) -> bool:
        """Whether `derived` was made of this password."""
        if (password, derived) not in self._same:
            self._same[password, derived] = matches(password, derived)
        return self._same[password, derived]


@dataclass(frozen=True, slots=True)
class Declared:
    """Extensions as a document declares them: place and fields of each."""

    items: list[tuple[str, dict[str, str]]]
    passwords: _Passwords = field(default_factory=_Passwords, repr=False)


class ExtensionSection:
    """Declared extensions."""

    key = "extensions"

    def __init__(self, service: ExtensionService) -> None:
        self._service = service

    def read(self, node: Node) -> Declared:
        """Place and fields of each extension. Raises ApplyError for one without number or named twice.

        Which routes it may use is declared once, by the routes. The contract has no parameter for `language`.
        """
        allowed = frozenset(declared_params(AddExtension)) - {"selectoutroute"} | {"language"}
        return Declared(numbered(objects(node, self.key, allowed), self.key, "number"))

    def current(self, connection: sa.Connection) -> tuple[Extension, ...]:
        """All extensions."""
        return queries.select_extensions(connection, _ALL)

    def plan(self, current: Sequence[Extension], declared: Declared) -> list[Change]:
        """Deletions, then adds and updates."""
        present = {extension.number: extension for extension in current}
        wanted = {values["number"] for _, values in declared.items}
        changes = [
            Change(section=self.key, operation="delete", name=number)
            for number in present
            if number not in wanted
        ]
        passwords = declared.passwords
        for place, values in declared.items:
            try:
                old = present.get(values["number"])
                if old is None:
                    change: Change | None = _added(place, values, passwords)
                else:
                    change = _updated(place, values, old, passwords)
            except ContractError as failure:
                raise refused(place, failure) from None
            if change is not None:
                changes.append(change)
        return changes

    def execute(self, unit: UnitOfWork, changes: Sequence[Change]) -> list[ExtensionChanged]:
        """Carry out; destinations of forwards are checked when all extensions are there."""
        done: list[ExtensionChanged] = []
        gone = tuple(change.name for change in changes if change.operation == "delete")
        if gone:
            done += self._service.delete_in(unit, Selection(every=False, names=gone), references=False)
        asked = {change.name: change.request for change in changes if isinstance(change.request, _Store)}
        try:
            done += self._service.store_in(unit, [each.wanted for each in asked.values()])
            many.check_references(unit.connection, tuple(asked))
        except many.NotStored as failure:
            raise refused(asked[failure.number].place, failure.failure) from None
        return done

    async def finished(self, done: Sequence[ExtensionChanged]) -> None:
        """Tell the engine what it does not read live."""
        await self._service.finished(done)

    def export(self, current: Sequence[Extension]) -> Node:
        """All extensions without their passwords."""
        hidden = _HIDDEN | _LEFTOVERS | _SECRET
        return [{n: _text(v) for n, v in _visible(e).items() if n not in hidden and v != ""} for e in current]


def _text(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _visible(extension: Extension) -> dict[str, object]:
    return {name: value for name, value in dataclasses.asdict(extension).items() if name not in _HIDDEN}


def _language(values: dict[str, str]) -> str | None:
    """The language declared: None for none, empty for that of the PBX. Raises ContractError."""
    declared = values.get("language")
    if declared is None or declared.strip() in {"", SYSTEM_DEFAULT}:
        return None if declared is None else ""
    try:
        return language_rule().take(declared)
    except RuleBroken as broken:
        raise ContractError(Errno.EXTENSION_CONFIG, f"language must be {broken}") from None


def _added(place: str, values: dict[str, str], passwords: _Passwords) -> Change:
    request = read_request(AddExtension, values)
    login = passwords.login(request.number, request.loginpassword)
    language = _language(values)
    new = dataclasses.replace(new_extension(request, login), language=language or "")
    fields = {n: v for n, v in _visible(new).items() if n in values}
    hidden = tuple(Difference(n, "", "(secret)") for n in values if n.endswith("password"))
    return Change(
        section="extensions",
        operation="add",
        name=request.number,
        differences=differences({}, fields, _SECRET) + hidden,
        request=_Store(place, Wanted(request, login, language)),
    )


def _updated(place: str, values: dict[str, str], old: Extension, passwords: _Passwords) -> Change | None:
    request = read_request(UpdateExtension, values)
    login, password = None, request.loginpassword
    if password is not None and not passwords.is_same(password, old.loginpassword_derived):
        login = passwords.login(old.number, password)
    language = _language(values)
    new = merged(old, request, login)
    if language is not None:
        new = dataclasses.replace(new, language=language)
    changed = differences(_visible(old), _visible(new), _SECRET)
    if new.ha1 != old.ha1 and new.registername == old.registername:
        changed += (Difference("registerpassword", "(secret)", "(secret)"),)
    if login is not None:
        changed += (Difference("loginpassword", "(secret)", "(secret)"),)
    if not changed:
        return None
    return Change(
        section="extensions",
        operation="update",
        name=old.number,
        differences=changed,
        request=_Store(place, Wanted(request, login, language)),
    )


def numbered(items: list[dict[str, str]], key: str, name: str) -> list[tuple[str, dict[str, str]]]:
    """Each object with its place, told by its field `name`. Raises ApplyError if missing or repeated."""
    seen: set[str] = set()
    placed = []
    for at, values in enumerate(items):
        own = values.get(name, "").strip()
        if not own:
            raise ApplyError(f"{key}[{at}].{name} is missing or empty")
        if own in seen:
            raise ApplyError(f"{key}[{at}].{name} {own} is declared twice")
        seen.add(own)
        placed.append((f"{key}[{at}] ({own})", {**values, name: own}))
    return placed
