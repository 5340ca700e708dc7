"""What a further account of the API is: its settings with their rules."""

from __future__ import annotations

import re

import sqlalchemy as sa

from offhook.areas.access.passwords import derived_from, md5_of
from offhook.areas.access.tables import api_accounts, api_settings
from offhook.areas.accounts.service import matches
from offhook.areas.downloads.addresses import listed_addresses
from offhook.areas.objects.errors import Conflict
from offhook.areas.objects.field import Derivation, Field, Step
from offhook.areas.objects.kind import Kind
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken, integer, pattern, split_list, text
from offhook.contract.scopes import Scope

PART = "apiaccounts"
USERNAME = r"[A-Za-z0-9._@-]{1,63}"
STRONG = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[\x21-\x7e]{8,63}")
STRONG_SAYS = "the password needs 8 to 63 characters with lower-case, upper-case letters and digits"
_SCOPES_SAY = "scopes joined by commas: read, control, configure"


def _scopes() -> Rule[str]:
    def read(value: str) -> str:
        parts = {part.casefold() for part in split_list(value)}
        if parts - {*Scope}:
            raise RuleBroken(_SCOPES_SAY)
        return ",".join(scope for scope in Scope if scope in parts)

    return Rule(_SCOPES_SAY, read, {"type": "string"}, lists=True)


def _check(connection: sa.Connection, step: Step) -> None:
    """Raises ContractError for a weak password, Conflict for the name of the contract's own account."""
    own = connection.execute(sa.select(api_settings.c.username, api_settings.c.weak_passwords)).first()
    if own is not None and own.username == step.new["username"]:
        raise Conflict(Errno.PARAMETER_EMPTY, "the API's first account has this username")
    weak = own is not None and own.weak_passwords
    if "password" in step.sent and not weak and not STRONG.fullmatch(step.new["password"]):
        raise ContractError(Errno.PARAMETER_EMPTY, STRONG_SAYS)


KIND = Kind(
    key="apiaccounts",
    word="API account",
    table=api_accounts,
    identity="username",
    numbered=False,
    parts=frozenset({PART}),
    check=_check,
    limit=200,
    fields=(
        Field(
            name="username", rule=pattern(USERNAME, says="1 to 63 letters, digits and . _ @ -", max_len=63)
        ),
        Field(
            name="password",
            rule=text(max_len=63),
            secret=True,
            derived=Derivation(derived_from, lambda password, kept: matches(md5_of(password), kept)),
        ),
        Field(
            name="scopes",
            rule=_scopes(),
            doc="what it may do: read (and get events), control (calls), configure",
        ),
        Field(
            name="addresses",
            rule=listed_addresses(),
            default="",
            cleared="",
            doc="IP addresses and networks from which it may be used; empty: all",
        ),
        Field(
            name="requestrate",
            rule=integer(0, 1000),
            default=0,
            doc="requests per second; 0: bounded by the limits of all",
        ),
        Field(
            name="callrate",
            rule=integer(0, 10_000),
            default=0,
            doc="calls begun per minute; 0: bounded by the limits of all",
        ),
    ),
)
