"""Rules for single values of a request: text in, typed value out, or a reason why not.

A rule is pure and knows nothing of error codes; `param` in `offhook.contract.params` joins a rule with the
errno that the contract gives for breaking it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class RuleBroken(ValueError):
    """The value breaks the rule; the text says how, without quoting the value (it may be a secret)."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """How one value is read: `read` turns the text into a `T` or raises `RuleBroken`.

    Of a value that `lists` names, commas alone are as good as nothing.
    """

    says: str
    read: Callable[[str], T]
    schema: dict[str, object]
    lists: bool = False

    def is_empty(self, value: str) -> bool:
        """Whether `value` says nothing."""
        return not (value.replace(",", "") if self.lists else value).strip()

    def take(self, value: str) -> T:
        """Read a value that came from outside. Raises RuleBroken, also for what no store can hold."""
        if not is_storable(value):
            raise _broken("text that UTF-8 can carry")
        return self.read(value)


def is_storable(value: str) -> bool:
    """Whether UTF-8 can carry `value`: JSON may hold halves of surrogate pairs."""
    return not any("\ud800" <= ch <= "\udfff" for ch in value)


@dataclass(frozen=True, slots=True)
class Selection:
    """Ids or numbers of a query: one, several, or all (spec 00-access, `conventions.several_ids`)."""

    every: bool
    names: tuple[str, ...] = ()


def _broken(says: str) -> RuleBroken:
    return RuleBroken(says)


def text(*, max_len: int = 255, forbidden: str = "", says: str = "") -> Rule[str]:
    """Text of at most `max_len` characters without control characters and without `forbidden` ones."""
    statement = says or f"text of at most {max_len} characters" + (
        f", none of {forbidden}" if forbidden else ""
    )

    def read(value: str) -> str:
        if len(value) > max_len or any(ch in forbidden or ord(ch) < 0x20 or ord(ch) == 0x7F for ch in value):
            raise _broken(statement)
        return value

    return Rule(statement, read, {"type": "string", "maxLength": max_len})


def pattern(regex: str, *, says: str, max_len: int = 255) -> Rule[str]:
    """Text that matches `regex` as a whole (ASCII character classes)."""
    compiled = re.compile(regex, re.ASCII)

    def read(value: str) -> str:
        if len(value) > max_len or not compiled.fullmatch(value):
            raise _broken(says)
        return value

    return Rule(says, read, {"type": "string", "pattern": f"^(?:{regex})$", "maxLength": max_len})


def digits(max_len: int) -> Rule[str]:
    """One to `max_len` ASCII digits, kept as text so that leading zeros survive."""
    return pattern(rf"[0-9]{{1,{max_len}}}", says=f"1 to {max_len} digits", max_len=max_len)


def integer(low: int, high: int) -> Rule[int]:
    """A whole number from `low` to `high`."""
    says = f"a whole number from {low} to {high}"

    def read(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII) or not low <= int(value) <= high:
            raise _broken(says)
        return int(value)

    return Rule(says, read, {"type": "integer", "minimum": low, "maximum": high})


def choice(options: Collection[str]) -> Rule[str]:
    """One of `options`; capitals do not matter, the spelling of the contract is returned."""
    by_folded = {option.casefold(): option for option in options}
    says = "one of " + ", ".join(options)

    def read(value: str) -> str:
        try:
            return by_folded[value.casefold()]
        except KeyError:
            raise _broken(says) from None

    return Rule(says, read, {"type": "string", "enum": list(options)})


def on_off() -> Rule[bool]:
    """The switches `on` and `off` of the contract."""

    def read(value: str) -> bool:
        folded = value.casefold()
        if folded not in {"on", "off"}:
            raise _broken("on or off")
        return folded == "on"

    return Rule("on or off", read, {"type": "string", "enum": ["on", "off"]})


def split_list(value: str) -> tuple[str, ...]:
    """Parts of a comma-joined list; blanks and a trailing comma are tolerated (spec 19-tolerances)."""
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def selection() -> Rule[Selection]:
    """One name, several joined by commas, or the word `all`."""

    def read(value: str) -> Selection:
        names = split_list(value)
        if not names:
            raise _broken("one value, several joined by commas, or all")
        if len(names) == 1 and names[0].casefold() == "all":
            return Selection(every=True)
        return Selection(every=False, names=names)

    return Rule("one value, several joined by commas, or all", read, {"type": "string"}, lists=True)


def name_list() -> Rule[tuple[str, ...]]:
    """Names joined by commas."""

    def read(value: str) -> tuple[str, ...]:
        return split_list(value)

    return Rule("names joined by commas", read, {"type": "string"}, lists=True)
