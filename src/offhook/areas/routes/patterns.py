"""Dial patterns: X, Z, N, sets in brackets, `.` and `!` (Asterisk's, without the leading underscore). Pure.

Called numbers may also be given as a range such as 5503301-5503310, which becomes the few patterns that
match exactly its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from offhook.contract.rules import Rule, RuleBroken

_LONGEST = 64
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
_ATOM = re.compile(r"[0-9+*#XxZzNn]|\[(?P<set>[0-9*#+-]+)\]", re.ASCII)
_WILD = re.compile(r"[XxZzNn\[\].!]")


def is_pattern(text: str) -> bool:
    """Whether `text` stands for more than one number."""
    return _WILD.search(text) is not None


def check(text: str, *, wide: bool = False) -> str | None:
    """Why `text` is no pattern; None when it is one. `wide` also lets W and w pass, as any character."""
    body, tail = text, ""
    if body[-1:] in {".", "!"}:
        body, tail = body[:-1], body[-1]
    if len(text) > _LONGEST or not (body or tail):
        return f"a pattern has 1 to {_LONGEST} characters"
    at = 0
    while at < len(body):
        if wide and body[at] in "Ww":
            at += 1
            continue
        match = _ATOM.match(body, at)
        if match is None or not _good_set(match["set"]):
            return "a pattern has digits, + * #, X Z N, sets such as [13-5], and . or ! at its end"
        at = match.end()
    return None


def _good_set(inner: str | None) -> bool:
    if inner is None:
        return True
    parts = re.findall(r"(.)-(.)", inner)
    return "--" not in inner and inner[0] != "-" and inner[-1] != "-" and all(a <= b for a, b in parts)


def split_range(text: str) -> tuple[int, int, int] | None:
    """First, last and number of digits of a range; None for what is none."""
    match = _RANGE.fullmatch(text)
    if match is None or len(match[1]) != len(match[2]) or match[1] > match[2]:
        return None
    return int(match[1]), int(match[2]), len(match[1])


def expand(text: str) -> tuple[str, ...]:
    """The patterns that `text` stands for: itself, or those of its range."""
    numbers = split_range(text)
    if numbers is None:
        return (text,)
    first, last, digits = numbers
    return tuple(_cover(first, last, digits))


def _cover(first: int, last: int, digits: int) -> Iterator[str]:
    """Patterns of digits and trailing X that match exactly the numbers from `first` to `last`."""
    at = first
    while at <= last:
        power = 0
        while power < digits and at % 10 ** (power + 1) == 0 and at + 10 ** (power + 1) - 1 <= last:
            power += 1
        yield str(at // 10**power).zfill(digits - power) + "X" * power if power < digits else "X" * digits
        at += 10**power


def dialplan_exten(text: str) -> str:
    """A pattern as an extension of the dialplan; W becomes a character of a number."""
    if not is_pattern(text) and "W" not in text.upper():
        return text
    return "_" + re.sub("[Ww]", "[0-9*#]", text)


_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", "W": "[0-9*#]"}


@lru_cache(maxsize=1024)
def _compiled(text: str) -> re.Pattern[str]:
    body, tail = (text[:-1], text[-1]) if text[-1:] in {".", "!"} else (text, "")
    parts = []
    for match in re.finditer(r"\[[^\]]*\]|.", body):
        atom = match[0]
        parts.append(_CLASSES.get(atom.upper()) or (atom if atom.startswith("[") else re.escape(atom)))
    return re.compile("".join(parts) + {"": "", ".": ".+", "!": ".*"}[tail], re.ASCII | re.DOTALL)


def matches(text: str, number: str) -> bool:
    """Whether `number` fits the pattern `text`, as the engine would match it."""
    return check(text, wide=True) is None and _compiled(text).fullmatch(number) is not None


def pattern_rule(*, ranges: bool = False, wide: bool = False) -> Rule[str]:
    """A dial pattern; with `ranges` also a range of numbers."""
    says = "a dial pattern of digits, X Z N, sets such as [13-5], . and !"

    def read(value: str) -> str:
        value = value.strip()
        if ranges and _RANGE.fullmatch(value):
            if split_range(value) is None:
                raise RuleBroken("a range of numbers of one length, the first before the last")
            return value
        if (reason := check(value, wide=wide)) is not None:
            raise RuleBroken(reason)
        return value

    return Rule(says, read, {"type": "string", "maxLength": _LONGEST})
