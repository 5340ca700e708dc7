"""Events as the journal keeps them: JSON of the facts, free of dialect. Pure.

A receiver's format is chosen when it is delivered, so a stored event can be told in any of them. Text is
escaped to ASCII: what the engine reported may hold characters that UTF-8 cannot carry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, get_args, get_type_hints

from offhook.callstate.model import Member
from offhook.events.api import Event

Read = Callable[[Any], Any]

KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Event)}
"""All kinds of events by their names in the journal."""

_encoder = json.JSONEncoder(separators=(",", ":"), default=lambda value: _facts(value))


def to_json(event: Event) -> str:
    """An event as stored."""
    return _encoder.encode(event)


def from_json(kind: str, body: str) -> Event:
    """The event of a stored row. Raises ValueError for an unknown kind, or facts that do not fit it."""
    known = KINDS.get(kind)
    if known is None:
        raise ValueError(f"{kind} is no kind of event")
    try:
        event: Event = _read(known, json.loads(body))
    except (TypeError, KeyError) as broken:
        raise ValueError(f"{kind}: {broken}") from broken
    return event


def storable(text: str) -> str:
    """A text with a mark in place of what UTF-8 cannot carry."""
    return text.encode("utf-8", "replace").decode()


def _facts(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name, _ in _READERS[type(value)]}


def _read(kind: type, facts: Mapping[str, Any]) -> Any:
    # a fact that an older version did not know has its default
    return kind(**{name: read(facts[name]) for name, read in _READERS[kind] if name in facts})


def _as_is(value: Any) -> Any:
    return value


def _members(value: Any) -> tuple[Member, ...]:
    return tuple(_read(Member, member) for member in value)


def _reader(hint: Any) -> Read:
    if hint == tuple[Member, ...]:
        return _members
    words = [
        part for part in (get_args(hint) or (hint,)) if isinstance(part, type) and issubclass(part, StrEnum)
    ]
    if words:
        word = words[0]
        return lambda value: None if value is None else word(value)
    return _as_is


def _readers(kind: type) -> tuple[tuple[str, Read], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _reader(hints[field.name])) for field in fields(kind))


_READERS: Mapping[type, tuple[tuple[str, Read], ...]] = {
    kind: _readers(kind) for kind in (Member, *KINDS.values())
}
