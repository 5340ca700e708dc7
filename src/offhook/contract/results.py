"""How an answer reaches the wire: dataclasses in, JSON of strings out; or a file.

Every scalar is a string and key order is field order (spec 00-access `envelope`, 19-tolerances `answers`).
A field that is `None` is left out; bool is on or off; `wire_name` gives a field another key on the wire.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from offhook.contract.errors import Errno

Wire: TypeAlias = str | list["Wire"] | dict[str, "Wire"]
_NAME = "offhook.wire"


@dataclasses.dataclass(frozen=True, slots=True)
class Nothing:
    """Result of an endpoint that answers with the status alone."""


def _nobody_cares(_delivered: bool) -> None:
    """Default of `Download.ended`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Result of an endpoint that delivers a file instead of JSON.

    `body` is a file, read bit by bit, or its bytes as they are made. What the iterator raises before its
    first bytes, and `missing` for a file that cannot be opened, is answered as a failure in JSON. `ended` is
    called exactly once, in the event loop: True when the client has taken the whole file.
    """

    filename: str
    content_type: str
    body: Path | AsyncIterator[bytes]
    missing: Errno = Errno.NOT_HANDLED
    ended: Callable[[bool], None] = _nobody_cares


def wire_name(name: str, **kwargs: Any) -> Any:
    """A dataclass field whose key on the wire is `name` (the contract has misspelt and reserved ones)."""
    return dataclasses.field(metadata={_NAME: name}, **kwargs)


SECRETS = frozenset({"vmsecret", "participantepassword", "moderatorpassword", "password"})
"""Keys of answers whose values open something, which the contract shows in the clear."""


def without_secrets(wire: Wire) -> Wire:
    """An answer for who may see what is set, and not what opens it."""
    if isinstance(wire, dict):
        return {key: "" if key in SECRETS else without_secrets(item) for key, item in wire.items()}
    return [without_secrets(item) for item in wire] if isinstance(wire, list) else wire


def to_wire(value: object) -> Wire:
    """Turn a result into JSON values that are strings, lists and objects only.

    Raises TypeError for None inside a list or for an unknown type: a null must never leave us.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Mapping):
        return {str(key): to_wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.metadata.get(_NAME, f.name): to_wire(item)
            for f in dataclasses.fields(value)
            if (item := getattr(value, f.name)) is not None
        }
    raise TypeError(f"{type(value).__name__} has no form on the wire")
