"""AMI on the wire: bytes in any pieces to messages, actions to bytes. Pure.

A message is lines of `Name: value` ended by CR LF, with an empty line behind the last one (Asterisk manual,
"AMI protocol"). The stream is cut first and a message is opened only when somebody reads a header: the name
of an event and its ActionID are found in the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

MESSAGE_MAX = 1 << 20
"""Longest message in bytes; a longer one means that the stream is not AMI any more."""

ACTION_LINE_MAX = 1022
"""Longest line of an action in bytes without its CR LF (measured on Asterisk 22.10.1). The engine drops a
longer one and reads what follows it as a message of its own."""

ACTION_HEADERS_MAX = 100
"""Most headers of an action; the engine refuses those with more than 128."""

_BANNER = b"Asterisk Call Manager"
_BANNER_MAX = 200
_END = b"\r\n\r\n"
_ACTION_ID = b"\r\nActionID:"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = frozenset("\r\n\0")

_Default = TypeVar("_Default")


class WireError(ValueError):
    """The stream is not AMI, or an action cannot be written."""


class Message(Mapping[str, str]):
    """One event or response. Of a header that stands several times the mapping gives the last value."""

    __slots__ = ("_fields", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._fields: dict[str, str] | None = None

    def _open(self) -> dict[str, str]:
        if self._fields is None:
            self._fields = dict(self.pairs())
        return self._fields

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every header in the order of the wire. Lines without a colon are left out."""
        for line in _text(self._raw).split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                yield name.strip(), value.strip()

    def all(self, name: str) -> list[str]:
        """Every value of a header that may stand several times, such as Output or ChanVariable."""
        return [value for key, value in self.pairs() if key == name]

    def first(self, name: str, default: str = "") -> str:
        """The first value of a header that may stand several times."""
        return next((value for key, value in self.pairs() if key == name), default)

    @property
    def event(self) -> str:
        """Name of the event, empty for a response."""
        if self._raw.startswith(b"Event:"):
            return _value(self._raw, 6)
        return "" if self._raw.startswith(b"Response:") else self._open().get("Event", "")

    @property
    def action_id(self) -> str:
        """The id of the action to which this belongs, else empty."""
        start = self._raw.find(_ACTION_ID)
        return _value(self._raw, start + len(_ACTION_ID)) if start >= 0 else ""

    @property
    def size(self) -> int:
        """Length on the wire in bytes, without the empty line."""
        return len(self._raw)

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str | _Default) -> str | _Default: ...
    def get(self, key: str, /, default: str | _Default | None = None) -> str | _Default | None:
        """The last value of a header, else `default`."""
        # Most events are asked for their name and dropped: that must not open them. The inherited method
        # raises and catches KeyError inside, which costs more than the look-up.
        fields = self._fields
        if fields is None:
            if key == "Event" and (name := self.event):
                return name
            fields = self._open()
        return fields.get(key, default)

    def __getitem__(self, name: str) -> str:
        return self._open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __repr__(self) -> str:
        return f"Message({self._open()!r})"


def _value(raw: bytes, start: int) -> str:
    end = raw.find(b"\r\n", start)
    return _text(raw[start : end if end >= 0 else None]).strip()


def _text(raw: bytes) -> str:
    """UTF-8, but line by line Latin-1 where it is not: older phones send names so."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "\r\n".join(_line(line) for line in raw.split(b"\r\n"))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


class Cutter:
    """Cuts a stream into messages; holds the piece that is not complete yet, bounded by MESSAGE_MAX."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False
        self._scanned = 0
        self.banner = ""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises WireError when the stream is not AMI."""
        self._buffer += data
        if not self._greeted and not self._greet():
            return []
        messages: list[Message] = []
        start = 0
        while (end := self._buffer.find(_END, max(start, self._scanned))) >= 0:
            if end - start > MESSAGE_MAX:
                raise WireError("a message is longer than any of the engine's")
            # Some answers end with a line feed of their own, so an empty line may be left over.
            if raw := bytes(self._buffer[start:end]).strip(b"\r\n"):
                messages.append(Message(raw))
            start = self._scanned = end + len(_END)
        if start:
            del self._buffer[:start]
        self._scanned = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) > MESSAGE_MAX and len(self._buffer) - self._begun_end() > MESSAGE_MAX:
            raise WireError("a message is longer than any of the engine's")
        return messages

    def _begun_end(self) -> int:
        """How many bytes at the end of the buffer may be the first ones of a message's end."""
        return next((n for n in (3, 2, 1) if self._buffer.endswith(_END[:n])), 0)

    def _greet(self) -> bool:
        end = self._buffer.find(b"\r\n", 0, _BANNER_MAX)
        head = bytes(self._buffer[: end if end >= 0 else _BANNER_MAX])
        if not head.startswith(_BANNER[: len(head)]) or (end < 0 and len(head) == _BANNER_MAX):
            raise WireError("the other side does not greet as an AMI")
        if end < 0:
            return False
        if not head.startswith(_BANNER):
            raise WireError("the other side does not greet as an AMI")
        self.banner = _text(head)
        del self._buffer[: end + 2]
        self._greeted = True
        return True


def encode_action(headers: Iterable[tuple[str, str]]) -> bytes:
    """An action as bytes.

    Raises WireError when a header could become more than one line for the engine: a name that is no name,
    CR, LF or NUL in a value, a line that it would cut.
    """
    lines = [_encode_header(name, value) for name, value in headers]
    if len(lines) > ACTION_HEADERS_MAX:
        raise WireError(f"an action has {len(lines)} headers, the engine takes {ACTION_HEADERS_MAX}")
    return b"".join(lines) + b"\r\n"


def _encode_header(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name) or not _FORBIDDEN.isdisjoint(value):
        raise WireError(f"header {name!r} cannot be sent")
    try:
        line = f"{name}: {value}".encode()
    except UnicodeEncodeError:
        raise WireError(f"header {name!r} holds what UTF-8 cannot carry") from None
    if len(line) > ACTION_LINE_MAX:
        raise WireError(f"header {name!r} is longer than the engine reads")
    return line + b"\r\n"
