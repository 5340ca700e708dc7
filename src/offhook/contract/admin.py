"""What the operators' JSON API is made of: a request, an answer, a refusal. Pure.

Unlike the contract's API it speaks plain HTTP: statuses, JSON of strings, booleans and lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from offhook.contract.rules import is_storable


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """A request below /admin/api/v1/; `path` are its parts, `values` the body's object, `data` raw bytes."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """An answer: an object for JSON, bytes of some type, or a `Download`, which is sent bit by bit."""

    status: int = 200
    body: Any = None
    content_type: str = "application/json"


class AdminRefused(Exception):
    """The request is refused with an HTTP status; the text is for people and holds no secret."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class AdminHandler(Protocol):
    """What serves the API once its caller is known."""

    async def handle(self, request: AdminRequest) -> AdminAnswer:
        """Answer. Raises AdminRefused."""


class AdminPart(Protocol):
    """What an area serves below /<key>; `paths` are its part of the OpenAPI document."""

    @property
    def key(self) -> str:
        """The first part of the path."""

    def paths(self) -> Mapping[str, Any]:
        """Paths with their operations."""

    async def answer(self, request: AdminRequest, path: Sequence[str]) -> AdminAnswer:
        """Answer; `path` is what follows the key. Raises AdminRefused or ContractError."""


def not_here() -> AdminRefused:
    """The refusal of a path that leads nowhere."""
    return AdminRefused(404, "there is nothing here")


def identity_in(text: str, missing: Exception, digits: int = 15) -> int:
    """The id in a part of a path or the word of a command. Raises `missing` for what is none of at most so
    many digits."""
    if not text.isascii() or not text.isdigit() or len(text) > digits:
        raise missing
    return int(text)


def not_allowed(request: AdminRequest) -> AdminRefused:
    """The refusal of a method that a path does not have."""
    return AdminRefused(405, f"{request.method} is not possible here")


def only_known(values: Mapping[str, str], known: Iterable[str], what: str) -> None:
    """Raises AdminRefused for the first name that is not known; it is an unknown `what`."""
    for name in values:
        if name not in known:
            raise AdminRefused(400, f"{name} is an unknown {what}; known are {', '.join(known)}")


def as_text(value: Any, *, in_list: bool = False) -> str:
    """A JSON value as the rules read it.

    Raises AdminRefused for objects, lists of lists, and text that UTF-8 cannot carry.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return ""
    if isinstance(value, str | int | float) and is_storable(str(value)):
        return str(value)
    if isinstance(value, list) and not in_list:
        return ",".join(as_text(part, in_list=True) for part in value)
    raise AdminRefused(400, "a value is a text, a number, a switch or a list of these")
