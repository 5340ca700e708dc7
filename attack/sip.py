"""Attacks on phones: scanners, guesses, garbage."""

from __future__ import annotations

from collections.abc import Sequence

from attack.attempt import Attempt


async def run(short: bool) -> Sequence[Attempt]:
    """Attack the SIP ports of a PBX."""
    return []
