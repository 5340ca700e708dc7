"""How a typed action becomes headers, and what each header may hold.

A field's name in CamelCase is its header's name; what is optional and None or empty is left out. Every value
is checked when the action is made, by the rule of its header, so that text from outside stays one value: the
engine takes a channel of Hangup as a regular expression if it begins with a slash, and cuts a Variable at
commas.
Source: `manager show command …` of Asterisk 22.10.1 and the engine notes, section 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar

from offhook.asterisk.ami.wire import WireError

_CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9]*/[^\x00-\x1f\x7f]{1,250}|[0-9]+\.[0-9]+(;2)?")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_EXTEN = re.compile(r"[A-Za-z0-9*#+_.-]{1,79}")
_CALL_ID = re.compile(r"[0-9]{1,12}\.[0-9]{1,12}")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]{1,900}")
_NUMBER = re.compile(r"[0-9]{1,9}")

_RULES: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        ("Channel", "Channel1", "Channel2", "ExtraChannel", "TimeoutChannel", "Interface", "StateInterface"),
        _CHANNEL,
    ),
    **dict.fromkeys(
        ("Context", "ExtraContext", "Conference", "Queue", "Parkinglot", "ParkingLot", "Endpoint"), _WORD
    ),
    **dict.fromkeys(("Exten", "ExtraExten"), _EXTEN),
    **dict.fromkeys(("ChannelId", "OtherChannelId"), _CALL_ID),
    "Application": re.compile(r"[A-Za-z]{1,40}"),
    # features.conf is read by the core, which goes by this name
    "Module": re.compile(r"[a-z0-9_]{1,60}\.so|features"),
    "Mailbox": re.compile(r"[A-Za-z0-9_-]{1,40}(@[A-Za-z0-9_-]{1,40})?"),
    "Folder": re.compile(r"[A-Za-z0-9]{1,20}"),
    "ToFolder": re.compile(r"[A-Za-z0-9]{1,20}"),
    "ID": re.compile(r"[A-Za-z0-9-]{1,60}"),
    "Family": re.compile(r"[A-Za-z0-9_/-]{1,79}"),
    "Value": re.compile(r"[^\x00-\x1f\x7f]{0,900}"),
    "Direction": re.compile("in|out|all"),
    "State": re.compile("on|off"),
}
_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,78}(\([A-Za-z0-9_,-]{0,79}\))?")
_SPECIAL = re.compile(r'([\\",()\[\]])')


def variable(name: str, value: str) -> str:
    """`name=value` such that the engine takes all of `value`, with commas, quotes and brackets, as one.

    `name` is a channel variable (with up to two leading underscores) or a function such as
    `PJSIP_HEADER(add,Alert-Info)`. Raises WireError when it is neither.
    """
    if not _VARIABLE.fullmatch(name):
        raise WireError(f"{name!r} is no name of a variable")
    return f"{name}=" + _SPECIAL.sub(r"\\\1", value)


def caller_id(name: str, number: str) -> str:
    """A name and a number as the engine reads a caller id; signs that it would misread are left out."""
    name = re.sub(r'["\\<>\x00-\x1f\x7f]', "", name)
    number = re.sub(r'["\\<>\s\x00-\x1f\x7f]', "", number)
    return f'"{name}" <{number}>' if name else f"<{number}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The base: an action without headers of its own."""

    NAME: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for name, value in self.headers():
            if not _RULES.get(name, _PLAIN).fullmatch(value):
                raise WireError(f"{self.NAME}: {name} cannot be {value[:60]!r}")

    def headers(self) -> list[tuple[str, str]]:
        """The headers but for Action and ActionID."""
        return list(self._pairs())

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Mapping):
                for name, text in value.items():
                    yield "Variable", variable(name, text)
            elif item.default is MISSING or (value is not None and value != ""):
                # What is required is sent also when empty, so that its rule refuses it: Reload without
                # a module would reload all.
                yield _header(item.name), _text(value)


def _header(name: str) -> str:
    return {"caller_id": "CallerID", "id": "ID"}.get(name) or "".join(
        part.capitalize() for part in name.split("_")
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        text = str(value)
        if not _NUMBER.fullmatch(text):
            raise WireError(f"{text} is out of range")
        return text
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAction(Action):
    """Answers with events named in ITEMS; a refusal that begins with EMPTY is an empty list."""

    ITEMS: ClassVar[frozenset[str]] = frozenset()
    EMPTY: ClassVar[str] = ""
