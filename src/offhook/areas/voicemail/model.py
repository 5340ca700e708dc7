"""A voicemail message and its name on the wire; what the engine writes about one. Pure.

The engine keeps a message as msgNNNN.txt and msgNNNN.wav in a folder of its box and numbers them anew when
one is deleted, so what lasts is the `msg_id` in the text. The contract knows two folders, each with names
from msg0000.wav on: what the engine keeps in further folders is shown in them by numbers of another thousand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["read", "unread"]

FOLDER_MAX = 1000
"""Messages in one folder of a box, at most; see `pbxsettings.voicemail_settings`."""

_UNREAD = ("INBOX", "Urgent")
_READ = ("Old", "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5")
FOLDERS = (*_UNREAD, *_READ)
"""The engine's folders; those beyond INBOX and Old are there where people moved messages to by phone."""

NAME = r"msg[0-9]{4}\.wav"
"""What a message's file name in the contract matches."""

_TEXT = re.compile(r"msg([0-9]{4})\.txt", re.ASCII)
_NAME = re.compile(NAME, re.ASCII)
_ID = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_NUMBER = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it lay when the box was read.

    `sender` is the number that left it, digits only, empty when it was withheld; `left` is in seconds since
    the epoch, `seconds` its length. `position` is its number in the engine's folder, true only until one of
    them is deleted or moved.
    """

    msg_id: str
    folder: str
    position: int
    sender: str
    left: int
    seconds: int

    @property
    def status(self) -> Status:
        """Heard or not."""
        return "unread" if self.folder in _UNREAD else "read"

    @property
    def name(self) -> str:
        """Its file name in the contract."""
        folders = _UNREAD if self.folder in _UNREAD else _READ
        return f"msg{folders.index(self.folder) * FOLDER_MAX + self.position:04d}.wav"


def is_name(text: str) -> bool:
    """Whether a message can have this file name."""
    return _NAME.fullmatch(text) is not None


def position_of(filename: str) -> int | None:
    """The number in the name of a message's text file; None for another file."""
    match = _TEXT.fullmatch(filename)
    return int(match[1]) if match and int(match[1]) < FOLDER_MAX else None


def read_message(folder: str, position: int, text: bytes) -> Message | None:
    """The message that a text file of the engine tells of; None while it is not whole.

    Of a name that occurs twice the last one counts: the caller's name, which comes from outside, stands
    before what matters.
    """
    values: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            values[name.strip()] = value.strip()
    msg_id, left = values.get("msg_id", ""), values.get("origtime", "")
    if not _ID.fullmatch(msg_id) or not left.isdecimal() or "duration" not in values:
        return None
    seconds = values["duration"]
    return Message(
        msg_id=msg_id,
        folder=folder,
        position=position,
        sender=_sender(values.get("callerchan", ""), values.get("callerid", "")),
        left=int(left),
        seconds=int(seconds) if seconds.isdecimal() else 0,
    )


def _sender(channel: str, callerid: str) -> str:
    """An extension's number by its channel, else the number that was shown."""
    device = channel.removeprefix("PJSIP/").rpartition("-")[0]
    if channel.startswith("PJSIP/") and device.isascii() and device.isdigit():
        return device
    match = _NUMBER.search(callerid)
    shown = match[1] if match else callerid
    return "".join(ch for ch in shown if ch in "0123456789")
