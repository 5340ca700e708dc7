"""Lines of a dialplan file, read as Asterisk's own `pbx_config` reads them, but stricter."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from offhook.areas.customdialplan.calls import (
    BLANKS,
    Call,
    Refused,
    check_balanced,
    parse_call,
    shown,
)

_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_EXTENSION = re.compile(r'[^\s,;(){}"\\$=]{1,79}')
_PRIORITY = re.compile(r"(?:(?P<number>[0-9]{1,6})|(?P<relative>[ns]))(?:\+(?P<plus>[0-9]{1,6}))?")
_LABEL = re.compile(r'[^\s,;()\[\]{}"\\$]{1,79}')
_SETTING = re.compile(r"([A-Za-z]+)[ \t]*=>?(.*)")
# Zl and Zp break a line for some readers and not for Asterisk; Cs cannot be written as UTF-8.
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
_OURS = frozenset(
    {
        "from-extension",
        "from-trunk",
        "outbound",
        "hold",
        "silent",
        "parkedcalls",
        "ring-extension",
        "voicemail-deposit",
        "voicemail-check",
    }
)
_SWITCHES = frozenset({"switch", "eswitch", "lswitch"})


class DialplanError(Exception):
    """A file that cannot be taken: where (`line` counts from 1) and why."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing, or only a comment."""


@dataclass(frozen=True, slots=True)
class Header:
    """`[context]`"""

    context: str


@dataclass(frozen=True, slots=True)
class Include:
    """`include => context`"""

    context: str


@dataclass(frozen=True, slots=True)
class Ignorepat:
    """`ignorepat => pattern`"""

    pattern: str


@dataclass(frozen=True, slots=True)
class Hint:
    """`exten => 100,hint,PJSIP/100`; `same` tells that the line did not repeat the extension."""

    extension: str
    same: bool
    devices: str


@dataclass(frozen=True, slots=True)
class Step:
    """A priority of an extension: as written, and the number that Asterisk gives it."""

    extension: str
    same: bool
    priority: str
    number: int
    relative: bool
    call: Call


Line = Blank | Header | Include | Ignorepat | Hint | Step


def parse(file: str, text: str) -> list[Line]:
    """What each line of `text` says, one entry a line. Raises DialplanError."""
    reader = _Reader()
    comments = _Comments()
    lines: list[Line] = []
    rows = text.removeprefix("\ufeff").split("\n")
    if rows[-1] == "":
        rows.pop()
    for number, row in enumerate(rows, 1):
        try:
            row = row.removesuffix("\r")
            _check_characters(row)
            lines.append(reader.read(comments.cut(row, number).strip(BLANKS)))
        except Refused as error:
            raise DialplanError(file, number, str(error)) from None
    if comments.opened:
        raise DialplanError(file, comments.opened[-1], "a block comment ';--' is not closed with '--;'")
    return lines


def escape(text: str) -> str:
    """`text` for a configuration file, where a bare semicolon begins a comment."""
    return text.replace(";", "\\;")


class _Comments:
    """Cuts comments off and opens `\\;` up, as Asterisk's main/config.c does; block comments nest."""

    def __init__(self) -> None:
        self.opened: list[int] = []

    def cut(self, row: str, number: int) -> str:
        kept: list[str] = []
        start = 0  # of what is not looked at yet
        while (mark := row.find(";", start)) >= 0:
            before = row[start:mark]
            if mark > 0 and row[mark - 1] == "\\":
                self._keep(kept, before.removesuffix("\\") + ";")
                start = mark + 1
            elif row.startswith(";--", mark) and not row.startswith(";---", mark):
                self._keep(kept, before)
                self.opened.append(number)
                start = mark + 3
            elif self.opened:
                if before.endswith("--"):
                    self.opened.pop()
                start = mark + 1
            else:
                kept.append(before)
                return "".join(kept)
        self._keep(kept, row[start:])
        return "".join(kept)

    def _keep(self, kept: list[str], text: str) -> None:
        if not self.opened:
            kept.append(text)


