"""What those need of the alarms who raise and clear one."""

from __future__ import annotations

from typing import Protocol


class Raiser(Protocol):
    """Where alarms go."""

    def raise_(self, key: str, text: str) -> None:
        """Something is wrong."""

    def clear(self, key: str, text: str) -> None:
        """It is right again."""
