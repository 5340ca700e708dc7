"""What a mailbox is beyond the contract: its greetings, and what is done with messages that were mailed."""

from __future__ import annotations

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.mail.addresses import address_rule
from offhook.areas.objects.field import Field, Named, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.prompts.files import NAME
from offhook.areas.voicemail.tables import mailboxes
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import digits, on_off, pattern

_BAD = Errno.PARAMETER_EMPTY
_PROMPT = pattern(NAME, says="the name of a prompt", max_len=63)


def _check(connection: sa.Connection, step: Step) -> None:
    if not queries.exists(connection, step.new["extension"]):
        raise ContractError(Errno.NO_SUCH_EXTENSION, f"there is no extension {step.new['extension']}")


KIND = Kind(
    key="mailboxes",
    word="mailbox",
    table=mailboxes,
    identity="extension",
    numbered=False,
    references=(Named("greeting", "prompt"), Named("greetingbusy", "prompt")),
    check=_check,
    limit=20000,
    missing=_BAD,
    fields=(
        Field(name="extension", rule=digits(7), doc="whose box it is; the settings go with the extension"),
        Field(
            name="greeting",
            rule=_PROMPT,
            default="",
            cleared="",
            doc="what callers hear first; empty: what was recorded by phone",
        ),
        Field(
            name="greetingbusy", rule=_PROMPT, default="", cleared="", doc="when busy; empty: as `greeting`"
        ),
        Field(
            name="address",
            rule=address_rule(),
            default="",
            cleared="",
            doc="where messages are mailed with `enablevmtoemail: custom`",
        ),
        Field(
            name="deletemailed",
            rule=on_off(),
            default=False,
            doc="delete a message when the mail server has taken it",
        ),
    ),
)
