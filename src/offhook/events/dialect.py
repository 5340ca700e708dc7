"""The three formats of pushed events, chosen by `version` at login (spec 17-events-v1, `selection`)."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """A format of pushed events."""

    V1_0_0 = "1.0.0"
    V1_0_2 = "1.0.2"
    V2_0_0 = "2.0.0"


def dialect_of(version: str) -> Dialect:
    """The format for a version string: 2.x is 2.0.0, 1.0.2 is its own, all else (also none) is 1.0.0."""
    version = version.strip().lower().removeprefix("v")
    if version == "1.0.2":
        return Dialect.V1_0_2
    major = version.split(".", 1)[0]
    return Dialect.V2_0_0 if major == "2" else Dialect.V1_0_0
