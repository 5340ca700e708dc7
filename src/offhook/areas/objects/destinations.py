"""Where a call can be sent: the kinds of destination (spec 04-routes, `desttype`) and how they are written.

A destination is a kind and what it names: `extension 1000`, `queue 6700`, `hangup`. Routes keep it as two
settings, as the contract has them; IVR keys and the like as one text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from offhook.areas.objects.field import Row
from offhook.contract.rules import Rule, RuleBroken

HANGUP = "hangup"
EXTRANGE = "extrange"
DESTINATIONS = (
    HANGUP,
    "extension",
    EXTRANGE,
    "voicemail",
    "ivr",
    "ringgroup",
    "queue",
    "conference",
    "disa",
    "callback",
    "outroute",
    "faxtoemail",
    "paging",
    "dialbyname",
)
"""Every kind; the last two are not destinations of inbound routes in the contract."""

INROUTE_DESTINATIONS = DESTINATIONS[:-2]
WITHOUT_NAME = frozenset({HANGUP, "dialbyname"})
BY_NAME = frozenset({"disa", "callback", "outroute"})
NAME = re.compile(r"[^\s:!$()/#;,\[\]\\\"=<>&'`^%@{}|\x00-\x1f\x7f]{1,63}")
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,7})-([0-9]{1,7})", re.ASCII)


def well_formed(kind: str, name: str) -> bool:
    """Whether `name` can be what a destination of `kind` names."""
    if kind in WITHOUT_NAME:
        return name == ""
    if kind in BY_NAME:
        return NAME.fullmatch(name) is not None
    if kind == EXTRANGE:
        return split_range(name) is not None
    return _NUMBER.fullmatch(name) is not None


def split_range(name: str) -> tuple[str, str] | None:
    """First and last number of a range such as 1000-1009; None for what is none."""
    match = _RANGE.fullmatch(name)
    if match is None or len(match[1]) != len(match[2]) or match[1] > match[2]:
        return None
    return match[1], match[2]


def split(text: str) -> tuple[str, str]:
    """Kind and name of a destination's text; the empty text is no destination."""
    kind, _, name = text.partition(" ")
    return kind, name


def destination() -> Rule[str]:
    """A destination in one text, such as `queue 6700`; empty for none."""
    says = "a destination such as `extension 1000` or `hangup`; kinds are " + ", ".join(DESTINATIONS)

    def read(value: str) -> str:
        kind, _, name = " ".join(value.split()).partition(" ")
        kind = kind.lower()
        if kind not in DESTINATIONS or not well_formed(kind, name):
            raise RuleBroken(says)
        return f"{kind} {name}".strip()

    return Rule(says, read, {"type": "string", "maxLength": 80})


@dataclass(frozen=True, slots=True)
class InOne:
    """A destination that is kept as one text."""

    field: str

    def named(self, row: Row) -> Iterable[tuple[str, str]]:
        """What the destination names."""
        return _named(*split(row.get(self.field) or ""))

    def renamed(self, row: Row, target: str, old: str, new: str) -> Row:
        """The text with the new name."""
        return {self.field: f"{target} {new}"} if row.get(self.field) == f"{target} {old}" else {}


@dataclass(frozen=True, slots=True)
class InTwo:
    """A destination in two settings; `words` translates the first where the contract has other words."""

    kind_field: str
    name_field: str
    words: Mapping[str, str] = field(default_factory=dict)

    def named(self, row: Row) -> Iterable[tuple[str, str]]:
        """What the destination names."""
        kind = row.get(self.kind_field) or ""
        return _named(self.words.get(kind, kind), row.get(self.name_field) or "")

    def renamed(self, row: Row, target: str, old: str, new: str) -> Row:
        """The second setting with the new name."""
        kind = row.get(self.kind_field) or ""
        mine = self.words.get(kind, kind) == target and row.get(self.name_field) == old
        return {self.name_field: new} if mine else {}


def _named(kind: str, name: str) -> Iterable[tuple[str, str]]:
    if kind in WITHOUT_NAME or not kind or not name:
        return []
    if kind == EXTRANGE:
        return [("extension", end) for end in split_range(name) or ()]
    if kind in {"voicemail", "faxtoemail"}:
        return [("extension", name)]
    return [(kind, name)]
