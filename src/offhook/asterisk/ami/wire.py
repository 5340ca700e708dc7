"""AMI on the wire: bytes in any pieces to messages, actions to bytes. Pure.

A message is lines of `Name: value` ended by CR LF, with an empty line behind the last one (Asterisk manual,
"AMI protocol"). The stream is cut first and a message is opened only when somebody reads a header: most
events are looked at for their name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

MESSAGE_MAX = 1 << 20
"""Longest message in bytes; a longer one means that the stream is not AMI any more."""

_END = b"\r\n\r\n"
_FORBIDDEN = frozenset("\r\n\0")


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
        for line in self._raw.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon:
                yield name.decode("utf-8", "replace").strip(), value.decode("utf-8", "replace").strip()

    def all(self, name: str) -> list[str]:
        """Every value of a header that may stand several times, such as Output."""
        return [value for key, value in self.pairs() if key == name]

    @property
    def event(self) -> str:
        """Name of the event, empty for a response."""
        if self._raw.startswith(b"Event:"):
            end = self._raw.find(b"\r\n")
            return self._raw[6 : end if end >= 0 else None].decode("utf-8", "replace").strip()
        return self.get("Event", "")

    def __getitem__(self, name: str) -> str:
        return self._open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __repr__(self) -> str:
        return f"Message({dict(self._open())!r})"


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
            if end > start:
                messages.append(Message(bytes(self._buffer[start:end])))
            start = end + len(_END)
            self._scanned = start
        if start:
            del self._buffer[:start]
        self._scanned = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) > MESSAGE_MAX:
            raise WireError("a message is longer than any of the engine's")
        return messages

    def _greet(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > 200:
                raise WireError("the other side does not greet as an AMI")
            return False
        self.banner = bytes(self._buffer[:end]).decode("utf-8", "replace")
        if not self.banner.startswith("Asterisk Call Manager"):
            raise WireError("the other side does not greet as an AMI")
        del self._buffer[: end + 2]
        self._greeted = True
        return True


def encode_action(headers: Iterable[tuple[str, str]]) -> bytes:
    """An action as bytes.

    Raises WireError when a name or value could end its line: what a caller sends must stay one header.
    """
    lines: list[str] = []
    for name, value in headers:
        if not name or ":" in name or not _FORBIDDEN.isdisjoint(name) or not _FORBIDDEN.isdisjoint(value):
            raise WireError(f"header {name!r} cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    try:
        return ("".join(lines) + "\r\n").encode()
    except UnicodeEncodeError:
        raise WireError("a header holds what UTF-8 cannot carry") from None
