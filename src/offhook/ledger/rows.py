"""Rows of CEL as Asterisk writes them: one JSON object a line (docs/internals.md has the fields). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CHANNEL = re.compile(r"PJSIP/(?P<endpoint>.+)-[0-9a-fA-F]{8}")
_EXTENSION = re.compile(r"(?P<number>[0-9]{1,7})w?")
_INVITATION = re.compile(r"Local/(?P<room>[0-9]{1,7})-(?P<number>[^@]+)@offhook-invited-")
_TRUNK = re.compile(r"trunk-(?P<name>.+)-endpoint")


class RowError(ValueError):
    """The line is no CEL row."""


@dataclass(frozen=True, slots=True)
class CelRow:
    """One event of one channel. `time` in seconds since the epoch; `extra` is EventExtra."""

    type: str
    time: float
    num: str
    exten: str
    context: str
    channel: str
    uniqueid: str
    linkedid: str
    extra: Mapping[str, str] = field(default_factory=dict)
    note: str = ""  # what a user event says

    @property
    def extension(self) -> str:
        """Number of the extension whose channel this is, else empty."""
        return extension_of(self.channel)

    @property
    def trunk(self) -> str:
        """Name of the trunk whose channel this is, else empty."""
        return trunk_of(self.channel)

    @property
    def invitation(self) -> tuple[str, str] | None:
        """The conference into which this channel calls somebody, and whom; None for other channels."""
        match = _INVITATION.match(self.channel)
        return (match["room"], match["number"]) if match else None

    @property
    def is_party(self) -> bool:
        """Whether a phone or trunk is behind the channel: Local channels are nobody."""
        return bool(_endpoint(self.channel))


def extension_of(channel: str) -> str:
    """Number of the extension whose channel this is, else empty."""
    match = _EXTENSION.fullmatch(_endpoint(channel))
    return match["number"] if match else ""


def trunk_of(channel: str) -> str:
    """Name of the trunk whose channel this is, else empty."""
    match = _TRUNK.fullmatch(_endpoint(channel))
    return match["name"] if match else ""


def _endpoint(channel: str) -> str:
    match = _CHANNEL.match(channel)
    return match["endpoint"] if match else ""


def parse_row(line: bytes) -> CelRow:
    """Read one line. Raises RowError for a torn or foreign one."""
    try:
        value = json.loads(line.decode("utf-8", "replace"))
        if not isinstance(value, dict):
            raise RowError("a row is a JSON object")
        extra = _extra(value.get("eventextra", ""))
        return CelRow(
            type=value["eventtype"],
            time=float(value["eventtime"]),
            num=value.get("num", ""),
            exten=value.get("exten", ""),
            context=value.get("context", ""),
            channel=value["channame"],
            uniqueid=value["uniqueid"],
            linkedid=value["linkedid"],
            extra=extra,
            note=extra.get("extra", ""),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise RowError(f"no CEL row: {broken}") from None


def _extra(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        if not value:
            return {}
        try:
            value = json.loads(value)
        except ValueError:
            # The engine writes some texts with escapes that JSON lacks; the row itself is good.
            return {"extra": value}
    if not isinstance(value, dict):
        return {}
    return {str(name): str(item) for name, item in value.items()}
