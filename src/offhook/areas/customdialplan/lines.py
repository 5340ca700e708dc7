"""The lines of a dialplan file: reading one, and finding where an application's arguments end. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*(?:;.*)?")
_SETTING = re.compile(r"(?P<key>[A-Za-z]+)\s*=>?\s*(?P<value>.*)", re.DOTALL)
_PRIORITY = re.compile(r"(?P<number>[0-9]+|n|hint)(?:\+[0-9]+)?\s*(?:\((?P<label>[A-Za-z0-9_.-]+)\))?")
_APP = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_]*)\s*")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class LineError(ValueError):
    """A line that is no dialplan; the text says why."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application with its arguments as they stand between the brackets."""

    name: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Priority:
    """One line of an extension. `exten` is empty for `same`."""

    exten: str
    priority: str
    label: str
    application: Application


@dataclass(frozen=True, slots=True)
class Section:
    """The beginning of a context."""

    name: str


@dataclass(frozen=True, slots=True)
class Setting:
    """`include` and the like."""

    key: str
    value: str


def read_line(text: str) -> Section | Setting | Priority | None:
    """What a line says; None for one that says nothing. Raises LineError."""
    line = _without_comment(text).strip()
    if not line:
        return None
    if any(ord(ch) < 0x20 and ch != "\t" for ch in line):
        raise LineError("control characters are not allowed")
    if line.startswith("["):
        match = _SECTION.fullmatch(line)
        if match is None:
            raise LineError("a context is written as [name]")
        return Section(match["name"].strip())
    if line.startswith("#"):
        raise LineError("#include and #exec are not allowed: every file of the folder is read")
    setting = _SETTING.fullmatch(line)
    if setting is None:
        raise LineError("neither a context, nor exten, same or include")
    key, value = setting["key"].lower(), setting["value"].strip()
    if key == "exten":
        exten, comma, rest = _split_exten(value)
        if not comma or not exten:
            raise LineError("exten is written as exten => number,priority,application")
        return _priority(exten, rest)
    if key == "same":
        return _priority("", value)
    return Setting(key, value)


def _without_comment(text: str) -> str:
    at = 0
    while (at := text.find(";", at)) >= 0:
        if at == 0 or text[at - 1] != "\\":
            return text[:at]
        at += 1
    return text


def _split_exten(value: str) -> tuple[str, str, str]:
    """At the first comma that does not stand in a set of a pattern."""
    depth = 0
    for at, ch in enumerate(value):
        depth += (ch == "[") - (ch == "]")
        if ch == "," and depth <= 0:
            return value[:at].strip(), ",", value[at + 1 :].strip()
    return value, "", ""


def _priority(exten: str, rest: str) -> Priority:
    head, comma, text = rest.partition(",")
    match = _PRIORITY.fullmatch(head.strip())
    if match is None or not comma:
        raise LineError("a priority is a number or n, optionally with a (label), then an application")
    if match["number"] == "hint":
        if re.search(r"[(){}\"'\\]", text):
            raise LineError("a hint names devices only")
        return Priority(exten, "hint", "", Application("hint", text.strip()))
    return Priority(exten, match["number"], match["label"] or "", read_application(text.strip()))


def read_application(text: str) -> Application:
    """An application, and a remark behind // dropped. Raises LineError."""
    match = _APP.match(text)
    if match is None:
        raise LineError("an application is missing")
    rest = text[match.end() :]
    if rest.startswith("("):
        end = closing(rest, 0)
        arguments, tail = rest[1:end], rest[end + 1 :]
    else:
        arguments, tail = "", rest
    tail = tail.strip()
    if tail and not tail.startswith("//"):
        raise LineError(f"there is something behind {match['name']}(…)")
    return Application(match["name"], arguments)


def closing(text: str, opening: int) -> int:
    """Where the bracket closes that opens at `opening`; quotes hide brackets. Raises LineError."""
    expected: list[str] = []
    at = opening
    while at < len(text):
        ch = text[at]
        if ch == "\\":
            at += 1
        elif ch in _PAIRS:
            expected.append(_PAIRS[ch])
        elif ch in ")]}":
            if not expected or expected.pop() != ch:
                raise LineError(f"{ch} closes what was not opened")
            if not expected:
                return at
        at += 1
    raise LineError(f"{expected[-1]} is missing")


def split_arguments(text: str) -> list[str]:
    """Arguments at the commas that stand in no brackets."""
    parts, start, depth, at = [], 0, 0, 0
    while at < len(text):
        ch = text[at]
        if ch == "\\":
            at += 1
        elif ch in "([{":
            depth += 1
        elif ch in ")]}":
            depth -= 1
        elif ch == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]
