"""What a webhook is: its settings with their rules."""

from __future__ import annotations

import sqlalchemy as sa

from offhook.areas.objects.field import Field, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.webhooks.signing import key_of, new_secret
from offhook.areas.webhooks.tables import webhooks
from offhook.contract.rules import Rule, RuleBroken, digits, on_off, pattern, split_list
from offhook.events.target import TargetError, absolute_target
from offhook.events.wanted import WIRE_KINDS, wanted

PART = "webhooks"


def url_rule() -> Rule[str]:
    """A whole address by http or https."""

    def read(value: str) -> str:
        text = value.strip()
        if not text.lower().startswith(("http://", "https://")):
            raise RuleBroken("a whole address that begins with https:// or http://")
        try:
            return absolute_target(text).url
        except TargetError as wrong:
            raise RuleBroken(f"a whole address by https or http: {wrong}") from None

    return Rule("a whole address by https or http", read, {"type": "string", "maxLength": 1200})


def kinds_rule() -> Rule[str]:
    """Kinds of events joined by commas, in the spelling of the wire."""

    def read(value: str) -> str:
        try:
            names = wanted(split_list(value), "").kinds
        except ValueError as wrong:
            raise RuleBroken(str(wrong).removeprefix("kinds must be ")) from None
        return ",".join(WIRE_KINDS[name] for name in names)

    return Rule("kinds of events joined by commas", read, {"type": "string"}, lists=True)


def secret_rule() -> Rule[str]:
    """A secret of the Standard Webhooks."""

    def read(value: str) -> str:
        try:
            key_of(value)
        except ValueError as wrong:
            raise RuleBroken(str(wrong)) from None
        return value

    return Rule("whsec_ and 24 to 64 bytes in base64", read, {"type": "string"})


def _check(_connection: sa.Connection, step: Step) -> None:
    if step.old is None and not step.new["secret"]:
        step.new["secret"] = new_secret()


KIND = Kind(
    key="webhooks",
    word="webhook",
    table=webhooks,
    identity="name",
    numbered=False,
    parts=frozenset({PART}),
    check=_check,
    limit=50,
    fields=(
        Field(name="name", rule=pattern(r"[A-Za-z0-9._-]{1,63}", says="1 to 63 letters, digits and . _ -")),
        Field(name="url", rule=url_rule(), doc="where events are posted"),
        Field(name="kinds", rule=kinds_rule(), default="", cleared="", doc="only these events; empty: all"),
        Field(
            name="extension",
            rule=digits(7),
            default="",
            cleared="",
            doc="only events that name this extension; empty: all",
        ),
        Field(
            name="verify",
            rule=on_off(),
            default=True,
            doc="whether the receiver's certificate has to be one that we trust",
        ),
        Field(
            name="secret",
            rule=secret_rule(),
            default="",
            secret=True,
            sealed=True,
            doc="what deliveries are signed with; one is made where none is given",
        ),
    ),
)
