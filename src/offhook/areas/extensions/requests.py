"""Requests of extension/* and extensiongroup/* with the rules of their values (spec 02-extension)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.areas.extensions.model import DESTINATIONS
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import (
    Rule,
    RuleBroken,
    Selection,
    choice,
    digits,
    integer,
    name_list,
    on_off,
    pattern,
    selection,
    text,
)

_BAD = Errno.EXTENSION_CONFIG
_NUMBER = digits(7)
_USERNAME = text(
    max_len=63,
    forbidden="!%.@:;&\"'\\<>`$",
    says="text of at most 63 characters, none of ! % . @ : ; & \" ' \\ < > ` $",
)
_NAME = pattern(r"[A-Za-z0-9]{1,31}", says="letters and digits, at most 31", max_len=31)
_PASSWORD = pattern(
    r"[A-Za-z0-9~^*\-_?]{1,128}", says="letters, digits and ~ ^ * - _ ?, at most 128", max_len=128
)
_EMAIL = pattern(
    r"[^\s#;,\[\]=&\"'\\<>`$@\x00-\x20\x7f]+@[^\s#;,\[\]=&\"'\\<>`$@\x00-\x20\x7f]+",
    says="an e-mail address, none of # ; , [ ] = & \" ' \\ < > ` $ and no space",
)
_GROUP_NAME = text(
    max_len=63, forbidden=",-", says="text of at most 63 characters without commas and hyphens"
)
_GROUP_ID = pattern(r"[0-9]{1,9}", says="the id of one group", max_len=9)


def _maxduration() -> Rule[str]:
    says = "seconds from 1 to 86400, Follow System or Unlimited"
    seconds, words = integer(1, 86400), choice(("Follow System", "Unlimited"))

    def read(value: str) -> str:
        try:
            return str(seconds.read(value)) if value[:1].isdigit() else words.read(value)
        except RuleBroken:
            raise RuleBroken(says) from None

    return Rule(says, read, {"type": "string"})


def _agentid() -> Rule[str]:
    inner = pattern(r"[A-Za-z0-9]{1,31}", says="letters and digits, at most 31", max_len=31)

    def read(value: str) -> str:
        # extension/query shows the word where none is set, and clients send back what they were shown.
        return "" if value.casefold() == "none" else inner.read(value)

    return Rule(inner.says, read, inner.schema)


def _set(rule: Rule[Any], **more: Any) -> Any:
    return param(rule, bad=_BAD, optional=True, **more)


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """The parameters that extension/add and extension/update share; None: not sent."""

    callerid: str | None = _set(_NAME)
    maxregistrations: int | None = _set(integer(1, 5))
    loginpassword: str | None = _set(_PASSWORD, secret=True)
    email: str | None = _set(_EMAIL, empty_ok=True)
    mobile: str | None = _set(digits(31), empty_ok=True, aliases=("moblie",))
    hasvoicemail: bool | None = _set(on_off())
    vmsecret: str | None = _set(digits(63), secret=True)
    enablevmtoemail: str | None = _set(choice(("off", "on", "custom")))
    alwaysforward: bool | None = _set(on_off())
    atransferto: str | None = _set(choice(DESTINATIONS))
    atransferext: str | None = _set(digits(7))
    atransferprefix: str | None = _set(digits(7), empty_ok=True)
    atransfernum: str | None = _set(digits(15))
    noanswerforward: bool | None = _set(on_off())
    ntransferto: str | None = _set(choice(DESTINATIONS))
    ntransferext: str | None = _set(digits(7))
    ntransferprefix: str | None = _set(digits(7), empty_ok=True)
    ntransfernum: str | None = _set(digits(15))
    busyforward: bool | None = _set(on_off())
    btransferto: str | None = _set(choice(DESTINATIONS))
    btransferext: str | None = _set(digits(7))
    btransferprefix: str | None = _set(digits(7), empty_ok=True)
    btransfernum: str | None = _set(digits(15))
    allowbeingmonitored: bool | None = _set(on_off())
    monitormode: str | None = _set(choice(("Disabled", "Extensive", "Listen", "Whisper", "Barge-in")))
    ringtimeout: int | None = _set(integer(1, 999))
    maxduration: str | None = _set(_maxduration())
    dnd: bool | None = _set(on_off())
    callrestriction: bool | None = _set(on_off())
    agentid: str | None = _set(_agentid(), empty_ok=True)
    selectoutroute: tuple[str, ...] | None = param(
        name_list(), bad=Errno.EXTENSION_ROUTES_CONFIG, optional=True, empty_ok=True
    )

    def changes(self) -> dict[str, Any]:
        """The columns that the request sets, passwords and routes apart."""
        apart = {"number", "registerpassword", "loginpassword", "selectoutroute"}
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if value is not None and name not in apart}


@dataclass(frozen=True, kw_only=True)
class AddExtension(_Settings):
    """Request of extension/add."""

    number: str = param(_NUMBER, bad=_BAD, empty=Errno.NUMBER_EMPTY)
    username: str = param(_USERNAME, bad=_BAD)
    registername: str = param(_NAME, bad=_BAD)
    registerpassword: str = param(_PASSWORD, bad=_BAD, secret=True)


@dataclass(frozen=True, kw_only=True)
class UpdateExtension(_Settings):
    """Request of extension/update."""

    number: str = param(_NUMBER, bad=Errno.NO_SUCH_EXTENSION)
    username: str | None = _set(_USERNAME)
    registername: str | None = _set(_NAME)
    registerpassword: str | None = _set(_PASSWORD, secret=True)


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """Request that names extensions: one, several joined by commas, or all."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_EXTENSION)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class AddGroup:
    """Request of extensiongroup/add."""

    name: str = param(_GROUP_NAME, bad=Errno.EXTGROUP_NAME)
    members: tuple[str, ...] = param(name_list(), bad=Errno.EXTGROUP_MEMBERS)


@dataclass(frozen=True, kw_only=True)
class UpdateGroup:
    """Request of extensiongroup/update."""

    id: str = param(_GROUP_ID, bad=Errno.NO_SUCH_EXTGROUP)
    name: str | None = param(_GROUP_NAME, bad=Errno.EXTGROUP_NAME, optional=True)
    members: tuple[str, ...] | None = param(name_list(), bad=Errno.EXTGROUP_MEMBERS, optional=True)


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Request that names groups: one id, several joined by commas, or all."""

    id: Selection = param(selection(), bad=Errno.NO_SUCH_EXTGROUP)  # noqa: RUF009 - a field()
