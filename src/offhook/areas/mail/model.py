"""What is given to the mail area, and the states of a mail. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path


class MailRefused(Exception):
    """The mail cannot be queued; the text says why."""


class State(enum.StrEnum):
    """WAITING is tried when `next_try` has come; SENT was taken by the server and its hook is not through;
    DONE is through; DEAD is not tried again unless the operator says so."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to go with a mail: its name for the reader, its type such as `audio/x-wav`, and where it lies,
    or its content."""

    name: str
    content_type: str
    path: Path | bytes


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail to one address. `kind` chooses the hook that hears of its sending, which gets `reference`.

    Of a kind that is written when it is sent (`Mailer.on_sending`), `text` is what it is written from.
    """

    to: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    kind: str = ""
    reference: str = ""
