"""What the web room needs of an event feed, whoever has it. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol


def _query(name: str, about: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": {"type": kind}}


FEED_PATHS: dict[str, Any] = {
    "/events": {
        "servers": [{"url": "/api"}],
        "get": {
            "summary": "What happens, as server-sent events; the same over a WebSocket at the same address",
            "operationId": "events",
            "tags": ["event feed"],
            "parameters": [
                _query("token", "a token, unless the header Authorization: Bearer has it"),
                _query("after", "the id of the last event that was seen; without it, from now on", "integer"),
                _query("kinds", "only these kinds of events, joined by commas"),
                _query("extension", "only events that name this extension"),
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "as after, and stronger: browsers send it when they connect again",
                    "schema": {"type": "integer"},
                },
            ],
            "responses": {
                "200": {
                    "description": "a stream that does not end by itself",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                "101": {"description": "a WebSocket with one JSON object for each event"},
                "400": {"description": "a parameter is wrong"},
                "401": {"description": "the token is missing, unknown or has ended"},
                "403": {"description": "the token may not read"},
                "429": {"description": "too many streams are open"},
                "503": {"description": "the PBX is starting or ending, or the API is off"},
            },
        },
    }
}
"""The feed in the OpenAPI document. The stream has no end: tools that try everything leave it out."""


class FeedItem(Protocol):
    """An event: its number, its kind, when it happened (seconds since the epoch), its JSON on one line."""

    @property
    def id(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def at(self) -> float: ...

    @property
    def data(self) -> bytes: ...


class FeedReader(Protocol):
    """Reads on from a position."""

    @property
    def position(self) -> int:
        """Up to where everything wanted was read."""

    async def read(self) -> Sequence[FeedItem]:
        """The next events; empty when there are none now."""

    async def grown(self) -> None:
        """Wait until there may be some."""


class Feed(Protocol):
    """Makes readers."""

    def open(self, after: int | None, kinds: str, extension: str) -> FeedReader:
        """A reader from a position on, None: from now on. Raises ValueError for what cannot be wanted."""


def moment(at: float) -> str:
    """Seconds since the epoch as the feed writes them: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_message(item: FeedItem) -> str:
    """An event as one JSON object: id, kind, at, event."""
    head = json.dumps({"id": str(item.id), "kind": item.kind, "at": moment(item.at)}, separators=(",", ":"))
    return f'{head[:-1]},"event":{item.data.decode()}}}'


def as_sse(items: Sequence[FeedItem]) -> bytes:
    """Events as a text/event-stream has them (WHATWG HTML, server-sent events)."""
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (item.id, item.kind.encode(), item.data) for item in items
    )
