"""Requests of companycontacts/* with the rules of their values (spec 01-system-contacts)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import Rule, Selection, pattern, selection, text

NUMBERS = (
    "businessnum",
    "businessnum2",
    "businessfax",
    "mobile",
    "mobile2",
    "homenum",
    "homenum2",
    "homefax",
    "othernum",
)
"""The fields of which a contact needs one at least."""

_TEXT = text(max_len=255)
_PHONE = pattern(r"[0-9 ().\-+]{1,31}", says="digits, space and ( ) . - +, at most 31", max_len=31)
_FAX = pattern(r"[0-9().\-+]{1,31}", says="digits and ( ) . - +, at most 31", max_len=31)
_EMAIL = pattern(
    r"[^\s@\x00-\x20\x7f]+@[^\s@\x00-\x20\x7f]+", says="an e-mail address of at most 255 characters"
)
_ID = pattern(r"[0-9]{1,9}", says="the id of one contact", max_len=9)


def _set(rule: Rule[str]) -> Any:
    return param(rule, bad=Errno.CONTACT_FORM, optional=True, empty_ok=True)


@dataclass(frozen=True, kw_only=True)
class _Details:
    """The parameters that add and update share; None: not sent, empty: cleared."""

    company: str | None = _set(_TEXT)
    email: str | None = _set(_EMAIL)
    businessnum: str | None = _set(_PHONE)
    businessnum2: str | None = _set(_PHONE)
    mobile: str | None = _set(_PHONE)
    mobile2: str | None = _set(_PHONE)
    homenum: str | None = _set(_PHONE)
    homenum2: str | None = _set(_PHONE)
    businessfax: str | None = _set(_FAX)
    homefax: str | None = _set(_FAX)
    othernum: str | None = _set(_PHONE)
    zipcode: str | None = _set(_TEXT)
    street: str | None = _set(_TEXT)
    city: str | None = _set(_TEXT)
    state: str | None = _set(_TEXT)
    country: str | None = _set(_TEXT)

    def changes(self) -> dict[str, str]:
        """The columns that the request sets."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if value is not None and name != "id"}


@dataclass(frozen=True, kw_only=True)
class AddContact(_Details):
    """Request of companycontacts/add."""

    lastname: str = param(_TEXT, bad=Errno.CONTACT_FORM)
    firstname: str = param(_TEXT, bad=Errno.CONTACT_FORM)


@dataclass(frozen=True, kw_only=True)
class UpdateContact(_Details):
    """Request of companycontacts/update."""

    id: str = param(_ID, bad=Errno.NO_SUCH_CONTACT)
    lastname: str | None = _set(_TEXT)
    firstname: str | None = _set(_TEXT)


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """Request that names contacts: one id, several joined by commas, or all."""

    id: Selection = param(selection(), bad=Errno.NO_SUCH_CONTACT)  # noqa: RUF009 - a field()
