"""Whether a PBX answers alike for names that it knows and names that it does not."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.attacker import Answer, Attacker
from tests.support.sip import digest

_DIFFERS = re.compile(
    r'(branch=|tag=|nonce="|opaque="|^Call-ID: |sip:)[^;">,\r\n@]*', re.MULTILINE | re.IGNORECASE
)


def shape(answer: Answer) -> str:
    """An answer without what differs from request to request: branch, tag, nonce, opaque, id and name."""
    return _DIFFERS.sub(r"\1…", answer.text)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was seen of one method, with or without a wrong password: shapes by name, and median seconds."""

    what: str
    shapes: Mapping[str, frozenset[str]]
    medians: Mapping[str, float]

    @property
    def same_text(self) -> bool:
        """Whether all names get the same texts."""
        return len(set(self.shapes.values())) == 1

    @property
    def apart(self) -> float:
        """Seconds between the fastest and the slowest median."""
        return max(self.medians.values()) - min(self.medians.values())


async def compare(
    attacker: Attacker, method: str, names: Sequence[str], tries: int, *, guess: bool
) -> Likeness:
    """Ask for each name so often, in a changing order, so that what else the machine does meets all alike."""
    shapes: dict[str, set[str]] = {name: set() for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    host, port = attacker.target
    uri = f"sip:{host}:{port}" if method == "REGISTER" else f"sip:1000@{host}:{port}"
    for turn in range(tries):
        for name in names if turn % 2 else reversed(names):
            answer = await attacker.ask(attacker.message(method, name))
            if guess:
                shown = digest(answer.challenge, method, uri, name, "wrong")
                answer = await attacker.ask(attacker.message(method, name, authorization=shown, cseq=2))
            shapes[name].add(shape(answer))
            seconds[name].append(answer.seconds)
    return Likeness(
        f"{method} with a wrong password" if guess else method,
        {name: frozenset(found) for name, found in shapes.items()},
        {name: statistics.median(found) for name, found in seconds.items()},
    )
