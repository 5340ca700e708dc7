"""Calls of dialplan applications as text: `Name(arguments)`, their brackets and their quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLOSES = {")": "(", "]": "[", "}": "{"}
BLANKS = " \t"


class Refused(Exception):
    """A text that is no dialplan; the message is the reason, whoever knows the line adds it."""


@dataclass(frozen=True, slots=True)
class Call:
    """An application and the text between its brackets; written without brackets it has none."""

    name: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


def parse_call(text: str) -> Call:
    """The call that `text` holds; a `//` remark behind it is cut. Raises Refused."""
    text = text.strip(BLANKS)
    name = _NAME.match(text)
    if name is None:
        raise Refused("expected the name of an application")
    start = len(text) - len(text[name.end() :].lstrip(BLANKS))
    arguments, end = "", start
    if text.startswith("(", start):
        close = _closing(text, start)
        arguments, end = text[start + 1 : close], close + 1
    rest = text[end:].strip(BLANKS)
    if rest and not rest.startswith("//"):
        raise Refused(f"unexpected text after the application {name.group()}: {shown(rest)}")
    return Call(name.group(), arguments)


def split_once(text: str, mark: str) -> tuple[str, str | None]:
    """`text` before and after the first `mark` outside brackets and quotes; None if there is none."""
    for index, character, depth in _walk(text, 0):
        if character == mark and depth == 0:
            return text[:index], text[index + 1 :]
    return text, None


def check_balanced(text: str) -> None:
    """Raises Refused if a bracket or a quote in `text` is open or closed alone."""
    for _ in _walk(text, 0):
        pass


def is_dynamic(text: str) -> bool:
    """Whether only a call in progress can tell what `text` says."""
    return "${" in text or "$[" in text


def shown(text: str) -> str:
    """`text` short enough for a message."""
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _closing(text: str, start: int) -> int:
    for index, character, depth in _walk(text, start):
        if depth == 0 and character == ")":
            return index
    raise Refused("a bracket '(' is not closed")  # _walk has said so already


def _walk(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Characters outside quotes with the depth of brackets behind them. Raises Refused on a mismatch."""
    opened: list[str] = []
    quoted = False
    index = start
    while index < len(text):
        character = text[index]
        if character == "\\":
            index += 2
            continue
        if character == '"':
            quoted = not quoted
        elif not quoted:
            if character in "([{":
                opened.append(character)
            elif character in _CLOSES and (not opened or opened.pop() != _CLOSES[character]):
                raise Refused(f"a bracket '{character}' closes none of its kind")
            yield index, character, len(opened)
        index += 1
    if quoted:
        raise Refused("a quote is not closed")
    if opened:
        raise Refused(f"a bracket '{opened[-1]}' is not closed")