class _Reader:
    """Reads the lines of one file in order; it knows the context, the extension and the priority before."""

    def __init__(self) -> None:
        self._context: str | None = None
        self._extension: str | None = None
        self._seen: set[str] = set()
        self._last = 0

    def read(self, row: str) -> Line:
        """The meaning of a line without comments. Raises Refused."""
        if not row:
            return Blank()
        if row.startswith("#"):
            raise Refused(f"{shown(row)} is refused: files bring their whole text, no other file or command")
        if row.startswith("["):
            return self._header(row)
        setting = _SETTING.fullmatch(row)
        if setting is None:
            raise Refused(f"not a line of a dialplan: {shown(row)}")
        key, value = setting.group(1).lower(), setting.group(2).strip(BLANKS)
        if key not in {"exten", "same", "include", "ignorepat", *_SWITCHES}:
            raise Refused(f"'{setting.group(1)}' is not supported")
        if key in _SWITCHES:
            raise Refused(f"'{key}' is refused: the dialplan of another system cannot be checked")
        if self._context is None:
            raise Refused(f"'{key}' stands before the first [context]")
        if key == "include":
            return Include(_context_name(value))
        if key == "ignorepat":
            return Ignorepat(_extension_name(value))
        if key == "same":
            if self._extension is None:
                raise Refused("'same' stands before any 'exten' of its context")
            return self._priority(self._extension, value, same=True)
        extension, _, value = value.partition(",")
        self._extension = _extension_name(extension.strip(BLANKS))
        return self._priority(self._extension, value, same=False)

    def _header(self, row: str) -> Header:
        name, bracket, rest = row[1:].partition("]")
        if not bracket:
            raise Refused("a bracket '[' is not closed")
        if rest:
            raise Refused(f"unexpected text after [{name[:79]}]: {shown(rest)}")
        if name.lower() in {"general", "globals"}:
            raise Refused(f"[{name}] is refused: the settings of the PBX are not set in a dialplan file")
        _context_name(name)
        if name in _OURS or name.startswith("offhook"):
            raise Refused(f"[{name}] is a context of the PBX itself: choose another name")
        self._context, self._extension, self._last = name, None, 0
        self._seen = set()
        return Header(name)

    def _priority(self, extension: str, value: str, *, same: bool) -> Hint | Step:
        priority, comma, application = value.partition(",")
        priority = priority.strip(BLANKS)
        if not comma:
            raise Refused("expected a priority, a comma and an application")
        if priority == "hint":
            devices = application.strip(BLANKS)
            if not devices:
                raise Refused("a hint without devices")
            check_balanced(devices)
            # Asterisk counts on from a hint as from priority -1, which leads nowhere.
            self._last = 0
            return Hint(extension, same, devices)
        number, relative = self._number(extension, priority)
        call = parse_call(application)
        self._last = number
        self._seen.add(extension)
        return Step(extension, same, priority, number, relative, call)

    def _number(self, extension: str, priority: str) -> tuple[int, bool]:
        bare, bracket, label = priority.partition("(")
        matched = _PRIORITY.fullmatch(bare)
        if matched is None:
            raise Refused(f"not a priority: {shown(priority)}")
        if bracket and not (label.endswith(")") and _LABEL.fullmatch(label[:-1])):
            raise Refused(f"not a label: {shown(priority)}")
        plus = int(matched["plus"] or 0)
        if matched["relative"]:
            if extension not in self._seen:
                raise Refused(f"the first priority of {extension} must be a number, not '{bare}'")
            if not self._last:
                raise Refused(f"'{bare}' cannot follow a hint: write the number of the priority")
            return self._last + (matched["relative"] == "n") + plus, True
        number = int(matched["number"]) + plus
        if number < 1:
            raise Refused("priorities count from 1")
        return number, False


def _check_characters(row: str) -> None:
    for character in row:
        if character != "\t" and unicodedata.category(character) in _CONTROL:
            raise Refused(f"a control character U+{ord(character):04X}")


def _context_name(name: str) -> str:
    if not _CONTEXT.fullmatch(name):
        raise Refused(f"not a name of a context: {shown(name)}")
    return name


def _extension_name(name: str) -> str:
    # A number that Asterisk holds in 80 bytes.
    if not _EXTENSION.fullmatch(name) or len(name.encode()) > 79:
        raise Refused(f"not an extension: {shown(name)}")
    check_balanced(name)
    return name
